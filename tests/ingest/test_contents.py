import pytest

from app.ingest.contents import read_contents
from app.ingest.text import read_text


def entries(text: str) -> tuple[list[tuple[str, int | None]], int]:
    elements = read_text(text).elements
    found, end = read_contents(elements, 0)
    return [(entry.text, entry.page) for entry in found], elements[end].line if end < len(elements) else 0


@pytest.mark.parametrize(
    "leader", ["\t", " \t", "......", " . . . . ", "……", " ····· ", "…", "  ", "......\t"]
)
def test_a_page_stands_behind_tabs_dots_or_blanks(leader: str) -> None:
    assert entries(f"一、甲{leader}2\n二、乙{leader}13\n\n一、甲\n正文。") == (
        [("一、甲", 2), ("二、乙", 13)],
        4,
    )


def test_entries_go_on_over_a_page_break() -> None:
    text = "一、甲\t2\n\n\f二、乙\t3\n参考文献\t3\n\n一、甲\n正文。\n参考文献"
    assert entries(text)[0] == [("一、甲", 2), ("二、乙", 3), ("参考文献", 3)]


def test_a_heading_that_ends_with_a_number_is_no_page() -> None:
    assert entries("展望 2030 与 17\n其他\n\n展望 2030 与 17\n正文。")[0] == [
        ("展望 2030 与 17", None),
        ("其他", None),
    ]


def test_contents_without_pages_end_where_the_first_number_comes_again() -> None:
    assert entries("一、甲\n二、乙\n\n一、改了的甲\n正文。") == ([("一、甲", None), ("二、乙", None)], 4)


def test_an_entry_over_two_lines_is_one() -> None:
    assert entries("一、很长的标\n题 …… 2\n二、乙 …… 3\n\n一、很长的标题\n")[0] == [
        ("一、很长的标题", 2),
        ("二、乙", 3),
    ]


def test_contents_end_before_a_paragraph() -> None:
    assert entries("一、甲\t1\n　　正文的一段")[1] == 2


def test_a_page_without_a_gap_stands_behind_a_heading_that_comes_again() -> None:
    text = "一、迈向 20302\n二、很长的标\n题13\n参考文献14\n\n一、迈向 2030\n正文。\n二、很长的标题\n参考文献"
    assert entries(text) == ([("一、迈向 2030", 2), ("二、很长的标题", 13), ("参考文献", 14)], 6)


def test_digits_at_the_end_of_a_heading_that_appears_nowhere_without_them_are_no_page() -> None:
    assert entries("一、迈向2030\n\n一、迈向2030\n正文。")[0] == [("一、迈向2030", None)]
