"""The numbers that Word counts by itself: they stand in no text, only in the definitions of lists."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
MAX_LEVEL = 9
MAX_PATTERN = 50

_HAN = "〇一二三四五六七八九"
_LEGAL = str.maketrans("一二三四五六七八九十百千", "壹贰叁肆伍陆柒捌玖拾佰仟")
_ROMAN = (
    *((1000, "M"), (900, "CM"), (500, "D"), (400, "CD"), (100, "C"), (90, "XC")),
    *((50, "L"), (40, "XL"), (10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I")),
)


@dataclass(frozen=True, slots=True)
class Level:
    """How a level is numbered: Word's number format, the pattern (``%1、``) and where it starts."""

    format: str
    pattern: str
    start: int


@dataclass(frozen=True, slots=True)
class Label:
    """A paragraph's number as Word shows it; ``text`` is empty for a bullet."""

    text: str
    format: str

    @property
    def ordered(self) -> bool:
        return self.format not in ("bullet", "none")

    @property
    def chinese(self) -> bool:
        """Whether it is a number such as 一、 or 第一章, which Chinese documents give to headings."""
        return bool(re.search("[一二三四五六七八九十]|第.+[章节条]", self.text))


@dataclass
class Numbering:
    """The lists of a document, and how far each has been counted."""

    levels: dict[str, dict[int, Level]]
    lists: dict[str, str]
    starts: dict[tuple[str, int], int]
    counters: dict[str, dict[int, int]] = field(default_factory=dict)
    begun: set[tuple[str, int]] = field(default_factory=set)

    def next(self, number_id: str, depth: int) -> Label | None:
        """The label of the next paragraph of a list at a depth from 0; None without such a list."""
        name = self.lists.get(number_id, "")
        levels = self.levels.get(name, {})
        if depth not in levels:
            return None
        counter = self.counters.setdefault(name, {})
        override = self.starts.get((number_id, depth))
        if override is not None and (number_id, depth) not in self.begun:
            counter[depth] = override
        else:
            counter[depth] = counter[depth] + 1 if depth in counter else levels[depth].start
        self.begun.add((number_id, depth))
        for deeper in range(depth + 1, MAX_LEVEL):
            counter.pop(deeper, None)
        level = levels[depth]
        if level.format in ("bullet", "none"):
            return Label("", level.format)
        return Label(
            re.sub(r"%([1-9])", lambda m: _count(levels, counter, int(m[1]) - 1), level.pattern), level.format
        )


def read_numbering(root: Element | None) -> Numbering:
    """The definitions of a document's lists (``word/numbering.xml``)."""
    if root is None:
        return Numbering({}, {}, {})
    levels = {
        abstract.get(f"{W}abstractNumId", ""): dict(_levels(abstract))
        for abstract in root.iter(f"{W}abstractNum")
    }
    lists, starts = {}, {}
    for number in root.iter(f"{W}num"):
        number_id = number.get(f"{W}numId", "")
        lists[number_id] = value(number, "abstractNumId")
        for override in number.iter(f"{W}lvlOverride"):
            if start := value(override, "startOverride"):
                starts[number_id, integer(override.get(f"{W}ilvl"))] = integer(start)
    return Numbering(levels, lists, starts)


def value(element: Element | None, path: str) -> str:
    """The ``w:val`` of a descendant named by ``w:`` names without prefix; empty without one."""
    found = None if element is None else element.find("/".join(W + name for name in path.split("/")))
    return "" if found is None else found.get(f"{W}val", "")


def integer(text: str | None) -> int:
    """A whole number from 0 to 9999, 0 for anything else."""
    return int(text) if text and re.fullmatch(r"[0-9]{1,4}", text) else 0


def _levels(abstract: Element) -> Iterator[tuple[int, Level]]:
    for level in abstract.iter(f"{W}lvl"):
        start = value(level, "start")
        yield (
            integer(level.get(f"{W}ilvl")),
            Level(
                value(level, "numFmt"), value(level, "lvlText")[:MAX_PATTERN], integer(start) if start else 1
            ),
        )


def _count(levels: dict[int, Level], counter: dict[int, int], depth: int) -> str:
    level = levels.get(depth)
    return written(counter.get(depth, level.start), level.format) if level else ""


def written(number: int, style: str) -> str:
    """A number in one of Word's formats; decimal in those that Chinese and English bulletins do not use."""
    return _FORMATS.get(style, str)(number)


def han(number: int) -> str:
    """A number below 10,000 in Chinese: 一, 十二, 二十, 一百零五."""
    text = ""
    for unit, size in (("千", 1000), ("百", 100), ("十", 10), ("", 1)):
        digit = number // size % 10
        if digit:
            text += _HAN[digit] + unit
        elif text and number % size:
            text += "" if text.endswith("零") else "零"
    return text.removeprefix("一") if text.startswith("一十") else text or _HAN[0]


def roman(number: int) -> str:
    text = ""
    for size, letters in _ROMAN:
        text += letters * (number // size)
        number %= size
    return text


def _letter(number: int) -> str:
    return chr(ord("A") + (number - 1) % 26) * ((number - 1) // 26 + 1)


def _digits(number: int) -> str:
    return "".join(_HAN[int(digit)] for digit in str(number))


def _one_of(signs: str) -> Callable[[int], str]:
    return lambda number: signs[number - 1] if 1 <= number <= len(signs) else str(number)


_FORMATS: dict[str, Callable[[int], str]] = {
    **dict.fromkeys(("chineseCounting", "chineseCountingThousand", "japaneseCounting"), han),
    **dict.fromkeys(("taiwaneseCounting", "taiwaneseCountingThousand"), han),
    **dict.fromkeys(("ideographDigital", "taiwaneseDigital"), _digits),
    "chineseLegalSimplified": lambda number: han(number).translate(_LEGAL),
    "ideographTraditional": _one_of("甲乙丙丁戊己庚辛壬癸"),
    "ideographZodiac": _one_of("子丑寅卯辰巳午未申酉戌亥"),
    **dict.fromkeys(
        ("decimalEnclosedCircle", "decimalEnclosedCircleChinese"),
        _one_of("①②③④⑤⑥⑦⑧⑨⑩⑪⑫⑬⑭⑮⑯⑰⑱⑲⑳"),
    ),
    "decimalZero": lambda number: f"{number:02}",
    "upperLetter": _letter,
    "lowerLetter": lambda number: _letter(number).lower(),
    "upperRoman": roman,
    "lowerRoman": lambda number: roman(number).lower(),
}
