import pytest

from app.ingest.numerals import Style, han_number, numeral_value, parse_numbered


@pytest.mark.parametrize(
    ("line", "style", "numeral", "value", "rest"),
    [
        ("一、标题", Style.han, "一", 1, "标题"),
        ("二十一．标题", Style.han, "二十一", 21, "标题"),
        ("（三）标题", Style.han_bracketed, "（三）", 3, "标题"),
        ("(十) 标题", Style.han_bracketed, "(十)", 10, "标题"),
        ("1. 标题", Style.arabic, "1", 1, "标题"),
        ("12、标题", Style.arabic, "12", 12, "标题"),
        ("３．标题", Style.arabic, "３", 3, "标题"),
        ("（2）标题", Style.arabic_bracketed, "（2）", 2, "标题"),
        ("2) 标题", Style.arabic_bracketed, "2)", 2, "标题"),
        ("第一章 标题", Style.chapter, "第一章", 1, "标题"),
        ("第3部分：标题", Style.chapter, "第3部分", 3, "标题"),
        ("第二节 标题", Style.article, "第二节", 2, "标题"),
        ("1.2 标题", Style.decimal, "1.2", 1, "标题"),
        ("③标题", Style.circled, "③", 3, "标题"),
    ],
)
def test_a_number_before_a_heading_is_told_from_the_heading(
    line: str, style: Style, numeral: str, value: int, rest: str
) -> None:
    number = parse_numbered(line)
    assert number is not None
    assert (number.style, number.numeral, number.value, number.rest) == (style, numeral, value, rest)


@pytest.mark.parametrize(
    "line", ["1.5亿元投资", "2026 年规划", "6月24日，李强出席", "一是创新", "一、", "标题"]
)
def test_what_only_resembles_a_number_is_none(line: str) -> None:
    assert parse_numbered(line) is None


@pytest.mark.parametrize(
    ("numeral", "value"),
    [
        ("一", 1),
        ("十二", 12),
        ("（三）", 3),
        ("第四章", 4),
        ("5", 5),
        ("⑥", 6),
        ("1.7", 7),
        ("甲", None),
        ("", None),
    ],
)
def test_a_written_numeral_counts_what_it_says(numeral: str, value: int | None) -> None:
    assert numeral_value(numeral) == value


def test_chinese_digits_are_read_one_by_one_or_with_units() -> None:
    assert han_number("二〇二六") == 2026
    assert han_number("二十五") == 25
    assert han_number("一百零三") == 103
    assert han_number("年") is None
