from datetime import date

import pytest

from app.ingest.flow import TextLine
from app.ingest.front import Front, read_front


def front(*texts: str) -> Front:
    return read_front([TextLine(text, number) for number, text in enumerate(texts, start=1)], None)


@pytest.mark.parametrize("separator", [" & ", "＆", "、", "，", " / ", "/", " | "])
def test_producers_are_divided_by_any_usual_sign(separator: str) -> None:
    read = front("新质生产力每日动态", "某某促进会", f"博雅云创{separator}中科创新驱动", "2026年6月25日")
    assert read.producers == ("博雅云创", "中科创新驱动")


def test_lines_that_come_again_on_the_second_page_count_once() -> None:
    read = front(
        "新质生产力每日动态", "某某促进会", "新质生产力每日动态", "某某促进会", "甲 & 乙", "2026-06-25"
    )
    assert (read.title, read.organisation, read.producers) == (None, "某某促进会", ("甲", "乙"))
    assert read.date == date(2026, 6, 25)
    assert read.unplaced == []


def test_a_line_before_the_organisation_is_the_bulletins_own_title() -> None:
    read = front("新质生产力每日动态", "数据要素、算力与电力专刊", "某某研究院", "博雅云创")
    assert (read.title, read.organisation, read.producers) == (
        "数据要素、算力与电力专刊",
        "某某研究院",
        ("博雅云创",),
    )


def test_series_weekday_and_date_may_share_a_line_and_the_issues_number_is_kept() -> None:
    read = front("《新质生产力每日动态》2026年6月25日 星期四（总第 125 期）", "某某协会")
    assert read.date == date(2026, 6, 25)
    assert read.title is None
    assert [line.text for line in read.unplaced] == ["（总第 125 期）"]


def test_two_different_dates_are_ambiguous_and_one_twice_is_not() -> None:
    assert front("2026-06-25", "2026年6月25日").findings == []
    read = front("2026-06-25", "2026-06-26")
    assert [(f.code, f.severity.value, f.position.line) for f in read.findings] == [
        ("date.ambiguous", "error", 2)
    ]
    assert "2026-06-25、2026-06-26" in read.findings[0].message


def test_a_day_that_does_not_exist_is_reported_and_kept() -> None:
    read = front("新质生产力每日动态", "2026年2月30日")
    assert read.date is None
    assert [f.code for f in read.findings] == ["date.invalid"]
    assert [line.text for line in read.unplaced] == ["2026年2月30日"]


def test_labels_decide_and_a_second_value_is_kept_apart() -> None:
    read = front(
        "标题：2026-01-01", "主办：甲、乙", "出品：丙/丁", "日期：2026-06-25", "主办：戊", "语言：en"
    )
    assert (read.title, read.organisation, read.producers) == ("2026-01-01", "甲、乙", ("丙", "丁"))
    assert (read.date, read.language) == (date(2026, 6, 25), "en")
    assert [line.text for line in read.unplaced] == ["主办：戊"]


def test_an_organisation_beside_a_labelled_one_is_no_title() -> None:
    read = front("某某委员会", "主办：某某协会")
    assert (read.title, read.organisation) == (None, "某某协会")
    assert [line.text for line in read.unplaced] == ["某某委员会"]


def test_a_series_with_a_digit_in_its_name_takes_nothing_from_the_date() -> None:
    read = front("刊名：2", "2026 年 6 月 25 日")
    assert (read.series, read.date, read.unplaced) == ("2", date(2026, 6, 25), [])


@pytest.mark.parametrize(
    "line",
    [
        f"标题：{'长' * 301}",
        f"刊名：{'长' * 201}",
        f"主办：{'长' * 201}",
        f"出品：甲 & {'长' * 201}",
        f"甲 & {'长' * 201}",
        f"{'长' * 200}中心",
        "语言：<script>",
        f"语言：{'z' * 500}",
    ],
)
def test_what_a_document_would_not_take_stays_unplaced(line: str) -> None:
    read = front("新质生产力每日动态", line, "2026-06-25")
    assert [line.text for line in read.unplaced] == [line]
    assert (read.title, read.organisation, read.producers, read.language) == (None, "", (), "zh-CN")


def test_a_marked_title_that_is_too_long_stays_unplaced() -> None:
    line = TextLine("长" * 301, 1, heading=1)
    read = read_front([line], line)
    assert (read.title, read.unplaced) == (None, [line])
