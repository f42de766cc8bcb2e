"""The cells of a Word table."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from app.ingest.docx_numbering import W, integer, value
from app.ingest.report import UnreadableFileError

MAX_CELLS = 100_000
_WRAPPERS = {W + name for name in ("sdt", "sdtContent", "ins", "moveTo", "customXml")}


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of equal length. A merged cell's text stands in its first place, the others are empty."""

    rows: tuple[tuple[str, ...], ...]
    header: bool


def frame(table: Element) -> Element | None:
    """The only cell of a table that is but a frame around a text; None for a real table."""
    cells = [cell for row in _children(table, "tr") for cell in _children(row, "tc")]
    return cells[0] if len(cells) == 1 else None


def read_table(table: Element, text: Callable[[Element], str]) -> Table:
    """A table whose paragraphs are put into words by ``text``.

    :raises UnreadableFileError: it has far too many cells.
    """
    rows = [list(_cells(row, text)) for row in _children(table, "tr") if row.find(f"{W}trPr/{W}del") is None]
    width = max(map(len, rows), default=0)
    if width * len(rows) > MAX_CELLS:
        raise UnreadableFileError("file.too-complex", "Word 文件里的表格过大，超出了读取上限")
    return Table(tuple(tuple(row + [""] * (width - len(row))) for row in rows), _has_header(table))


def _cells(row: Element, text: Callable[[Element], str]) -> Iterator[str]:
    yield from [""] * _span(value(row, "trPr/gridBefore") or "0")
    for cell in _children(row, "tc"):
        merge = cell.find(f"{W}tcPr/{W}vMerge")
        words = " ".join(filter(None, map(text, cell.iter(f"{W}p"))))
        yield words if merge is None or merge.get(f"{W}val") == "restart" else ""
        yield from [""] * (_span(value(cell, "tcPr/gridSpan") or "1") - 1)


def _span(columns: str) -> int:
    return min(integer(columns), 63)  # Word's own limit


def _children(parent: Element, name: str) -> Iterator[Element]:
    for child in parent:
        if child.tag == W + name:
            yield child
        elif child.tag in _WRAPPERS:
            yield from _children(child, name)


def _has_header(table: Element) -> bool:
    look = table.find(f"{W}tblPr/{W}tblLook")
    first_row = look is not None and look.get(f"{W}firstRow") in ("1", "true")
    row = next(_children(table, "tr"), None)
    return first_row or (row is not None and row.find(f"{W}trPr/{W}tblHeader") is not None)
