"""A flow of lines, tables and images into a document: structure is found by meaning, not by line number."""

from collections.abc import Sequence

from pydantic import ValidationError

from app.bulletins.document import (
    MAX_BLOCKS,
    MAX_CITATIONS,
    MAX_SECTIONS,
    BulletinDocument,
    Section,
    block_text,
    default_title,
)
from app.ingest.blocks import read_blocks
from app.ingest.contacts import read_contacts
from app.ingest.flow import Element, Flow, TextLine
from app.ingest.front import is_labelled, read_front
from app.ingest.lines import ends_sentence, one_line, shortened, text_lines, unplaced, written
from app.ingest.matching import match_contents
from app.ingest.numerals import parse_numbered
from app.ingest.outline import Outline, outline
from app.ingest.references import read_references
from app.ingest.report import Finding, UnreadableFileError

_LEAD_LENGTH = 30

_NAMES = {
    ("Section", "heading"): "条目标题",
    ("Section", "numeral"): "条目编号",
    ("Paragraph", "text"): "段落",
    ("ReferenceItem", "source"): "参考文献的来源",
    ("ReferenceItem", "title"): "参考文献的标题",
    ("ReferenceItem", "url"): "参考文献的网址",
    ("Citation", "purpose"): "参考文献的用途",
    ("Contact", "name"): "联系方式的名称",
    ("Contact", "description"): "联系方式的说明",
    ("Contact", "url"): "联系方式的网址",
    ("BulletinDocument", "abstract"): "摘要",
}
"""What a document's texts are called for editors, by the class and the field."""


def build(flow: Flow) -> tuple[BulletinDocument, list[Finding]]:
    """The document that a flow holds, and what was noticed, in the order of the file.

    Sections have no tags and citations no sections yet. Lines that find no place are kept in
    ``unplaced``, each with a finding.

    :raises UnreadableFileError: the flow holds more than a document may (``file.too-complex``).
    """
    parts = outline(flow.elements)
    _refuse_more("条目", len(parts.sections), MAX_SECTIONS)
    try:
        document, findings = _assemble(parts)
    except ValidationError as error:
        if reason := _too_long(error):
            raise _too_large(reason) from error
        raise
    findings = [*flow.findings, *findings]
    return document, sorted(findings, key=lambda finding: finding.position.line or 0)


def _assemble(parts: Outline) -> tuple[BulletinDocument, list[Finding]]:
    lines, lead, others = _divide_front(parts.front, parts.rule.title)
    front = read_front(lines, parts.rule.title)
    indents = any(line.indented for _, body in parts.sections for line in text_lines(body))
    blocks, abstract_findings = read_blocks(parts.abstract or lead, indents=False)
    sections, section_findings = _sections(parts, indents)
    citations, no_references, reference_findings = read_references(parts.references)
    _refuse_more("参考文献", len(citations), MAX_CITATIONS)
    contacts, no_contacts = read_contacts(parts.contacts)
    lost = [*front.unplaced, *others, *parts.folios, *no_references, *no_contacts]
    if parts.abstract:
        lost += lead
    lost.sort(key=lambda element: element.line)
    document = BulletinDocument(
        series=front.series,
        title=front.title or default_title(front.series, front.date),
        date=front.date,
        language=front.language,
        organisation=front.organisation,
        producers=front.producers,
        abstract="\n".join(filter(None, map(block_text, blocks))),
        sections=tuple(sections),
        citations=tuple(citations),
        contacts=tuple(contacts),
        unplaced=tuple(line for element in lost for line in written(element)),
    )
    found = [*front.findings, *abstract_findings, *section_findings, *reference_findings]
    return document, [*found, *unplaced(lost)]


def _divide_front(
    elements: Sequence[Element], title: TextLine | None
) -> tuple[list[TextLine], list[Element], list[Element]]:
    """The lines of the title block, sentences (an abstract without its name), and all else."""
    lines: list[TextLine] = []
    lead: list[Element] = []
    others: list[Element] = []
    for element in elements:
        if not isinstance(element, TextLine) or element.item:
            others.append(element)
        elif element is title or is_labelled(element.text):
            lines.append(element)
        elif len(element.text) >= _LEAD_LENGTH and ends_sentence(element.text):
            lead.append(element)
        elif element.text:
            lines.append(element)
    return lines, lead, others


def _sections(parts: Outline, indents: bool) -> tuple[list[Section], list[Finding]]:
    headings = [heading for heading, _ in parts.sections]
    lines = [line for _, body in parts.sections for line in text_lines(body)]
    pages, findings = match_contents(headings, lines, parts.entries, parts.rule)
    sections = []
    for number, ((heading, body), page) in enumerate(zip(parts.sections, pages, strict=True), start=1):
        blocks, notes = read_blocks(body, indents)
        findings += notes
        text = one_line(heading.text)
        numbered = parse_numbered(text)
        sections.append(
            Section(
                number=number,
                numeral=numbered.numeral if numbered else "",
                heading=numbered.rest if numbered else text,
                page=page,
                body=tuple(blocks),
            )
        )
    return sections, findings


def _refuse_more(what: str, count: int, most: int) -> None:
    if count > most:
        raise _too_large(f"识别出 {count} 个{what}，最多 {most} 个")


def _too_long(error: ValidationError) -> str | None:
    """Which text or which body is longer than a document allows; None where that is not what is wrong."""
    detail = error.errors()[0]
    if detail["type"] not in {"too_long", "string_too_long"}:
        return None
    if not isinstance(text := detail["input"], str):
        return f"有的条目超过 {MAX_BLOCKS} 段"
    where = _NAMES.get((error.title, str(detail["loc"][0])), "一段文字")
    return f"{where}“{shortened(text)}”有 {len(text)} 字，最多 {detail['ctx']['max_length']} 字"


def _too_large(reason: str) -> UnreadableFileError:
    return UnreadableFileError("file.too-complex", f"文件超出一期动态的规模：{reason}。请核对是否选错文件。")
