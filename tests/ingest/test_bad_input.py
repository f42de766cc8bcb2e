import os
import subprocess
import sys
import zlib
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from app.bulletins.taxonomy import curated
from app.ingest.reader import read_bulletin, read_bytes
from app.ingest.report import ImportResult, UnreadableFileError

TODAY = date(2026, 6, 26)
Word = Callable[..., bytes]
MakePdf = Callable[..., bytes]

PARAGRAPH = "<w:p><w:r><w:t>{}</w:t></w:r></w:p>"
DTD = '<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
BOMB_DTD = '<!DOCTYPE d [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
SCAN = b"q 600 0 0 800 0 0 cm /Im Do Q"
TEXT = b"BT /F1 12 Tf 50 700 Td (Hello) Tj ET"
MEMORY = """
import contextlib, resource, sys
from datetime import date
from pathlib import Path
from app.bulletins.taxonomy import curated
from app.ingest.reader import read_bulletin
from app.ingest.report import UnreadableFileError
with contextlib.suppress(UnreadableFileError):
    read_bulletin(Path(sys.argv[1]), curated(), date(2026, 6, 26))
who = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
unit = 2**20 if sys.platform == "darwin" else 2**10
print(sum(resource.getrusage(each).ru_maxrss for each in who) // unit)
"""


def read(name: str, data: bytes) -> ImportResult:
    return read_bytes(name, data, curated(), TODAY)


def refused(name: str, data: bytes) -> str:
    """The code of the refusal, whose message is one line that names the file."""
    with pytest.raises(UnreadableFileError) as caught:
        read(name, data)
    assert caught.value.message.startswith(f"{name}：")
    assert caught.value.message.endswith("。")
    assert not caught.value.message.endswith("。。")
    assert "\n" not in caught.value.message
    return caught.value.code


def refused_path(path: Path) -> str:
    with pytest.raises(UnreadableFileError) as caught:
        read_bulletin(path, curated(), TODAY)
    assert caught.value.message.startswith(f"{path.name}：")
    return caught.value.code


def encrypted(pdf: bytes) -> bytes:
    """A PDF whose standard security handler wants a password that nobody knows."""
    handler = b"/Encrypt << /Filter /Standard /V 1 /R 2 /P -4 /O <%b> /U <%b> >> /ID [<00> <00>]" % (
        (b"5a" * 32,) * 2
    )
    return pdf.replace(b"/Root 1 0 R", b"/Root 1 0 R " + handler)


@pytest.mark.parametrize("name", ["a.txt", "a.md", "a.docx", "a.pdf"])
def test_empty_file_is_refused(name: str) -> None:
    assert refused(name, b"") == "file.empty"


@pytest.mark.parametrize("data", [b" \n\t\r\n", "\u3000\u200b\ufeff".encode()])
def test_file_of_nothing_but_white_space_is_refused(data: bytes) -> None:
    assert refused("a.txt", data) == "file.empty"


def test_word_file_without_text_is_refused(word: Word) -> None:
    assert refused("a.docx", word("<w:p/>")) == "file.empty"


@pytest.mark.parametrize(
    "data",
    [
        b"\x89PNG\r\n\x1a\n" + bytes(99),
        b"PK\x03\x04" + bytes(99),
        b"%PDF-1.7\n",
        os.urandom(9_999),
        bytes(9_999),
    ],
    ids=["png", "zip", "pdf", "random", "zeros"],
)
def test_binary_file_renamed_to_txt_is_refused(data: bytes) -> None:
    assert refused("a.txt", data) == "file.binary"


def test_file_of_200_mb_is_refused_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "大.txt"
    with path.open("wb") as file:
        file.truncate(200 * 2**20)
    monkeypatch.delattr(Path, "open")
    assert refused_path(path) == "file.too-large"


def test_upload_beyond_the_limit_is_refused() -> None:
    assert refused("a.pdf", bytes(20 * 2**20 + 1)) == "file.too-large"


def test_folder_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "a.txt"
    folder.mkdir()
    assert refused_path(folder) == "file.not-a-file"


def test_pipe_is_refused_without_waiting_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.txt")
    assert refused_path(tmp_path / "a.txt") == "file.not-a-file"


def test_missing_file_is_refused(tmp_path: Path) -> None:
    assert refused_path(tmp_path / "a.txt") == "file.missing"


def test_file_that_may_not_be_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.txt"
    path.write_text("文字", "utf-8")

    def denied(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(Path, "open", denied)  # root may read everything
    assert refused_path(path) == "file.unreadable"


@pytest.mark.parametrize("name", ["a.doc", "a.xlsx", "a", "a.txt.exe"])
def test_other_extensions_are_refused(name: str) -> None:
    assert refused(name, b"text") == "file.unsupported"


def test_pdf_renamed_to_docx_and_the_reverse_are_refused(word: Word, make_pdf: MakePdf) -> None:
    assert refused("a.docx", make_pdf(TEXT)) == "file.wrong-extension"
    assert refused("a.pdf", word(PARAGRAPH.format("文字"))) == "file.wrong-extension"


@pytest.mark.parametrize("name", ["a.docx", "a.pdf"])
def test_text_renamed_to_another_format_is_refused(name: str) -> None:
    assert refused(name, "一段文字".encode()) == "file.damaged"


def test_spreadsheet_renamed_to_docx_is_refused(word: Word) -> None:
    data = word("", files={"_rels/.rels": b"<Relationships/>"})
    assert refused("a.docx", data) == "file.unsupported"


def test_old_or_encrypted_word_files_are_refused() -> None:
    ole = bytes.fromhex("d0cf11e0a1b11ae1") + bytes(600)
    assert refused("a.docx", ole) == "file.unsupported"
    assert refused("a.docx", ole + "EncryptedPackage".encode("utf-16-le")) == "file.encrypted"


@pytest.mark.parametrize("prolog", [DTD, BOMB_DTD, "<!DOCTYPE d>"], ids=["external", "laughs", "dtd"])
def test_docx_with_entities_is_refused(word: Word, prolog: str) -> None:
    assert refused("a.docx", word(PARAGRAPH.format("文字"), prolog=prolog)) == "file.unsafe"


def test_docx_zip_bombs_are_refused(word: Word) -> None:
    body = PARAGRAPH.format("文字")
    assert refused("a.docx", word(body + " " * 2**22)) == "file.unsafe"
    assert refused("a.docx", word(body, files={"word/media/a.png": bytes(2**24)})) == "file.unsafe"
    many = {f"word/media/{number}.png": b"" for number in range(2_001)}
    assert refused("a.docx", word(body, files=many)) == "file.unsafe"


@pytest.mark.parametrize("name", ["../evil.xml", "/etc/passwd", "word\\..\\evil.xml", "C:/evil.xml"])
def test_docx_with_tricks_in_its_paths_is_refused(word: Word, name: str) -> None:
    assert refused("a.docx", word(PARAGRAPH.format("文字"), files={name: b""})) == "file.unsafe"


def test_docx_with_too_much_xml_is_refused(word: Word) -> None:
    runs = "".join(f"<w:r><w:t>{number}</w:t></w:r>" for number in range(110_000))
    assert refused("a.docx", word(f"<w:p>{runs}</w:p>")) == "file.too-complex"


def test_docx_that_is_nested_too_deeply_is_refused(word: Word) -> None:
    nested = "<w:sdt><w:sdtContent>" * 9_000 + "</w:sdtContent></w:sdt>" * 9_000
    assert refused("a.docx", word(nested)) == "file.too-complex"


@pytest.mark.parametrize(
    ("link", "code", "severity"),
    [
        (("x", "hyperlink", 'Target="file:///C:/secret.txt"'), "link.local", "error"),
        (("x", "image", 'Target="\\\\server\\share\\a.png"'), "link.local", "error"),
        (("x", "oleObject", 'Target="C:\\secret.xlsx"'), "link.local", "error"),
        (("x", "image", 'Target="https://example.com/a.png"'), "link.external", "warning"),
        (("x", "attachedTemplate", 'Target="file:///C:/Normal.dotm"'), "link.template", "note"),
    ],
)
def test_docx_with_links_to_files_is_reported(
    word: Word, link: tuple[str, str, str], code: str, severity: str
) -> None:
    name, kind, target = link
    data = word(PARAGRAPH.format("文字"), links=((name, kind, f'{target} TargetMode="External"'),))
    found = [finding for finding in read("a.docx", data).report.findings if finding.code == code]
    assert [finding.severity for finding in found] == [severity]


def test_docx_with_a_field_that_fetches_a_local_file_is_reported(word: Word) -> None:
    field = '<w:p><w:r><w:instrText>INCLUDETEXT "C:\\\\secret.txt"</w:instrText></w:r></w:p>'
    report = read("a.docx", word(field + PARAGRAPH.format("文字"))).report
    assert "link.local" in {finding.code for finding in report.findings}


@pytest.mark.parametrize("share", [0.01, 0.5, 0.99])
def test_truncated_docx_is_refused(samples: Path, share: float) -> None:
    data = (samples / "2026-06-25.docx").read_bytes()
    assert refused("a.docx", data[: int(len(data) * share)]) == "file.damaged"


def test_docx_with_a_broken_part_is_refused(samples: Path) -> None:
    data = bytearray((samples / "2026-06-25.docx").read_bytes())
    place = data.index(b"word/document.xml") + 300
    data[place : place + 200] = bytes(200)
    assert refused("a.docx", bytes(data)) == "file.damaged"


@pytest.mark.parametrize("share", [0.001, 0.5, 0.9999])
def test_truncated_pdf_is_refused(samples: Path, share: float) -> None:
    data = (samples / "2026-06-25.pdf").read_bytes()
    with pytest.raises(UnreadableFileError, match=r"a\.pdf：PDF 文件不完整") as caught:
        read("a.pdf", data[: int(len(data) * share)])
    assert caught.value.code == "file.damaged"


def test_pdf_without_its_objects_is_refused() -> None:
    assert refused("a.pdf", b"%PDF-1.7\n" + b"nonsense " * 100 + b"%%EOF") == "file.damaged"


def test_encrypted_pdf_is_refused(make_pdf: MakePdf) -> None:
    assert refused("a.pdf", encrypted(make_pdf(TEXT))) == "file.encrypted"


def test_scanned_pdf_is_refused_and_told_that_it_has_no_text(make_pdf: MakePdf) -> None:
    with pytest.raises(UnreadableFileError, match=r"a\.pdf：PDF 没有文字层，应是扫描件") as caught:
        read("a.pdf", make_pdf(SCAN, SCAN))
    assert caught.value.code == "file.no-text"


def test_pdf_of_too_many_pages_is_refused(make_pdf: MakePdf) -> None:
    assert refused("a.pdf", make_pdf(*[TEXT] * 201)) == "file.too-complex"


@pytest.mark.parametrize("blanks", ["\n\n", "\n"])
def test_file_of_10_000_sections_is_refused(blanks: str) -> None:
    text = "".join(f"{number}、条目{blanks}正文。{blanks}" for number in range(1, 10_001))
    assert refused("a.txt", text.encode()) == "file.too-complex"
    assert refused("a.md", text.encode()) == "file.too-complex"


def test_file_of_201_sections_is_refused_and_one_of_200_is_not() -> None:
    def text(count: int) -> bytes:
        return "".join(f"## 条目{number}号\n\n正文。\n\n" for number in range(count)).encode()

    assert refused("a.md", text(201)) == "file.too-complex"
    assert len(read("a.md", text(200)).document.sections) == 200


def test_docx_of_10_000_sections_is_refused(word: Word) -> None:
    heading = '<w:p><w:pPr><w:outlineLvl w:val="0"/></w:pPr><w:r><w:t>条目{}</w:t></w:r></w:p>'
    body = "".join(heading.format(number) + PARAGRAPH.format("正文。") for number in range(10_000))
    assert refused("a.docx", word(body)) == "file.too-complex"


@pytest.mark.parametrize("character", ["\u202e", "\u2067", "\u200b", "\ufeff", "\u00ad", "\0", "\x07"])
def test_characters_that_hide_or_turn_text_are_removed_and_reported(samples: Path, character: str) -> None:
    text = (samples / "2026-06-25.txt").read_text("utf-8")
    clean = read("a.txt", text.encode())
    dirty = read("a.txt", text.replace("国务院总理", f"国务{character}院总理").encode())
    assert dirty.document == clean.document
    assert "text.suspicious" in {finding.code for finding in dirty.report.findings}


def spaces() -> bytes:
    packer = zlib.compressobj()
    return b"".join(packer.compress(bytes(2**20)) for _ in range(400)) + packer.flush()


@pytest.mark.parametrize(
    "name", ["zip.docx", "xml.docx", "spaces.pdf", "graphics.pdf", "lines.txt", "table.md"]
)
def test_memory_stays_under_300_mb(tmp_path: Path, word: Word, make_pdf: MakePdf, name: str) -> None:
    path = tmp_path / name
    packed = {"stream": b"/Filter /FlateDecode"}
    row = "甲|" * 90
    match name:
        case "zip.docx":
            data = word("", files={f"word/media/{number}.png": bytes(2**22) for number in range(40)})
        case "xml.docx":
            data = word("".join(PARAGRAPH.format(number) for number in range(60_000)))
        case "spaces.pdf":
            data = make_pdf(spaces(), **packed)
        case "graphics.pdf":
            data = make_pdf(zlib.compress(TEXT + b" 0 0 50 50 re S" * 20_000), **packed)
        case "lines.txt":
            data = "一、甲\n".encode() * 20_000
        case _:
            data = f"|{row}\n|{'-|' * 90}\n{f'|{row}' * 200}".encode()
    path.write_bytes(data)
    assert megabytes(path) < 300


def test_file_of_200_mb_takes_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    with path.open("wb") as file:
        file.truncate(200 * 2**20)
    assert megabytes(path) < 100


def megabytes(path: Path) -> int:
    """The most memory that reading a file took, the reader's and its helper's together.

    The shell between keeps the reader from counting the memory of this process, from which it is forked.
    """
    result = subprocess.run(
        ["sh", "-c", '"$@"; exit $?', "sh", sys.executable, "-c", MEMORY, str(path)],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    return int(result.stdout)
