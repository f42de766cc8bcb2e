"""From the visual lines of a PDF back to its paragraphs."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise

from app.ingest.flow import Element, Picture, TableRows, TextLine
from app.ingest.pdf_layout import Drawing, Grid, Line, Sheet, join

_PAGE_NUMBER = re.compile(r"[-—–·\s]*(第\s*)?\d{1,4}(\s*页)?([\s,，/|]*(共|of)?\s*\d{1,4}(\s*页)?)?[-—–·\s]*")
_ENTRY = re.compile(r"(\t|[.．…·‥]{2,}|(\s[.·]){2,})\s*\d{1,4}\s*$")
_EDGE_LINES = 2
_EDGE_SHARE = 0.13
_SCAN_SHARE = 0.7
_LEAST_WIDTH = 0.6  # of the page: a text that ends before has no full lines
_LONGEST_WORD = 8  # ems: an address is longer, but a line before it need not be full


def elements(sheets: Sequence[Sheet]) -> list[Element]:
    """The document's paragraphs, tables and pictures in reading order.

    Running headers, footers and page numbers are left out, wrapped lines are joined, over a page's
    end too when the line there is full. The last text of each page ends softly.
    """
    running = _running(sheets)
    logos = _repeated(sheets)
    body = [line for sheet in sheets for line in sheet.lines if line not in running]
    right = _right(body, max((sheet.width for sheet in sheets), default=0))
    pitch = _pitch(body)
    found: list[Element] = []
    paragraph: list[Line] = []
    number = 0
    for sheet in sheets:
        for item in _items(sheet, running, logos):
            number += 1
            if isinstance(item, Line):
                if paragraph and not _continues(paragraph, item, right, pitch):
                    found.append(_text_line(paragraph, number - len(paragraph), item.page))
                    paragraph = []
                paragraph.append(item)
                continue
            if paragraph:
                found.append(_text_line(paragraph, number - len(paragraph), item.page))
                paragraph = []
            found.append(_other(item, number))
    if paragraph:
        found.append(_text_line(paragraph, number - len(paragraph) + 1, paragraph[-1].page))
    return found


def _items(sheet: Sheet, running: set[Line], logos: set[str]) -> list[Line | Grid | Drawing]:
    lines = [line for line in sheet.lines if line not in running]
    drawings = [d for d in sheet.drawings if d.digest not in logos and d.share < _SCAN_SHARE]
    return sorted([*lines, *sheet.grids, *drawings], key=lambda item: item.top)


def _text_line(paragraph: list[Line], number: int, next_page: int) -> TextLine:
    first, last = paragraph[0], paragraph[-1]
    text = join(line.text for line in paragraph)
    return TextLine(
        text.strip(),
        line=number,
        page=first.page,
        item=first.hang is not None,
        indented=text.startswith("\u3000\u3000"),
        soft=last.page != next_page,
    )


def _other(item: Grid | Drawing, number: int) -> Element:
    if isinstance(item, Grid):
        return TableRows(item.rows, header=True, line=number, page=item.page)
    return Picture(f"sha256:{item.digest}", "", line=number, page=item.page, content=item.content)


def _running(sheets: Sequence[Sheet]) -> set[Line]:
    """Headers and footers: at a page's edge, and a page number or the same on several pages."""
    edges = [line for sheet in sheets for line in _edge_lines(sheet)]
    seen = Counter(map(_place, edges))
    enough = max(2, len(sheets) // 3)
    return {line for line in edges if seen[_place(line)] >= enough or _PAGE_NUMBER.fullmatch(line.text)}


def _edge_lines(sheet: Sheet) -> Iterator[Line]:
    margin = sheet.height * _EDGE_SHARE
    lines = sorted(sheet.lines, key=lambda line: line.top)
    yield from (line for line in lines[:_EDGE_LINES] if line.baseline < margin)
    yield from (line for line in lines[-_EDGE_LINES:] if line.top > sheet.height - margin)


def _place(line: Line) -> tuple[str, int]:
    return re.sub(r"\d+", "#", line.text).strip(), round(line.top / 4)


def _repeated(sheets: Sequence[Sheet]) -> set[str]:
    """Pictures that stand on several pages: logos and backgrounds."""
    seen = Counter(digest for sheet in sheets for digest in {d.digest for d in sheet.drawings})
    return {digest for digest, pages in seen.items() if pages > 1}


def _right(lines: Sequence[Line], width: float) -> float:
    """The right edge of the text: the farthest one that some lines reach, or else that of equal margins."""
    ends = sorted((line.x1 for line in lines if line.x1 > _LEAST_WIDTH * width), reverse=True)
    em = max((line.size for line in lines), default=0)
    for end, third in zip(ends, ends[2:], strict=False):
        if end - third <= 1.5 * em:
            return end
    return width - min((line.x0 for line in lines), default=0)


def _pitch(lines: Sequence[Line]) -> float:
    """The usual distance of two lines, in ems."""
    steps = Counter(
        round((below.baseline - above.baseline) / above.size, 1)
        for above, below in pairwise(lines)
        if above.page == below.page and above.size == below.size and below.baseline > above.baseline
    )
    common = max(steps.values(), default=0)
    return min((step for step, count in steps.items() if count >= common / 2), default=1.5)


def _continues(paragraph: list[Line], line: Line, right: float, pitch: float) -> bool:
    """Whether a line goes on with the paragraph: the one before is full, and it is set like it."""
    first, last = paragraph[0], paragraph[-1]
    if line.hang is not None or abs(line.size - last.size) > 0.5 or _ENTRY.search(last.text):
        return False
    if right - last.x1 >= min(line.word, _LONGEST_WORD * line.size) + 0.3 * line.size:
        return False
    step = (line.baseline - last.baseline) / last.size
    if line.page == last.page and not 0 < step <= pitch * 1.2:
        return False
    em = 0.6 * line.size
    if len(paragraph) > 1:
        return abs(line.x0 - last.x0) <= em
    if first.hang is not None:
        return abs(line.x0 - first.hang) <= em or abs(line.x0 - first.x0) <= em
    return line.x0 <= first.x0 + em
