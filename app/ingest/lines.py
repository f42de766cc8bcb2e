"""What a line of text looks like, whatever format it comes from."""

import re
from collections.abc import Iterable, Sequence

from app.bulletins.document import normalised
from app.ingest.flow import Element, Picture, TableRows, TextLine
from app.ingest.report import Finding, Position, Severity

HEADING_LENGTH = 60

_QUOTES = "“”‘’\"'」』»"
_SENTENCE_ENDS = "。！？!?…．.；;：:）)】]"
_OPEN_ENDS = "，、,—–-（(《"
_NO_HEADING_ENDS = "。；;：:，,、"
_SENTENCE_LENGTH = 20
_FOLIO = re.compile(r"[-–—]\s*\d{1,4}\s*[-–—]|第\s*\d{1,4}\s*页(\s*[,，/]?\s*共\s*\d{1,4}\s*页)?")


def key(text: str) -> str:
    """Text as headings are compared: without differences of width, case and blanks."""
    return normalised(text).replace(" ", "")


def ends_sentence(text: str) -> bool:
    return text.rstrip(_QUOTES)[-1:] in tuple(_SENTENCE_ENDS)


def is_cut(text: str) -> bool:
    """Whether a paragraph stops in the middle of a sentence, so that the next one goes on with it.

    That is after a comma and its like, or after a long line without any punctuation; a short line
    without punctuation stands for itself.
    """
    if text.endswith(tuple(_OPEN_ENDS)):
        return True
    return len(text) >= _SENTENCE_LENGTH and not ends_sentence(text)


def looks_like_heading(text: str) -> bool:
    return len(text) <= HEADING_LENGTH and not text.endswith(tuple(_NO_HEADING_ENDS))


def is_folio(line: TextLine) -> bool:
    """Whether a line is only a page number: ``- 3 -`` or 第 3 页."""
    return not (line.indented or line.item or line.heading) and bool(_FOLIO.fullmatch(line.text))


def joined(*parts: str) -> str:
    """The parts of a sentence, with blanks only between Latin letters; empty ones do not count."""
    pieces: list[str] = []
    for part in filter(None, parts):
        if pieces and pieces[-1][-1].isascii() and part[0].isascii():
            pieces.append(" ")
        pieces.append(part)
    return "".join(pieces)


def one_line(text: str) -> str:
    """Text without tabs and line breaks, as a document's lines are."""
    return re.sub(r"[\t\n]+", " ", text).strip()


def text_lines(elements: Iterable[Element]) -> list[TextLine]:
    """The lines that say something."""
    return [element for element in elements if isinstance(element, TextLine) and element.text]


def position(element: Element) -> Position:
    return Position(line=element.line, page=element.page)


def written(element: Element) -> list[str]:
    """What an element says, line by line: all that must not get lost if it finds no place."""
    match element:
        case TextLine():
            lines = [element.text]
        case TableRows():
            lines = [" | ".join(row) for row in element.rows]
        case Picture():
            lines = [f"{element.alt} {element.src}"]
    return [line for line in map(one_line, lines) if line]


def unplaced(elements: Sequence[Element]) -> list[Finding]:
    """A warning for each element that found no place."""
    return [
        Finding(
            severity=Severity.warning,
            code="text.unplaced",
            message=f"“{shortened(line)}”不属于任何部分，已原样保留在未归位文字中；请移到合适的位置或删除。",
            position=position(element),
        )
        for element in elements
        for line in written(element)
    ]


def shortened(text: str) -> str:
    """Text as messages quote it: on one line, and not all of a long one."""
    line = one_line(text)
    return line if len(line) <= 60 else f"{line[:60]}…"
