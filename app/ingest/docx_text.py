"""What a Word paragraph says: its text as it is shown, with what hangs on it."""

import re
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

from app.ingest.docx_numbering import W

A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
MC = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
V = "{urn:schemas-microsoft-com:vml}"
WP = "{http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing}"

MAX_ALT = 1_000
LINE_BREAK = "\n"
PAGE_BREAK = "\f"

_UNREAD = {W + name for name in ("del", "moveFrom", "pPr", "rPr", "delText", "delInstrText", "rt", "sdtPr")}
_SIGNS = {
    W + "tab": "\t",
    W + "ptab": "\t",
    W + "cr": LINE_BREAK,
    W + "noBreakHyphen": "-",
    W + "lastRenderedPageBreak": PAGE_BREAK,
}
_FIELD_LINKS = re.compile(
    r'\b(HYPERLINK|INCLUDETEXT|INCLUDEPICTURE|LINK|DDEAUTO|DDE)\b(?!\s+\\l)[^"]*"([^"]+)"'
)


@dataclass
class Inline:
    """A paragraph's inside.

    ``text`` has ``\\n`` for line breaks and ``\\f`` for page breaks; ``links`` are relationship ids,
    ``instructions`` the codes of fields, ``alt`` the description of the drawing read last,
    ``pictures`` relationship ids with their descriptions, ``boxes`` the contents of text boxes,
    ``notes`` the part and id of footnotes and endnotes.
    """

    text: str = ""
    instructions: str = ""
    alt: str = ""
    rendered_breaks: int = 0
    links: list[str] = field(default_factory=list)
    pictures: list[tuple[str, str]] = field(default_factory=list)
    boxes: list[Element] = field(default_factory=list)
    notes: list[tuple[str, str]] = field(default_factory=list)

    @property
    def addresses(self) -> list[tuple[str, str]]:
        """The kinds and targets of the links that field codes hold."""
        found = _FIELD_LINKS.findall(self.instructions)
        return [(kind.lower(), target.replace("\\\\", "\\")) for kind, target in found]


def read_inline(paragraph: Element) -> Inline:
    """Insertions are text, deletions, comments, hidden text and field codes are not."""
    inline = Inline()
    _walk(paragraph, inline)
    return inline


def is_placeholder(control: Element) -> bool:
    """Whether a content control shows only the hint what to type there."""
    return control.find(f"{W}sdtPr/{W}showingPlcHdr") is not None


def chosen(alternatives: Element) -> Element | None:
    """The newer of two forms of the same content."""
    choice = alternatives.find(f"{MC}Choice")
    return alternatives.find(f"{MC}Fallback") if choice is None else choice


def _walk(element: Element, inline: Inline) -> None:
    for child in element:
        match child.tag:
            case tag if tag in _UNREAD or _is_hidden(child):
                continue
            case tag if tag == f"{MC}AlternateContent":
                if (choice := chosen(child)) is not None:
                    _walk(choice, inline)
            case tag if tag == f"{W}txbxContent":
                inline.boxes.append(child)
            case tag if tag == f"{W}sdt" and is_placeholder(child):
                continue
            case _:
                _take(child, inline)
                _walk(child, inline)


def _is_hidden(run: Element) -> bool:
    vanish = run.find(f"{W}rPr/{W}vanish")
    return vanish is not None and vanish.get(f"{W}val") not in ("0", "false", "off")


def _take(child: Element, inline: Inline) -> None:
    tag = child.tag
    if tag == f"{W}t":
        inline.text += child.text or ""
    elif tag == f"{W}instrText":
        inline.instructions += child.text or ""
    elif tag == f"{W}br":
        inline.text += PAGE_BREAK if child.get(f"{W}type") in ("page", "column") else LINE_BREAK
    elif tag in _SIGNS:
        inline.text += _SIGNS[tag]
        inline.rendered_breaks += tag == f"{W}lastRenderedPageBreak"
    elif tag in (f"{W}footnoteReference", f"{W}endnoteReference"):
        inline.notes.append((tag.removeprefix(W).replace("Reference", "s"), child.get(f"{W}id", "")))
    elif tag == f"{W}hyperlink":
        inline.links.append(child.get(f"{R}id", ""))
    elif tag in (f"{A}blip", f"{V}imagedata"):
        inline.pictures.append((child.get(f"{R}embed") or child.get(f"{R}id") or "", inline.alt))
    elif tag == f"{WP}docPr":
        inline.alt = child.get("descr", "")[:MAX_ALT]
