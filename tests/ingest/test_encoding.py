import os
from datetime import date

import pytest
from opencc import OpenCC

from app.ingest.encoding import decode
from app.ingest.report import Severity, UnreadableFileError
from app.rendering.text import render_text
from scripts.archive import generate

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


def test_short_words_of_gb18030_that_are_utf8_by_chance_are_no_mixture() -> None:
    text = "新质生产力每日动态\n摘要\n正文\n"
    assert "摘要".encode("gb18030").decode("utf-8") != "摘要"
    assert decode(text.encode("gb18030")) == (text, [])
    mixed = "数据要素\n".encode() + "摘要\n旧的一行\n".encode("gb18030") + "算力电力\n".encode()
    assert decode(mixed)[0] == "数据要素\n摘要\n旧的一行\n算力电力\n"


TO_TRADITIONAL = OpenCC("s2t")
TRADITIONAL = (
    "新質生產力每日動態\n摘要\n今日動態集中在規模化創新、數據要素場景化和資本開支，強調創新與合作。\n"
)
JAPANESE = "これは日本語の文章です。新しい質の生産力について、毎日の動向をお届けします。\n"
KOREAN = "이것은 한국어 문장입니다. 새로운 생산력에 대한 매일의 동향을 전해 드립니다.\n"


@pytest.mark.parametrize(
    ("text", "encoding", "name"),
    [
        (TRADITIONAL, "big5", "Big5"),
        (JAPANESE, "cp932", "Shift-JIS"),
        (JAPANESE, "euc_jp", "EUC-JP"),
        (KOREAN, "cp949", "EUC-KR"),
    ],
)
def test_encodings_of_neighbours_are_read_and_reported(text: str, encoding: str, name: str) -> None:
    data = (text * 5).encode(encoding)
    assert data.decode("gb18030", "replace") != text * 5
    read, (finding,) = decode(data)
    assert read == text * 5
    assert (finding.code, finding.severity) == ("text.suspicious", Severity.warning)
    assert name in finding.message


def test_bulletins_in_gb18030_are_never_taken_for_a_neighbours() -> None:
    for document in generate(20, seed=5, until=date(2026, 6, 24)):
        for text in (render_text(document), TO_TRADITIONAL.convert(render_text(document))):
            assert decode(text.encode("gb18030")) == (text, [])


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
