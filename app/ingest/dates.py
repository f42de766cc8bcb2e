"""Dates as editors write them, in digits or Chinese numerals."""

import re
from collections.abc import Iterator
from datetime import date
from itertools import chain

from app.ingest.numerals import HAN, han_number

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_FULL_WIDTH = str.maketrans("０１２３４５６７８９．／－–—", "0123456789./---")
_NUMBER = rf"(?:\d{{1,2}}|[{HAN}]{{1,3}})"
_MONTH = r"(?P<name>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}\.?"

_PATTERNS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"(?P<y>(?<!\d)\d{{4}}|[{HAN}]{{4}})\s*年\s*(?P<m>{_NUMBER})\s*月\s*(?P<d>{_NUMBER})\s*[日号]?",
        r"(?<!\d)(?P<y>\d{4})(?P<s>\s*[-./]\s*)(?P<m>\d{1,2})(?P=s)(?P<d>\d{1,2})(?!\d)",
        rf"{_MONTH}\s+(?P<d>\d{{1,2}})(?:st|nd|rd|th)?,?\s+(?P<y>\d{{4}})(?!\d)",
        rf"(?<!\d)(?P<d>\d{{1,2}})(?:st|nd|rd|th)?\s+{_MONTH},?\s+(?P<y>\d{{4}})(?!\d)",
    )
)

_NUMBERS = re.compile(rf"[\d{HAN}]+[-./年月][\d{HAN}]+(?:[-./年月日号][\d{HAN}]*)*")


def find_dates(text: str) -> list[tuple[date | None, slice]]:
    """All that is written as a date, from left to right, with its place; None where no such day exists."""
    plain = text.translate(_FULL_WIDTH)
    found = chain.from_iterable(_matches(pattern, plain) for pattern in _PATTERNS)
    return sorted(found, key=lambda pair: (pair[1].start, pair[1].stop))


def parse_date(text: str) -> date | None:
    """The day if the whole text is one date, else None."""
    text = text.strip()
    match find_dates(text):
        case [(day, place)] if place == slice(0, len(text)):
            return day
    return None


def looks_like_date(text: str) -> bool:
    """Whether the text is meant as a date, even if no such day exists or a part is missing."""
    plain = "".join(text.translate(_FULL_WIDTH).split())
    return bool(find_dates(text)) or bool(_NUMBERS.fullmatch(plain))


def _matches(pattern: re.Pattern[str], text: str) -> Iterator[tuple[date | None, slice]]:
    for match in pattern.finditer(text):
        groups = match.groupdict()
        name = groups.get("name")
        month = _MONTHS.index(name.lower()) + 1 if name else _number(groups["m"])
        yield _day(_number(groups["y"]), month, _number(groups["d"])), slice(*match.span())


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() else han_number(text)


def _day(year: int | None, month: int | None, day: int | None) -> date | None:
    try:
        return date(year or 0, month or 0, day or 0)
    except ValueError:
        return None
