from datetime import date

import pytest

from app.ingest.dates import find_dates, looks_like_date, parse_date


@pytest.mark.parametrize(
    "text",
    [
        "2026 年 6 月 25 日",
        "2026年6月25日",
        "2026-06-25",
        "2026/6/25",
        "2026.06.25",
        "２０２６年６月２５日",
        "二〇二六年六月二十五日",
        "二零二六年六月廿五日".replace("廿", "二十"),
        "2026年六月25号",
        "June 25, 2026",
        "25 Jun 2026",
    ],
)
def test_a_day_is_read_in_every_spelling(text: str) -> None:
    assert parse_date(text) == date(2026, 6, 25)


@pytest.mark.parametrize("text", ["2026-02-30", "2026年13月1日", "6月25日", "昨天", "2026-06-25 发布", ""])
def test_what_is_not_one_whole_day_is_none(text: str) -> None:
    assert parse_date(text) is None


def test_dates_inside_a_text_keep_their_order_and_an_impossible_one_is_none() -> None:
    found = find_dates("自2026年2月30日起，至2026-03-01止")
    assert [day for day, _ in found] == [None, date(2026, 3, 1)]


def test_an_incomplete_date_still_looks_like_one() -> None:
    assert looks_like_date("2026年6月")
    assert looks_like_date("2026-02-30")
    assert not looks_like_date("用于 2026 年规划")
