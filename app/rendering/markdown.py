"""A bulletin as Markdown, in the house layout that import reads back."""

import re
from collections.abc import Iterable, Iterator

from app.bulletins.document import (
    SERIES,
    Block,
    BulletinDocument,
    Image,
    ListBlock,
    Paragraph,
    Subheading,
    Table,
)
from app.rendering import layout

_INLINE = re.compile(r"[\\`*_\[\]<#]|&(?=#|[A-Za-z])")
_LINE_BEGIN = re.compile(r"^(?:(?=[-+>~=|:])|(\d{1,9})(?=[.)]))")


def render_markdown(document: BulletinDocument) -> str:
    """The bulletin as CommonMark with tables; paragraphs are indented with full-width blanks.

    Import reads the same document back. Markdown cannot carry

    - tags, citations' sections and ``unplaced``;
    - invisible characters, tabs, and blank lines in the abstract;
    - a title that consists of the series and dates, or is the name of a part (摘要); a series that is
      either of the two, or mentions a day: that day is the issue's;
    - a numeral of no known kind, two kinds of numerals for the sections of one bulletin, a heading
      that begins with the punctuation that follows a numeral, and one without a numeral that looks
      numbered or is the name of a part;
    - a header of a table whose cells are all empty, and a picture with an address that is unsafe in
      Markdown (``javascript:``);
    - the producers, contacts and addresses that plain text cannot carry either.
    """
    return "\n\n".join(_blocks(document)) + "\n"


def escape(text: str) -> str:
    """Text that Markdown shows as it is, wherever on a line it stands."""
    return _LINE_BEGIN.sub(r"\1\\", _INLINE.sub(r"\\\g<0>", text))


def _blocks(document: BulletinDocument) -> Iterator[str]:
    title = layout.own_title(document)
    yield f"# {escape(title or document.series)}"
    if title or document.series != SERIES:
        yield f"刊名：{escape(document.series)}"
    yield from map(escape, layout.imprint(document))
    if document.abstract:
        yield f"## {layout.ABSTRACT}"
        yield from (layout.INDENT + escape(line) for line in document.abstract.split("\n"))
    if document.sections:
        yield f"## {layout.CONTENTS}"
        yield "\n".join(f"- {escape(layout.contents_line(section))}" for section in document.sections)
    for section in document.sections:
        yield f"## {escape(layout.numbered_heading(section))}"
        yield from _body(section.body)
    if document.citations:
        yield f"## {layout.REFERENCES}"
        yield "\n".join(f"- {escape(layout.reference_line(citation))}" for citation in document.citations)
    if document.contacts:
        yield f"## {layout.CONTACTS}"
        for contact in document.contacts:
            yield from map(escape, layout.contact_lines(contact))


def _body(body: Iterable[Block]) -> Iterator[str]:
    mark = ""
    for block in body:
        if isinstance(block, ListBlock):
            mark = _mark(block.ordered, mark)
            yield _list(block, mark)
            continue
        mark = ""
        match block:
            case Paragraph():
                yield layout.INDENT + escape(block.text)
            case Subheading():
                yield f"### {escape(block.text)}"
            case Table():
                yield "\n".join(_table(block))
            case Image():
                yield f"![{escape(block.alt)}](<{_destination(block.src)}>)"


def _mark(ordered: bool, last: str) -> str:
    """The mark of a list: never that of the list directly before it, which would go on."""
    usual, other = (".", ")") if ordered else ("-", "*")
    return other if last == usual else usual


def _list(block: ListBlock, mark: str) -> str:
    marks = (f"{n}{mark}" if block.ordered else mark for n in range(1, len(block.items) + 1))
    return "\n".join(f"{m} {escape(item)}" for m, item in zip(marks, block.items, strict=True))


def _table(table: Table) -> Iterator[str]:
    """A table without a header has an empty one, because Markdown demands one."""
    width = len(table.rows[0])
    header, *rows = table.rows if table.header else (("",) * width, *table.rows)
    yield _row(map(_cell, header))
    yield _row(("---",) * width)
    yield from (_row(map(_cell, row)) for row in rows)


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(text: str) -> str:
    return _INLINE.sub(r"\\\g<0>", text).replace("|", r"\|")


def _destination(source: str) -> str:
    return re.sub(r"[\\<>]|&(?=#|[A-Za-z])", r"\\\g<0>", source)
