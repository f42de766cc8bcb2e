"""The last step of every format but text: lines without characters that are no text."""

from collections.abc import Iterable
from dataclasses import replace

from app.ingest.flow import Element, Flow, Picture, TableRows, TextLine
from app.ingest.lines import one_line
from app.ingest.report import Finding, Position
from app.ingest.text import suspicious, visible


def tidy(elements: Iterable[Element], findings: Iterable[Finding] = ()) -> Flow:
    """A flow of these elements, cleaned, with a finding for each that had to be."""
    tidied: list[Element] = []
    noticed = list(findings)
    for element in elements:
        cleaned, removed = _cleaned(element)
        if removed:
            noticed.append(suspicious(removed, Position(line=element.line, page=element.page)))
        tidied.append(cleaned)
    return Flow(tidied, noticed)


def _cleaned(element: Element) -> tuple[Element, str]:
    match element:
        case TextLine(text=text):
            shown, removed = visible(text)
            return replace(element, text=shown.strip()), removed
        case TableRows(rows=rows):
            cells = [[visible(cell) for cell in row] for row in rows]
            kept = tuple(tuple(one_line(shown) for shown, _ in row) for row in cells)
            return replace(element, rows=kept), "".join(removed for row in cells for _, removed in row)
        case Picture(alt=alt):
            shown, removed = visible(alt)
            return replace(element, alt=one_line(shown)), removed
