import os

import pytest

from app.ingest.encoding import decode
from app.ingest.report import Severity, UnreadableFileError

TEXT = "新质生产力每日动态\n2026 年 6 月 25 日\n一、“规模化创新”与 AI 资本开支\n"


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "gb18030"]
)
def test_encodings_of_chinese_editors_are_read_without_a_doubt(encoding: str) -> None:
    assert decode(TEXT.encode(encoding)) == (TEXT, [])


def test_big_endian_utf16_with_its_mark_is_read() -> None:
    assert decode(b"\xfe\xff" + TEXT.encode("utf-16-be")) == (TEXT, [])


def test_short_gb18030_is_not_taken_for_utf16() -> None:
    assert decode("数据要素".encode("gb18030")) == ("数据要素", [])


def test_rare_characters_of_gb18030_are_read() -> None:
    assert decode("𠮷野、㐀、€\n".encode("gb18030")) == ("𠮷野、㐀、€\n", [])


def test_plain_ascii_is_text() -> None:
    assert decode(b"plain\r\ntext\r") == ("plain\r\ntext\r", [])


def test_mixed_encodings_are_read_line_by_line_and_reported() -> None:
    data = "数据要素\n".encode() + "旧的一行\r\n".encode("gb18030") + "算力电力\n".encode()
    data.decode("gb18030")  # the whole can be taken for GB18030, but it would be nonsense
    text, (finding,) = decode(data)
    assert text == "数据要素\n旧的一行\r\n算力电力\n"
    assert (finding.code, finding.severity) == ("text.suspicious", Severity.warning)


def test_broken_byte_in_utf8_does_not_turn_the_rest_into_gb18030() -> None:
    text, (finding,) = decode((TEXT * 3).encode() + b"\xff\n")
    assert text == TEXT * 3 + "\ufffd\n"
    assert finding.code == "text.suspicious"


def test_broken_utf16_keeps_what_can_be_read() -> None:
    text, (finding,) = decode(TEXT.encode("utf-16") + b"\x00\xd8")
    assert text.startswith(TEXT)
    assert finding.code == "text.suspicious"


def test_a_few_zero_bytes_do_not_make_a_text_binary() -> None:
    text, _ = decode(TEXT.encode() + b"\0\0")
    assert text == TEXT + "\0\0"


@pytest.mark.parametrize(
    "data",
    [os.urandom(5_000), bytes(5_000), b"\xff" * 500, bytes(range(32)) * 20],
    ids=["random", "zeros", "ones", "controls"],
)
def test_binary_data_is_refused(data: bytes) -> None:
    with pytest.raises(UnreadableFileError) as caught:
        decode(data)
    assert caught.value.code == "file.binary"
