"""Reckoning with days that a client may name, the first and the last of the calendar included."""

from datetime import date


def shifted(day: date, days: int) -> date:
    """The day so many days later; at the ends of the calendar, its end."""
    return date.fromordinal(min(max(day.toordinal() + days, 1), date.max.toordinal()))
