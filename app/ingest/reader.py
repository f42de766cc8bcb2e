"""A bulletin's file into a document and a report, or one clear refusal."""

import hashlib
import stat
from collections.abc import Callable
from datetime import date
from pathlib import Path, PurePath

from pydantic import ValidationError

from app.bulletins.document import BulletinDocument
from app.bulletins.taxonomy import Taxonomy
from app.ingest.checks import check
from app.ingest.citations import suggest_citations
from app.ingest.docx import read_docx
from app.ingest.encoding import decode
from app.ingest.flow import Element, Flow, Picture, TextLine
from app.ingest.lines import written
from app.ingest.markdown import read_markdown
from app.ingest.pdf import read_pdf
from app.ingest.report import MAX_BYTES, Finding, ImportReport, ImportResult, UnreadableFileError
from app.ingest.structure import build
from app.ingest.tagging import suggest_tags
from app.ingest.text import read_text

MAX_CHARACTERS = 300_000
MAX_TEXT_BYTES = 4 * MAX_CHARACTERS
MAX_LINES = 20_000
MAX_CELLS = 20_000
TOO_MUCH = "内容过多，远超一期动态的规模，请核对是否选错文件"

_FORMATS = {".txt": "txt", ".md": "md", ".markdown": "md", ".docx": "docx", ".pdf": "pdf"}
_SIGNATURES = (
    (b"PK\x03\x04", "docx", "zip 压缩包（如 Word 文件）"),
    (b"\xd0\xcf\x11\xe0", "docx", "旧版 Office 文件"),
    (b"{\\rtf", "rtf", "RTF 文件"),
    (b"\x89PNG", "png", "图片"),
    (b"\xff\xd8\xff", "jpeg", "图片"),
    (b"GIF8", "gif", "图片"),
    (b"\x7fELF", "elf", "程序"),
    (b"\x1f\x8b", "gzip", "压缩文件"),
)


def read_bulletin(path: Path, taxonomy: Taxonomy, today: date) -> ImportResult:
    """Read a ``.txt``, ``.md``, ``.docx`` or ``.pdf`` file.

    :raises UnreadableFileError: the file gives no document; the message names it.
    """
    return read_bytes(path.name, content(path), taxonomy, today)


def content(path: Path) -> bytes:
    """The bytes of a file that may be a bulletin.

    :raises UnreadableFileError: there is no such file, it cannot be opened, or it is too large.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise _refusal(path.name, "file.not-a-file", "不是文件，而是文件夹或设备")
        _refuse_size(path.name, status.st_size)
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except FileNotFoundError as error:
        raise _refusal(path.name, "file.missing", "文件不存在") from error
    except OSError as error:
        raise _refusal(path.name, "file.unreadable", "无法打开文件，请检查读取权限") from error


def read_bytes(name: str, data: bytes, taxonomy: Taxonomy, today: date) -> ImportResult:
    """Read a file's content; ``name`` gives its format and stands in messages.

    :raises UnreadableFileError: the content gives no document; the message names the file.
    """
    _refuse_size(name, len(data))
    try:
        kind = _format(name, data)
        flow = _FLOWS[kind](data)
        document, findings = _document(flow, taxonomy, today)
    except UnreadableFileError as error:
        raise _refusal(name, error.code, error.message) from error
    except (ValidationError, RecursionError) as error:
        raise _refusal(name, "file.too-complex", TOO_MUCH) from error
    digest = hashlib.sha256(data).hexdigest()
    report = ImportReport(file=_shown(name), format=kind, sha256=digest, findings=tuple(findings))
    pictures = {
        each.src: each.content for each in flow.elements if isinstance(each, Picture) and each.content
    }
    return ImportResult(document=document, report=report, pictures=pictures)


def _document(flow: Flow, taxonomy: Taxonomy, today: date) -> tuple[BulletinDocument, list[Finding]]:
    if not any(not isinstance(element, TextLine) or element.text for element in flow.elements):
        raise UnreadableFileError("file.empty", "文件里没有内容")
    if len(flow.elements) > MAX_LINES or sum(map(_length, flow.elements)) > MAX_CHARACTERS:
        raise UnreadableFileError("file.too-complex", TOO_MUCH)
    document, findings = build(flow)
    document = suggest_tags(suggest_citations(document, taxonomy), taxonomy)
    return document, [*findings, *check(document, today)]


def _length(element: Element) -> int:
    return sum(map(len, written(element)))


def _format(name: str, data: bytes) -> str:
    """The format by the name, as long as the content does not contradict it."""
    kind = _FORMATS.get(PurePath(name).suffix.lower())
    if kind is None:
        raise UnreadableFileError("file.unsupported", "不支持这种格式，可用 .txt、.md、.docx、.pdf")
    found, description = _signature(data)
    if found and found != kind:
        code = "file.binary" if kind in ("txt", "md") else "file.wrong-extension"
        raise UnreadableFileError(code, f"扩展名与内容不符，内容是{description}")
    if kind in ("docx", "pdf") and not found:
        raise UnreadableFileError("file.damaged", f"不是有效的 {kind.upper()} 文件，可能已损坏")
    return kind


def _signature(data: bytes) -> tuple[str, str]:
    """The format that the content shows and its name, both empty for text."""
    if b"%PDF-" in data[:1024]:
        return "pdf", "PDF"
    for mark, kind, description in _SIGNATURES:
        if data.startswith(mark):
            return kind, description
    return "", ""


def _text(data: bytes) -> tuple[str, list[Finding]]:
    if len(data) > MAX_TEXT_BYTES:
        raise UnreadableFileError("file.too-complex", TOO_MUCH)
    text, findings = decode(data)
    lines, cells = len(text.splitlines()), text.count("|")
    if len(text) > MAX_CHARACTERS or lines > MAX_LINES or cells > MAX_CELLS:
        raise UnreadableFileError("file.too-complex", TOO_MUCH)
    return text, findings


def _decoding(read: Callable[[str], Flow]) -> Callable[[bytes], Flow]:
    def read_decoded(data: bytes) -> Flow:
        text, findings = _text(data)
        flow = read(text)
        return Flow(flow.elements, [*findings, *flow.findings])

    return read_decoded


_FLOWS: dict[str, Callable[[bytes], Flow]] = {
    "txt": _decoding(read_text),
    "md": _decoding(read_markdown),
    "docx": read_docx,
    "pdf": read_pdf,
}


def _refuse_size(name: str, size: int) -> None:
    if size == 0:
        raise _refusal(name, "file.empty", "文件是空的")
    if size > MAX_BYTES:
        raise _refusal(name, "file.too-large", f"文件超过 {MAX_BYTES // 2**20} MB")


def _refusal(name: str, code: str, reason: str) -> UnreadableFileError:
    return UnreadableFileError(code, f"{_shown(name)}：{reason.removesuffix('。')}。")


def _shown(name: str) -> str:
    """A file's name without what would disturb a line of text."""
    return "".join(c if c.isprintable() else "\ufffd" for c in name).strip() or "\ufffd"
