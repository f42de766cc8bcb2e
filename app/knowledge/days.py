"""Intervals and windows of days."""

from calendar import monthrange
from collections.abc import Iterator
from datetime import date

from app.kit.days import shifted
from app.kit.problems import invalid_parameter
from app.knowledge.schemas import Interval

YEAR = 366
"""The longest window in days."""


def window(first: date | None, last: date | None, newest: date) -> tuple[date, date]:
    """The first and last day of a window of at most a year, which without ends is the one up to ``newest``.

    :raises Problem: it is longer.
    """
    if first is None:
        last = last or newest
        return shifted(last, 1 - YEAR), last
    if last is None:
        return first, shifted(first, YEAR - 1)
    if (last - first).days >= YEAR:
        raise invalid_parameter("from", f"at most {YEAR} days can be counted at once")
    return first, last


def beginning(day: date, interval: Interval) -> date:
    """The first day of the interval that the day lies in."""
    match interval:
        case "day":
            return day
        case "week":
            return shifted(day, -day.weekday())
        case "month":
            return day.replace(day=1)


def end(start: date, interval: Interval) -> date:
    """The last day of the interval that begins on ``start``."""
    match interval:
        case "day":
            return start
        case "week":
            return shifted(start, 6)
        case "month":
            return start.replace(day=monthrange(start.year, start.month)[1])


def backwards(last: date, first: date, interval: Interval) -> Iterator[date]:
    """The starts of the intervals from the one of ``last`` back to the one of ``first``."""
    start = beginning(last, interval)
    stop = beginning(first, interval)
    while start >= stop:
        yield start
        if start == date.min:
            return
        start = beginning(shifted(start, -1), interval)
