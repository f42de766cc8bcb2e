from datetime import date, timedelta
from itertools import pairwise
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kit.days import shifted
from app.kit.problems import Problem
from app.knowledge.days import YEAR, backwards, beginning, end, window
from app.knowledge.schemas import Interval

INTERVALS: tuple[Interval, ...] = get_args(Interval)


@given(st.dates(), st.sampled_from(INTERVALS))
def test_a_day_lies_between_its_interval_s_first_and_last_day(day: date, interval: Interval) -> None:
    start = beginning(day, interval)
    assert start <= day <= end(start, interval)
    assert beginning(end(start, interval), interval) == start
    assert (end(start, interval) - start).days < {"day": 1, "week": 7, "month": 31}[interval]


@given(st.dates(), st.integers(0, 800), st.sampled_from(INTERVALS))
def test_intervals_follow_each_other_without_gap_or_overlap(
    last: date, days: int, interval: Interval
) -> None:
    first = shifted(last, -days)
    starts = list(backwards(last, first, interval))
    assert starts[-1] <= first <= last <= end(starts[0], interval)
    for later, earlier in pairwise(starts):
        assert end(earlier, interval) + timedelta(days=1) == later


def test_a_week_begins_on_monday() -> None:
    assert beginning(date(2026, 6, 28), "week") == date(2026, 6, 22)


@pytest.mark.parametrize("newest", [date.min, date(2026, 6, 25), date.max])
def test_a_window_has_at_most_a_year(newest: date) -> None:
    for first, last in ((None, None), (newest, None), (None, newest)):
        opened, closed = window(first, last, newest)
        assert opened <= closed
        assert (closed - opened).days < YEAR
    with pytest.raises(Problem, match="366 days"):
        window(date(2025, 6, 25), date(2026, 6, 26), newest)
    assert window(date(2025, 6, 26), date(2026, 6, 26), newest) == (date(2025, 6, 26), date(2026, 6, 26))
