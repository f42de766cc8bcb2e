"""Word files (.docx): headings, automatic numbers, lists, tables, pictures, notes and text boxes.

The parts are read directly and not with python-docx, which passes over content controls, tracked
insertions, text boxes, notes and the numbers that Word counts by itself.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import reduce
from xml.etree.ElementTree import Element

from app.ingest import flow
from app.ingest.docx_numbering import Label, W, read_numbering
from app.ingest.docx_package import Package, link_finding, open_package
from app.ingest.docx_styles import TITLE, Style, read_styles
from app.ingest.docx_table import frame, read_table
from app.ingest.docx_text import LINE_BREAK, MC, PAGE_BREAK, Inline, chosen, is_placeholder, read_inline
from app.ingest.fields import split_fields
from app.ingest.lines import joined
from app.ingest.report import UnreadableFileError
from app.ingest.text import is_indented
from app.ingest.tidy import tidy

_WRAPPERS = {W + name for name in ("sdt", "sdtContent", "ins", "moveTo", "customXml", "smartTag")}
_EDGES = re.compile(r"([ \t\n\f]*)(.*?)([ \t\n\f]*)", re.DOTALL)
_ADDRESS = re.compile(r"https?://[!-~]{1,1000}")
_REFERENCE_FIELDS = 3


def read_docx(data: bytes) -> flow.Flow:
    """The paragraphs, tables and pictures of a Word file, as they read with all changes accepted.

    :raises UnreadableFileError: encrypted, damaged, unsafe, too complex, or not a Word file.
    """
    package = open_package(data)
    main = package.main
    root = package.xml(main)
    body = None if root is None else root.find(f"{W}body")
    if body is None:
        raise UnreadableFileError("file.unsupported", "不是 Word 文档，文件里没有正文")
    reader = _Reader(package, main, body)
    try:
        reader.blocks(body)
    except RecursionError as error:
        raise UnreadableFileError("file.too-complex", "Word 文件的内容嵌套过深，无法读取") from error
    return tidy(_levelled(reader.elements), package.findings)


class _Reader:
    """Walks through the body and collects its elements."""

    def __init__(self, package: Package, main: str, body: Element) -> None:
        self.elements: list[flow.Element] = []
        self._package = package
        self._links = package.relationships(main)
        self._styles = read_styles(self._part("styles"))
        self._numbering = read_numbering(self._part("numbering"))
        self._notes = {
            (kind, note.get(f"{W}id", "")): note
            for kind in ("footnotes", "endnotes")
            for note in self._part(kind) or ()
        }
        self._line = 0
        self._page = 1 if body.find(f".//{W}lastRenderedPageBreak") is not None else None
        self._list: tuple[str, bool] | None = None
        self._kept = ""

    def blocks(self, parent: Element) -> None:
        """Everything that stands one below the other in a body, a content control or a text box."""
        for child in parent:
            if child.tag == f"{W}p":
                self._paragraph(child)
            elif child.tag == f"{W}tbl":
                self._table(child)
            elif child.tag == f"{MC}AlternateContent":
                if (choice := chosen(child)) is not None:
                    self.blocks(choice)
            elif child.tag in _WRAPPERS and not is_placeholder(child):
                self.blocks(child)

    def _part(self, kind: str) -> Element | None:
        links = [link for link in self._links.values() if link.kind == kind and not link.external]
        return self._package.xml(links[0].target) if links else None

    def _paragraph(self, paragraph: Element) -> None:
        self._line += 1
        properties = paragraph.find(f"{W}pPr")
        inline = self._inline(paragraph)
        inline.text, self._kept = self._kept + inline.text, ""
        if properties is not None and properties.find(f"{W}rPr/{W}del") is not None:
            self._kept = inline.text  # the paragraph's end is deleted: the next one goes on with it
        else:
            if properties is not None and properties.find(f"{W}pageBreakBefore") is not None:
                inline.text = PAGE_BREAK + inline.text
            style = self._styles.of(properties)
            self._text(inline, style, self._numbering.next(style.number_id, style.depth))
        self._attachments(inline)
        if self._page is not None:
            self._page += inline.rendered_breaks

    def _inline(self, paragraph: Element) -> Inline:
        inline = read_inline(paragraph)
        for kind, target in inline.addresses:
            finding = link_finding(kind, target)
            if finding and finding not in self._package.findings:
                self._package.findings.append(finding)
        return inline

    def _text(self, inline: Inline, style: Style, label: Label | None) -> None:
        match = _EDGES.fullmatch(inline.text)
        before, words, after = match.groups() if match else ("", inline.text, "")
        if PAGE_BREAK in before:
            self._soften()
        if not words:
            if not (PAGE_BREAK in before or inline.pictures or inline.boxes):
                self._add("")
            return
        words = self._with_addresses(words.replace(PAGE_BREAK, ""), inline)
        item = label is not None and style.level is None and not label.chinese
        if label is not None and not item:
            words = _labelled(label, words)
        self._separate((style.number_id, label.ordered) if item and label else None)
        whole = item or style.level is not None
        lines = [reduce(joined, words.split(LINE_BREAK))] if whole else words.split(LINE_BREAK)
        for line in lines:
            self._add(line, heading=style.level, item=item, ordered=bool(item and label and label.ordered))
        if PAGE_BREAK in after:
            self._soften()

    def _separate(self, marked: tuple[str, bool] | None) -> None:
        """A blank line between two lists."""
        if marked and self._list and marked != self._list:
            self._add("")
        self._list = marked

    def _add(
        self, text: str, *, heading: int | None = None, item: bool = False, ordered: bool = False
    ) -> None:
        self.elements.append(
            flow.TextLine(
                text,
                line=self._line,
                page=self._page,
                heading=heading,
                item=item,
                ordered=ordered,
                indented=heading is None and is_indented(text),
            )
        )

    def _soften(self) -> None:
        """Mark the last text: a page ends behind it."""
        if self.elements and isinstance(last := self.elements[-1], flow.TextLine):
            self.elements[-1] = replace(last, soft=True)

    def _with_addresses(self, words: str, inline: Inline) -> str:
        """A line of a reference keeps the address of its link as one more field."""
        links = [self._links[name] for name in inline.links if name in self._links]
        addresses = [link.target for link in links if link.external]
        addresses += [target for kind, target in inline.addresses if kind == "hyperlink"]
        for address in dict.fromkeys(addresses):
            if _ADDRESS.fullmatch(address) and address not in words:
                words += f" | {address}" if len(split_fields(words)) >= _REFERENCE_FIELDS else ""
        return words

    def _attachments(self, inline: Inline) -> None:
        """The pictures, text boxes and notes of a paragraph follow it."""
        for name, alt in inline.pictures:
            link = self._links.get(name)
            if link and not link.external and (picture := self._package.picture(link.target)):
                digest, content = picture
                self.elements.append(flow.Picture(f"sha256:{digest}", alt, self._line, self._page, content))
        for box in inline.boxes:
            self.blocks(box)
        for place in inline.notes:
            if (note := self._notes.pop(place, None)) is not None:
                self.blocks(note)

    def _table(self, table: Element) -> None:
        if (cell := frame(table)) is not None:
            self.blocks(cell)
            return
        self._line += 1
        inside: list[Inline] = []

        def text(paragraph: Element) -> str:
            inline, style = self._inline(paragraph), self._styles.of(paragraph.find(f"{W}pPr"))
            inside.append(inline)
            label = self._numbering.next(style.number_id, style.depth)
            words = " ".join(inline.text.split())
            return _labelled(label, words) if label else words

        read = read_table(table, text)
        if read.rows:
            self.elements.append(flow.TableRows(read.rows, read.header, self._line, self._page))
        for inline in inside:
            self._attachments(inline)


def _labelled(label: Label, words: str) -> str:
    """A text behind its number: a blank follows 1. but not 一、"""
    return f"{label.text} {words}" if label.text[-1:].isascii() and label.text else label.text + words


def _levelled(elements: Sequence[flow.Element]) -> list[flow.Element]:
    """Headings one level lower when the title has a level of its own.

    The title is what has the style Title, or else a single Heading 1 above all, with others below it.
    """
    lines = [element for element in elements if isinstance(element, flow.TextLine) and element.text]
    levels = Counter(line.heading for line in lines)
    is_title = lines and lines[0].heading == 1 and levels[1] == 1 and levels[2]
    lower = 0 if is_title and not levels[TITLE] else 1
    return [
        replace(element, heading=element.heading + lower)
        if isinstance(element, flow.TextLine) and element.heading is not None
        else element
        for element in elements
    ]
