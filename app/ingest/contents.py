"""The table of contents: which headings there are, and on which pages."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from app.ingest.flow import Element, TableRows, TextLine
from app.ingest.lines import ends_sentence, key, one_line, text_lines
from app.ingest.numerals import parse_numbered
from app.ingest.parts import Part, part_of

_PAGE = re.compile(r"(?:\s*[.．·•…‥。_－-]{2,}[\s.…·]*|\s*[…‥]\s*|(?:\s[.·•])+\s*|\s+)(?P<page>\d{1,3})$")
_TABBED_PAGE = re.compile(r"\t[\s.…·]*(?P<page>\d{1,4})$")
_LEADER_END = re.compile(r"[\s.．·•…‥。_－-]{2,}$")
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the contents; ``page`` is the printed page, None where none is given."""

    text: str
    page: int | None
    line: int


def read_contents(elements: Sequence[Element], start: int) -> tuple[list[Entry], int]:
    """The entries from ``start`` on, and the index of the first element behind the contents.

    Blank lines (a page break) may stand between entries. The contents end where the first entry or
    its number comes again, with a heading, with the lines of the next part, or with a sentence.
    """
    lines = [line for line in text_lines(elements[start:]) if not line.indented]
    known = Counter(key(_TABBED_PAGE.sub("", line.text)) for line in lines)
    dense = all(not isinstance(element, TextLine) or element.text for element in elements)
    entries: list[Entry] = []
    fresh, index = dense, start
    while index < len(elements):
        element = elements[index]
        if isinstance(element, TextLine) and not element.text:
            fresh = True
        elif isinstance(element, TableRows) and (rows := _rows(element, known)):
            entries += rows
        elif not isinstance(element, TextLine) or _ends(element, elements, entries, known, fresh):
            break
        else:
            entry = _entry(element.text, element.line, known)
            if wrapped := _wrapped(entry, elements[index + 1 : index + 2], known):
                entry, index = wrapped, index + 1
            entries.append(entry)
            fresh = dense
        index += 1
    return entries, index


def _entry(text: str, line: int, known: Counter[str]) -> Entry:
    """A heading that itself ends with dots or a number is known by its second appearance.

    Digits without a gap are a page only behind a heading that appears elsewhere.
    """
    if len(text) > _LONGEST:
        return Entry(one_line(text), None, line)
    if match := _TABBED_PAGE.search(text):
        heading = text[: match.start()].strip()
        heading = heading if known[key(heading)] > 1 else _LEADER_END.sub("", heading)
    elif known[key(text)] < 2 and (match := _glued(text, known)):
        heading = match["heading"].strip()
    elif known[key(text)] > 1 or not (match := _PAGE.search(text)) or not match.start():
        return Entry(one_line(text), None, line)
    else:
        heading = text[: match.start()].strip()
    return Entry(one_line(heading), int(match["page"]) or None, line)


def _glued(text: str, known: Counter[str]) -> re.Match[str] | None:
    """A known heading and the page right behind it."""
    matches = (re.fullmatch(rf"(?P<heading>.+)(?P<page>\d{{{digits}}})", text) for digits in (1, 2, 3))
    return next((match for match in matches if match and known[key(match["heading"])]), None)


def _rows(table: TableRows, known: Counter[str]) -> list[Entry]:
    """Contents that are laid out as a table."""
    rows = ["\t".join(cell for cell in row if cell) for row in table.rows]
    entries = [_entry(row, table.line, known) for row in rows if row]
    return entries if any(entry.page for entry in entries) else []


def _wrapped(entry: Entry, following: Sequence[Element], known: Counter[str]) -> Entry | None:
    """An entry over two lines: together they are a heading of the document."""
    match following:
        case [TextLine(text=text, line=line)] if text and not entry.page:
            whole = _entry(entry.text + text, line, known)
            if known[key(whole.text)] and not known[key(entry.text)] > 1:
                return Entry(whole.text, whole.page, entry.line)
    return None


def _ends(
    line: TextLine, elements: Sequence[Element], entries: list[Entry], known: Counter[str], fresh: bool
) -> bool:
    """Whether ``line`` no longer belongs to the contents; ``fresh`` says that a blank line precedes it."""
    if line.heading is not None:
        return True
    entry = _entry(line.text, line.line, known)
    if entry.page is not None:
        return False
    if line.indented or len(line.text) > _LONGEST or (ends_sentence(line.text) and known[key(line.text)] < 2):
        return True
    if part := part_of(line):
        again = any(part_of(other) is part and other.line > line.line for other in text_lines(elements))
        return part is Part.abstract or not again
    return bool(entries) and fresh and _begins_body(line, entries)


def _begins_body(line: TextLine, entries: list[Entry]) -> bool:
    first, number = parse_numbered(entries[0].text), parse_numbered(line.text)
    if key(line.text) == key(entries[0].text) or any(entry.page for entry in entries):
        return True
    return bool(first and number and (first.style, first.value) == (number.style, number.value))
