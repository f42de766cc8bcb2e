"""Plain text into a flow: line ends, characters that are no text, list marks, tables, page breaks."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import groupby

from app.ingest.fields import split_fields
from app.ingest.flow import Element, Flow, TableRows, TextLine
from app.ingest.lines import is_folio
from app.ingest.report import Finding, Position, Severity

_LINE_END = re.compile(r"\r\n|[\n\r\v\x1c-\x1e\x85\u2028\u2029]")
_INVISIBLE = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    r"\ufff9-\ufffb\ufffe\uffff\ud800-\udfff]"
)
_REPLACEMENT = "\ufffd"
_BULLET = re.compile(r"(?:(?P<mark>[-*+–—])\s+|(?P<dot>[·•●▪■◆○◦‣])\s*)(?=\S)")
_ORDERED = re.compile(r"[ \t]{2,}(?P<n>\d{1,9})[.)]\s+(?=\S)")
_RULE = re.compile(r":?-{2,}:?")

MarkedLine = tuple[str, TextLine]
"""A line with the name of the list that it belongs to; an empty name for no list."""


def visible(text: str) -> tuple[str, str]:
    """Text without the characters that are no text, and those characters.

    Control, zero-width and bidirectional characters go; replacement characters (U+FFFD) stay where
    they are, because they show where something was lost, but are named as well.
    """
    removed = "".join(_INVISIBLE.findall(text))
    return _INVISIBLE.sub("", text), removed + _REPLACEMENT * text.count(_REPLACEMENT)


def clean(text: str) -> tuple[str, str]:
    """As :func:`visible`, without outer white space."""
    text, removed = visible(text)
    return text.strip(), removed


def suspicious(characters: str, position: Position) -> Finding:
    """The finding about characters that :func:`visible` named."""
    names = "、".join(f"U+{ord(character):04X}" for character in dict.fromkeys(characters))
    lost = _REPLACEMENT in characters
    advice = "此处可能有文字丢失，请对照原稿补全" if lost else "已删除，请核对这一行的文字"
    return Finding(
        severity=Severity.warning,
        code="text.suspicious",
        message=f"含有不是文字的字符 {names}：{advice}。",
        position=position,
    )


def read_text(text: str) -> Flow:
    """Text with any line ends as a flow.

    A line with exactly two full-width blanks before it is an indented paragraph, whatever it begins
    with. Otherwise ``-``, ``•`` and their like mark list items, a number behind two or more blanks an
    item of an ordered list, and bars at both ends a row of a table, as in Markdown. Another mark, or
    a number that begins again at 1, begins another list. A form feed is a page break.
    """
    findings: list[Finding] = []
    lines: list[MarkedLine] = []
    sheets = text.split("\f")
    number = 1
    for page, sheet in enumerate(sheets, start=1):
        for offset, typed in enumerate(split_lines(sheet)):
            raw, removed = visible(typed)
            line = TextLine(raw.strip(), number + offset, page if len(sheets) > 1 else None)
            if removed:
                findings.append(suspicious(removed, Position(line=line.line, page=line.page)))
            lines.append(_marked(raw, line))
        number += offset  # a form feed ends a page, not a line
        if page < len(sheets):
            _soften(lines)
    return Flow(list(_elements(lines)), findings)


def split_lines(text: str) -> list[str]:
    """Lines, whichever way they end."""
    return _LINE_END.split(text)


def is_indented(raw: str) -> bool:
    """Whether a line begins as Chinese paragraphs do; more than two blanks centre a title."""
    return raw.startswith("\u3000\u3000") and bool(raw[2:3].strip())


def _marked(raw: str, line: TextLine) -> MarkedLine:
    if is_indented(raw):
        return "", replace(line, indented=True)
    if is_folio(line):
        return "", line
    if match := _BULLET.match(line.text):
        return match[0].strip(), replace(line, text=line.text[match.end() :], item=True)
    if match := _ORDERED.match(raw):
        name = f"{line.line}." if match["n"] == "1" else "."
        return name, replace(line, text=raw[match.end() :].strip(), item=True, ordered=True)
    return "", line


def _soften(lines: list[MarkedLine]) -> None:
    """Mark the last line before a page break, page numbers aside."""
    for index in reversed(range(len(lines))):
        name, line = lines[index]
        if line.text and not is_folio(line):
            lines[index] = name, replace(line, soft=True)
            return


def _elements(lines: list[MarkedLine]) -> Iterator[Element]:
    for is_row, group in groupby(lines, key=_is_row):
        if is_row:
            yield _table([line for _, line in group])
        else:
            yield from _lists(group)


def _lists(lines: Iterable[MarkedLine]) -> Iterator[TextLine]:
    """Without the blank lines inside a list, and with one between two lists."""
    blanks: list[TextLine] = []
    last = ""
    for name, line in lines:
        if not line.text:
            blanks.append(line)
            continue
        goes_on = bool(last) and (name == last or (name == "." and last.endswith(".")))
        if last and name and not goes_on and not blanks:
            yield TextLine("", line.line, line.page)
        if not goes_on:
            yield from blanks
            last = name
        blanks = []
        yield line
    yield from blanks


def _is_row(marked: MarkedLine) -> bool:
    _, line = marked
    if line.indented or line.item or not line.text.startswith("|"):
        return False
    fields = split_fields(line.text, "|")
    return len(fields) > 2 and not fields[0] and not fields[-1]


def _table(lines: list[TextLine]) -> TableRows:
    """Rows between bars; a rule under the first row makes it the header, an empty header is none."""
    rows = [tuple(split_fields(line.text, "|")[1:-1]) for line in lines]
    header = True
    if len(rows) > 1 and all(_RULE.fullmatch(cell) for cell in rows[1]):
        header = any(rows[0])
        rows = [rows[0], *rows[2:]] if header else rows[2:] or [rows[0]]
    width = max(len(row) for row in rows)
    padded = tuple(row + ("",) * (width - len(row)) for row in rows)
    return TableRows(padded, header, lines[0].line, lines[0].page)
