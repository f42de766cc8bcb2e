"""The numbers that Chinese documents put before their headings, and Chinese numerals as integers."""

import re
from dataclasses import dataclass
from enum import StrEnum

_DIGITS = {digit: value for value, digit in enumerate("〇一二三四五六七八九")} | {"零": 0, "○": 0, "两": 2}
_UNITS = {"十": 10, "百": 100, "千": 1000}
HAN = "〇零○一二三四五六七八九十百千两"


class Style(StrEnum):
    """A way of numbering; a document uses one for its sections and others below them."""

    chapter = "第一章"
    article = "第一节"
    han = "一、"
    han_bracketed = "（一）"
    arabic = "1."
    arabic_bracketed = "（1）"
    decimal = "1.1"
    circled = "①"


@dataclass(frozen=True, slots=True)
class Numbered:
    """A line that begins with a number: ``numeral`` as written without its delimiter, ``rest`` after it."""

    style: Style
    numeral: str
    value: int
    rest: str


_N = rf"(?P<n>[{HAN}]{{1,7}}|[0-9０-９]{{1,5}})"
_HAN = rf"(?P<n>[{HAN}]{{1,7}})"
_ARABIC = r"(?P<n>[0-9０-９]{1,5})"
_PATTERNS: tuple[tuple[Style, re.Pattern[str]], ...] = tuple(
    (style, re.compile(pattern))
    for style, pattern in (
        (Style.chapter, rf"(?P<numeral>第\s?{_N}\s?(?:章|部分|篇|编))(?:\s+|[、:：.．]\s*|)"),
        (Style.article, rf"(?P<numeral>第\s?{_N}\s?(?:节|条))(?:\s+|[、:：.．]\s*|)"),
        (Style.han, rf"(?P<numeral>{_HAN})\s?[、.．]\s*"),
        (Style.han_bracketed, rf"(?P<numeral>[（(]\s?{_HAN}\s?[）)])(?:\s+|[、.．]\s*|)"),
        (Style.decimal, r"(?P<numeral>(?P<n>[0-9]{1,3})(?:[.．][0-9]{1,3})+)(?:[、.．]\s*|\s+)"),
        (Style.arabic, rf"(?P<numeral>{_ARABIC})\s?(?:、\s*|[.．](?![0-9０-９])\s*)"),
        (Style.arabic_bracketed, rf"(?P<numeral>[（(]?\s?{_ARABIC}\s?[）)])(?:\s+|[、.．]\s*|)"),
        (Style.circled, r"(?P<numeral>(?P<n>[①-⑳]))\s*"),
    )
)


def parse_numbered(text: str) -> Numbered | None:
    """The number that a line begins with; None without one or with nothing after it."""
    for style, pattern in _PATTERNS:
        if match := pattern.match(text):
            rest = text[match.end() :].strip()
            value = _value(match)
            if not rest or value is None:
                return None
            return Numbered(style, match["numeral"], value, rest)
    return None


def numeral_value(numeral: str) -> int | None:
    """What a written numeral counts: 3 for 三, （三）, 第三章 and 3; None for anything else."""
    for _style, pattern in _PATTERNS:
        for written in (numeral, f"{numeral}、", f"{numeral}."):
            if (match := pattern.fullmatch(written)) and match["numeral"] == numeral:
                return _last_part(numeral) if _style is Style.decimal else _value(match)
    return None


def han_number(text: str) -> int | None:
    """An integer from Chinese digits: 二〇二六 (digit by digit) or 二十五 (with units).

    None where the characters make no number.
    """
    if not text or any(character not in HAN for character in text):
        return None
    if not any(character in _UNITS for character in text):
        return int("".join(str(_DIGITS[character]) for character in text))
    total, digit = 0, None
    for character in text:
        if character in _DIGITS:
            digit = _DIGITS[character]
        else:
            total += (1 if digit is None else digit) * _UNITS[character]
            digit = None
    return total + (digit or 0)


def _value(match: re.Match[str]) -> int | None:
    written = match["n"]
    if "①" <= written <= "⑳":
        return ord(written) - ord("①") + 1
    return int(written) if written.isdecimal() else han_number(written)


def _last_part(numeral: str) -> int:
    return int(re.split("[.．]", numeral)[-1])
