import pytest

from app.ingest.flow import Element, TableRows, TextLine
from app.ingest.text import read_text


def lines(text: str) -> list[TextLine]:
    return [element for element in read_text(text).elements if isinstance(element, TextLine)]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\u2028", "\x85"])
def test_any_line_end_ends_a_line(end: str) -> None:
    assert [(line.text, line.line) for line in lines(end.join(["甲", "", "乙"]))] == [
        ("甲", 1),
        ("", 2),
        ("乙", 3),
    ]


def test_characters_that_are_no_text_go_with_a_finding_and_no_word_is_lost() -> None:
    flow = read_text("甲\u200b乙\u202e丙\x07丁\n正常\n丢\ufffd字")
    assert [e.text for e in flow.elements if isinstance(e, TextLine)] == ["甲乙丙丁", "正常", "丢\ufffd字"]
    found = list(flow.findings)
    assert [(f.code, f.position.line) for f in found] == [("text.suspicious", 1), ("text.suspicious", 3)]
    assert "U+200B、U+202E、U+0007" in found[0].message


def test_two_full_width_blanks_indent_and_more_of_them_centre() -> None:
    assert [line.indented for line in lines("　　一、甲\n一、甲\n　　　　甲\n　甲")] == [
        True,
        False,
        False,
        False,
    ]


def test_list_marks_are_taken_off_and_another_mark_begins_another_list() -> None:
    read = lines("- 甲\n\n- 乙\n• 丙\n  1. 丁\n  2. 戊\n  1. 己\n1. 庚\n　　- 辛")
    assert [(line.text, line.item, line.ordered) for line in read] == [
        ("甲", True, False),
        ("乙", True, False),
        ("", False, False),
        ("丙", True, False),
        ("", False, False),
        ("丁", True, True),
        ("戊", True, True),
        ("", False, False),
        ("己", True, True),
        ("1. 庚", False, False),
        ("- 辛", False, False),
    ]


def test_lines_between_bars_are_a_table() -> None:
    read: list[Element] = list(read_text("| 甲 | 乙\\|丙 |\n|---|:--:|\n| 1 |\n").elements)
    assert read[0] == TableRows((("甲", "乙|丙"), ("1", "")), header=True, line=1)


def test_a_table_with_an_empty_header_has_none() -> None:
    assert read_text("|  |  |\n|---|---|\n| 1 | 2 |").elements == [TableRows((("1", "2"),), False, 1)]


def test_a_form_feed_begins_a_page_and_softens_the_line_before_it() -> None:
    read = [line for line in lines("甲\n乙，\n\n第 1 页\n\f丙") if line.text]
    assert [(line.text, line.page, line.soft, line.line) for line in read] == [
        ("甲", 1, False, 1),
        ("乙，", 1, True, 2),
        ("第 1 页", 1, False, 4),
        ("丙", 2, False, 5),
    ]
