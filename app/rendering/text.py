"""A bulletin as plain text, in the house layout that import reads back."""

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


def render_text(document: BulletinDocument) -> str:
    """The bulletin as lines, with a blank line between blocks and paragraphs indented.

    Import reads the same document back. Plain text cannot carry

    - tags, citations' sections and ``unplaced``; pictures (only their description is written);
    - invisible characters, tabs, and blank lines in the abstract;
    - a numeral of no known kind, two kinds of numerals for the sections of one bulletin, and a
      heading that begins with the punctuation that follows a numeral;
    - a heading without a numeral, or a subheading, that looks like something else: numbered, with a
      list mark, between bars, the name of a part (摘要), another section's heading, a page number;
    - a subheading of more than 60 characters, with a comma or full stop at its end, with the
      sections' kind of number, or without a number in a bulletin without any paragraph;
    - a list item that ends as a page number does (``3 -``);
    - a producer with ``&``, ``、``, ``，``, ``/`` in its name;
    - a contact with a colon in its name, with another's name, with a label's (网站地址, 联系人) or a
      caption's (官方公众号), or with only an address for its description;
    - a reference address that is not ``http://…`` or ``https://…`` without blanks and bars.
    """
    return "\n\n".join(_blocks(document)) + "\n"


def _blocks(document: BulletinDocument) -> Iterator[str]:
    yield document.series if document.series == SERIES else f"刊名：{document.series}"
    if title := layout.own_title(document):
        yield f"标题：{title}"
    yield from layout.imprint(document)
    if document.abstract:
        yield layout.ABSTRACT
        yield from (layout.INDENT + line for line in document.abstract.split("\n"))
    if document.sections:
        yield layout.CONTENTS
        yield "\n".join(layout.contents_line(section) for section in document.sections)
    for section in document.sections:
        yield layout.numbered_heading(section)
        yield from _body(section.body)
    if document.citations:
        yield layout.REFERENCES
        yield "\n".join(f"- {layout.reference_line(citation)}" for citation in document.citations)
    if document.contacts:
        yield layout.CONTACTS
        yield from ("\n".join(layout.contact_lines(contact)) for contact in document.contacts)


def _body(body: Iterable[Block]) -> Iterator[str]:
    bullet = ""
    for block in body:
        match block:
            case ListBlock(ordered=False):  # another mark begins another list
                bullet = "•" if bullet == "-" else "-"
                yield "\n".join(f"{bullet} {item}" for item in block.items)
                continue
            case ListBlock():
                yield "\n".join(f"  {n}. {item}" for n, item in enumerate(block.items, start=1))
            case Paragraph():
                yield layout.INDENT + block.text
            case Subheading():
                yield block.text
            case Table():
                yield "\n".join(_table(block))
            case Image():
                yield f"{layout.INDENT}（图：{block.alt}）" if block.alt else f"{layout.INDENT}（图）"
        bullet = ""


def _table(table: Table) -> Iterator[str]:
    """Rows between bars with a rule under the header, which is empty for a table without one."""
    width = len(table.rows[0])
    header, *rows = table.rows if table.header else (("",) * width, *table.rows)
    yield _row(header)
    yield _row(("---",) * width)
    yield from map(_row, rows)


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(layout.escape_bars(cell, '|') for cell in cells)} |"
