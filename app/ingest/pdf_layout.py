"""What stands where on a PDF's page: lines, ruled tables and pictures, as pdfplumber finds them.

The spaces are those of the file. A gap without a space glyph is a space only between two Latin
characters: beside Chinese ones it is the spacing that typesetting programs add by themselves.
"""

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from pdfplumber.page import Page
from pdfplumber.table import Table

from app.ingest.pdf_pictures import picture_file

Glyph = dict[str, Any]

MAX_RULES = 2_000
"""More lines and boxes on one page are a drawing: looking for tables among them would take minutes."""

_CLOSING = "、，。：；？！）》】〉」』％,.:;?!)]}%…—"
_OPENING = "（《【〈「『([{"
_QUOTES = "“”‘’\"'"
_BULLETS = "•●▪■◆○◦‣·"


@dataclass(frozen=True, slots=True)
class Line:
    """A visual line; lengths are points from the page's upper left corner.

    ``text`` keeps the space that the file has at its end. ``word`` is the width of the beginning
    that may not be broken. A list mark is not part of ``text``; ``hang`` is where the text behind
    the mark begins, None without a mark.
    """

    text: str
    page: int
    x0: float
    x1: float
    top: float
    baseline: float
    size: float
    word: float
    hang: float | None = None


@dataclass(frozen=True, slots=True)
class Grid:
    """A table with ruled cells."""

    rows: tuple[tuple[str, ...], ...]
    page: int
    top: float


@dataclass(frozen=True, slots=True)
class Drawing:
    """A picture: the digest of its bytes, the share of the page that it covers, and it as a file."""

    digest: str
    page: int
    top: float
    share: float
    content: bytes


@dataclass(frozen=True, slots=True)
class Sheet:
    """One page with what stands on it."""

    number: int
    width: float
    height: float
    lines: tuple[Line, ...]
    grids: tuple[Grid, ...]
    drawings: tuple[Drawing, ...]


def is_wide(character: str) -> bool:
    """Whether a character is set in the square of Chinese type."""
    return unicodedata.east_asian_width(character) in "WF"


def read_sheet(page: Page) -> Sheet:
    """Everything that stands upright on a page: slanted text is a watermark."""
    ruled = len(page.rects) + len(page.lines) <= MAX_RULES
    tables = [table for table in page.find_tables() if _is_grid(table)] if ruled else []
    glyphs = [_readable(glyph) for glyph in page.dedupe_chars().chars if _is_level(glyph)]
    loose = [glyph for glyph in glyphs if not any(_inside(glyph, table.bbox) for table in tables)]
    return Sheet(
        page.page_number,
        float(page.width),
        float(page.height),
        tuple(_lines(loose, page.page_number)),
        tuple(Grid(_cells(table, glyphs), page.page_number, table.bbox[1]) for table in tables),
        tuple(_drawings(page)),
    )


def _is_level(glyph: Glyph) -> bool:
    along, across = glyph["matrix"][:2]
    return bool(abs(across) <= 0.05 * abs(along))


def _readable(glyph: Glyph) -> Glyph:
    """Radicals and ligatures as the characters they stand for, U+FFFD for a glyph without a character."""
    text = glyph["text"]
    if "\u2e80" <= text <= "\u2fdf" or "\ufb00" <= text <= "\ufb06":
        return glyph | {"text": unicodedata.normalize("NFKC", text)}
    return glyph | {"text": "\ufffd"} if not text or text.startswith("(cid:") else glyph


def _is_grid(table: Table) -> bool:
    """A frame around a text is no table."""
    return len(table.rows) > 1 and len(table.columns) > 1


def _inside(glyph: Glyph, box: tuple[float, float, float, float]) -> bool:
    x, y = (glyph["x0"] + glyph["x1"]) / 2, (glyph["top"] + glyph["bottom"]) / 2
    return bool(box[0] <= x <= box[2] and box[1] <= y <= box[3])


def _cells(table: Table, glyphs: list[Glyph]) -> tuple[tuple[str, ...], ...]:
    inside = [glyph for glyph in glyphs if _inside(glyph, table.bbox)]

    def text(cell: tuple[float, float, float, float] | None) -> str:
        if cell is None:
            return ""
        lines = _lines([glyph for glyph in inside if _inside(glyph, cell)], 0)
        return join(line.text for line in lines).replace("\t", " ").strip()

    return tuple(tuple(text(cell) for cell in row.cells) for row in table.rows)


def _drawings(page: Page) -> Iterator[Drawing]:
    for image in page.images:
        digest = hashlib.sha256(image["stream"].rawdata or b"").hexdigest()
        share = image["width"] * image["height"] / float(page.width * page.height)
        yield Drawing(digest, page.page_number, image["top"], share, picture_file(image))


def _lines(glyphs: list[Glyph], page: int) -> Iterator[Line]:
    """Glyphs on one baseline form a line; what is raised or lowered a little belongs to it."""
    row: list[Glyph] = []
    for glyph in sorted(glyphs, key=lambda glyph: -glyph["matrix"][5]):
        if row and row[0]["matrix"][5] - glyph["matrix"][5] > 0.4 * max(glyph["size"], row[0]["size"]):
            yield from _line(row, page)
            row = []
        row.append(glyph)
    yield from _line(row, page)


def _line(row: list[Glyph], page: int) -> Iterator[Line]:
    row = sorted(row, key=lambda glyph: glyph["x0"])
    while row and row[0]["text"].isspace():
        del row[0]
    marks = [glyph for glyph in row if not glyph["text"].isspace()]
    if not marks:
        return
    hang = None
    if len(marks) > 1 and _is_bullet(row):
        hang = marks[1]["x0"]
        row = row[row.index(marks[1]) :]
    size = max(glyph["size"] for glyph in marks)
    yield Line(
        text=_text(row, size),
        page=page,
        x0=marks[0]["x0"],
        x1=marks[-1]["x1"],
        top=min(glyph["top"] for glyph in marks),
        baseline=max(glyph["bottom"] for glyph in marks),
        size=size,
        word=_first_word(row),
        hang=hang,
    )


def _is_bullet(row: list[Glyph]) -> bool:
    mark, following = row[0], row[1]
    parted = following["text"].isspace() or following["x0"] - mark["x1"] > 0.2 * mark["size"]
    symbol = "\uf000" <= mark["text"] <= "\uf0ff"
    return symbol or (parted and mark["text"] in (*_BULLETS, "-"))


def _text(row: list[Glyph], size: float) -> str:
    """A line's text: a wide gap is a tab, a small one between Latin characters a space."""
    text = ""
    last: Glyph | None = None
    for glyph in row:
        character = glyph["text"]
        if last is not None and not character.isspace():
            gap = glyph["x0"] - last["x1"]
            latin = text[-1:].strip() and not is_wide(text[-1]) and not is_wide(character[0])
            if gap > 1.8 * size:
                text = text.rstrip() + "\t"
            elif latin and gap > 0.2 * size:
                text += " "
        text += character
        if not character.isspace():
            last = glyph
    return text


def _first_word(row: list[Glyph]) -> float:
    """The width up to the first place where the line might have been broken."""
    for before, after in pairwise(row):
        a, b = before["text"][-1], after["text"][0]
        glued = a in _OPENING + _QUOTES or b in _CLOSING + _QUOTES
        if b.isspace() or ((is_wide(a) or is_wide(b)) and not glued):
            return float(before["x1"] - row[0]["x0"])
    return float(row[-1]["x1"] - row[0]["x0"])


def join(parts: Iterable[str]) -> str:
    """Put the lines of a wrapped paragraph together again: a blank only between Latin words."""
    text = ""
    for part in parts:
        if text and not text[-1].isspace() and _needs_blank(text, part):
            text += " "
        text += part
    return text


def _needs_blank(text: str, part: str) -> bool:
    if is_wide(text[-1]) or is_wide(part[0]) or text[-1] in _OPENING + "-/“‘":
        return False
    return part[0] not in _CLOSING + "”’" and not re.search(r"://\S+$", text)
