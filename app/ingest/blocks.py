"""The body of a section: paragraphs, subheadings, lists, tables, images."""

from collections.abc import Sequence

from app.bulletins.document import MAX_TITLE, Block, Image, ListBlock, Paragraph, Subheading, Table
from app.ingest.flow import Element, Picture, TableRows, TextLine
from app.ingest.lines import ends_sentence, is_cut, joined, looks_like_heading, one_line, position, shortened
from app.ingest.numerals import Numbered, Style, parse_numbered
from app.ingest.report import Finding, Severity

_LIST_STYLES = (Style.arabic, Style.arabic_bracketed, Style.circled)


def read_blocks(elements: Sequence[Element], indents: bool) -> tuple[list[Block], list[Finding]]:
    """Blocks from a section's elements.

    ``indents`` says that the file indents its paragraphs: a short line that is not indented and
    stands behind a blank line is then a subheading. Elsewhere only a heading style or a number makes
    one. A paragraph that stops in the middle of a sentence goes on in the next line that begins
    nothing of its own; where the format does not say that the break is only a page's, a note tells.
    """
    reader = _Reader(indents)
    index = 0
    while index < len(elements):
        run = _numbered_run(elements, index)
        if run:
            reader.add(ListBlock(ordered=True, items=tuple(run)))
        else:
            reader.take(elements[index])
        index += len(run) or 1
    reader.close()
    return reader.blocks, reader.findings


class _Reader:
    """``lines`` are those of the paragraph or of the list's items that may still go on."""

    def __init__(self, indents: bool) -> None:
        self.blocks: list[Block] = []
        self.findings: list[Finding] = []
        self.indents = indents
        self.after_blank = True
        self.lines: list[TextLine] = []

    def take(self, element: Element) -> None:
        match element:
            case TextLine(text="", closing=closing):
                if closing or (self.lines and self.lines[0].item):
                    self.close()
            case TextLine():
                self._line(element)
            case TableRows():
                rows = tuple(tuple(one_line(cell) for cell in row) for row in element.rows)
                self.add(Table(header=element.header, rows=rows))
            case Picture():
                self.add(Image(src=element.src, alt=one_line(element.alt)))
        self.after_blank = isinstance(element, TextLine) and not element.text

    def add(self, block: Block) -> None:
        self.close()
        self.blocks.append(block)

    def close(self) -> None:
        """End the paragraph or list."""
        lines = self.lines
        if lines and lines[0].item:
            items = tuple(one_line(line.text) for line in lines)
            self.blocks.append(ListBlock(ordered=lines[0].ordered, items=items))
        elif lines:
            self.blocks.append(Paragraph(text=one_line(joined(*(line.text for line in lines)))))
        self.lines = []

    def _line(self, line: TextLine) -> None:
        if self._is_subheading(line):
            self.add(Subheading(text=one_line(line.text)))
            return
        if not self._goes_on(line):
            self.close()
        self.lines.append(line)

    def _is_subheading(self, line: TextLine) -> bool:
        if line.item or len(line.text) > MAX_TITLE:
            return False
        if line.heading is not None:
            return True
        if line.indented or not looks_like_heading(line.text):
            return False
        return parse_numbered(line.text) is not None or (self.indents and self.after_blank)

    def _goes_on(self, line: TextLine) -> bool:
        """Whether a line belongs to the list, or to the sentence, before it."""
        if not self.lines:
            return False
        last = self.lines[-1]
        if line.item or last.item:
            return (line.item, line.ordered) == (last.item, last.ordered)
        before = "".join(line.text for line in self.lines[-3:])
        cut = is_cut(before) or (last.soft and not ends_sentence(before))
        if line.indented or not cut or parse_numbered(line.text):
            return False
        if not last.soft:
            self.findings.append(_joined_note(last.text, line))
        return True


def _joined_note(first: str, line: TextLine) -> Finding:
    return Finding(
        severity=Severity.note,
        code="paragraph.joined",
        message=(
            f"“…{one_line(first)[-12:]}”没有句末标点，已与下一段“{shortened(line.text)}”合为一段；"
            "如本是两段，请在前一段末尾补上标点。"
        ),
        position=position(line),
    )


def _numbered_run(elements: Sequence[Element], start: int) -> list[str]:
    """The items of a list that is only numbered by hand: at least two lines, no blank between them."""
    numbers: list[Numbered] = []
    for element in elements[start:]:
        if not isinstance(element, TextLine) or element.item or element.indented or element.heading:
            break
        number = parse_numbered(element.text)
        if number is None or number.style not in _LIST_STYLES:
            break
        if numbers and (number.style, number.value) != (numbers[-1].style, numbers[-1].value + 1):
            break
        numbers.append(number)
    return [one_line(number.rest) for number in numbers] if len(numbers) > 1 else []
