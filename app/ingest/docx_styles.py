"""What paragraph styles say about structure: heading levels and automatic numbers."""

import re
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from app.ingest.docx_numbering import W, integer, value

TITLE = 0
_HEADING = re.compile(r"(?:heading|标题)\s*([1-9])", re.IGNORECASE)
_TITLE = re.compile(r"title|标题", re.IGNORECASE)
_MAX_CHAIN = 20


@dataclass(frozen=True, slots=True)
class Style:
    """``level`` is 0 for the title, 1 for ``Heading 1`` …, None for text; numbers as in ``w:numPr``."""

    level: int | None = None
    number_id: str = ""
    depth: int = 0


@dataclass(frozen=True)
class Styles:
    """The paragraph styles of a document by their id, and the id of the one that needs no name."""

    by_id: dict[str, Style]
    default: str

    def of(self, properties: Element | None) -> Style:
        """A paragraph's style with what the paragraph itself sets differently (``w:pPr``)."""
        style = self.by_id.get(value(properties, "pStyle") or self.default, Style())
        outline = value(properties, "outlineLvl")
        number_id = value(properties, "numPr/numId") or style.number_id
        depth = value(properties, "numPr/ilvl")
        return Style(
            _outline(outline) if outline else style.level,
            number_id,
            integer(depth) if depth else style.depth,
        )


def read_styles(root: Element | None) -> Styles:
    """The styles of a document (``word/styles.xml``)."""
    if root is None:
        return Styles({}, "")
    elements = {style.get(f"{W}styleId", ""): style for style in root.iter(f"{W}style")}
    defaults = [
        name
        for name, style in elements.items()
        if style.get(f"{W}default") == "1" and style.get(f"{W}type") == "paragraph"
    ]
    by_id = {name: _resolved(name, elements) for name in elements}
    return Styles(by_id, defaults[0] if defaults else "")


def _resolved(name: str, elements: dict[str, Element]) -> Style:
    chain: list[Element] = []
    while name in elements and len(chain) < _MAX_CHAIN:
        chain.append(elements[name])
        name = value(elements[name], "basedOn")
    numbers = [number for style in chain if (number := value(style, "pPr/numPr/numId"))]
    depths = [depth for style in chain if (depth := value(style, "pPr/numPr/ilvl"))]
    return Style(_level(chain), numbers[0] if numbers else "", integer(depths[0]) if depths else 0)


def _level(chain: list[Element]) -> int | None:
    """The level that the nearest style names."""
    for style in chain:
        name, outline = value(style, "name"), value(style, "pPr/outlineLvl")
        if match := _HEADING.fullmatch(name):
            return int(match[1])
        if _TITLE.fullmatch(name):
            return TITLE
        if outline:
            return _outline(outline)
    return None


def _outline(level: str) -> int | None:
    return integer(level) + 1 if integer(level) < 9 else None
