#!/usr/bin/env python3
"""Make tests/samples/2026-06-25.md, .docx and .pdf from the .txt; the PDF needs LibreOffice and Noto CJK."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docx
from docx.document import Document
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_BREAK, WD_TAB_ALIGNMENT, WD_TAB_LEADER
from docx.oxml import OxmlElement, parse_xml
from docx.oxml.ns import nsdecls, qn
from docx.shared import Cm, Pt
from docx.text.paragraph import Paragraph
from docx.text.run import Run

SAMPLES = Path(__file__).parents[1] / "tests" / "samples"
NAME = "2026-06-25"
FONT = "Noto Serif CJK SC"
CUT = "芯片和模型竞争，"  # here a page ends in the midst of a sentence

NUMBERING = f"""
<w:abstractNum {nsdecls("w")} w:abstractNumId="90"><w:multiLevelType w:val="multilevel"/>
<w:lvl w:ilvl="0"><w:start w:val="1"/><w:numFmt w:val="chineseCounting"/><w:suff w:val="nothing"/>
<w:lvlText w:val="%1、"/><w:lvlJc w:val="left"/></w:lvl></w:abstractNum>"""
NUM = f'<w:num {nsdecls("w")} w:numId="90"><w:abstractNumId w:val="90"/></w:num>'
CONTENTS = f"""
<w:sdt {nsdecls("w")}><w:sdtPr><w:docPartObj><w:docPartGallery w:val="Table of Contents"/><w:docPartUnique/>
</w:docPartObj></w:sdtPr><w:sdtContent/></w:sdt>"""


def parts(text: str) -> Iterator[tuple[str, str]]:
    """The bulletin's lines, each with what it is: cover, label, abstract, entry, heading …"""
    kind = "cover"
    for line in filter(None, text.replace(f"{CUT}\n\n", CUT).splitlines()):
        if line in ("摘要", "Contents", "参考文献"):
            kind = {"摘要": "abstract", "Contents": "entry", "参考文献": "reference"}[line]
            yield "label", line
        elif "\t" not in line and re.match("[一二三四五]、", line):
            kind = "paragraph"
            yield "heading", line
        else:
            kind = "contact" if line.startswith("联系我们") else kind
            yield kind, line.removeprefix("- ")


def markdown(text: str) -> str:
    """The bulletin as Markdown."""
    marks = {"label": "## ", "heading": "## ", "entry": "- ", "reference": "- "}
    lines: list[str] = []
    for number, (kind, line) in enumerate(parts(text)):
        tight = lines and kind in ("entry", "reference") and lines[-1].startswith("- ")
        lines += [] if tight or not lines else [""]
        lines.append(("# " if number == 0 else marks.get(kind, "")) + line)
    return "\n".join(lines) + "\n"


def element(part: Paragraph | Run) -> Any:
    """The XML of a paragraph or a run."""
    return part.paragraph_format.element if isinstance(part, Paragraph) else part.font.element


def field(paragraph: Paragraph, *kinds: str, code: str = "") -> None:
    """Marks of a Word field such as PAGE: begin with its code, separate, end."""
    for kind in kinds:
        mark = OxmlElement("w:fldChar")
        mark.set(qn("w:fldCharType"), kind)
        element(paragraph.add_run()).append(mark)
        if kind == "begin":
            instruction = OxmlElement("w:instrText")
            instruction.text = code
            element(paragraph.add_run()).append(instruction)


def prepare(document: Document) -> None:
    """Page, fonts, automatic heading numbers, running header and page number."""
    page = document.sections[0]
    page.page_width, page.page_height = Cm(21), Cm(29.7)
    page.header.paragraphs[0].text = "新质生产力每日动态"
    footer = page.footer.paragraphs[0]
    footer.alignment = WD_ALIGN_PARAGRAPH.CENTER
    footer.add_run("第 ")
    field(footer, "begin", "separate", "end", code="PAGE")
    footer.add_run(" 页")
    for style in ("Normal", "Title", "Heading 1", "List Bullet", "Header"):
        fonts = document.styles[style].element.get_or_add_rPr().get_or_add_rFonts()
        for side in ("asciiTheme", "hAnsiTheme", "eastAsiaTheme", "cstheme"):
            fonts.attrib.pop(qn(f"w:{side}"), None)
        for side in ("ascii", "hAnsi", "eastAsia"):
            fonts.set(qn(f"w:{side}"), FONT)
    document.styles["Normal"].font.size = Pt(12)
    document.styles["Normal"].paragraph_format.line_spacing = 1.4
    numbering = document.part.numbering_part.element
    numbering.insert(0, parse_xml(NUMBERING))
    numbering.append(parse_xml(NUM))


def numbered(paragraph: Paragraph) -> None:
    """Let Word count the heading: 一、 二、 …"""
    number = element(paragraph).get_or_add_pPr().get_or_add_numPr()
    number.get_or_add_ilvl().val = 0
    number.get_or_add_numId().val = 90


def add(document: Document, kind: str, line: str) -> Paragraph:
    """One paragraph of the bulletin in Word's terms."""
    paragraph: Paragraph
    match kind:
        case "heading":
            paragraph = document.add_heading(line.split("、", 1)[1], 1)
            numbered(paragraph)
        case "label":
            paragraph = document.add_heading(line, 1)
        case "reference":
            paragraph = document.add_paragraph(line, "List Bullet")
        case "entry":
            paragraph = document.add_paragraph(line)
            stops = paragraph.paragraph_format.tab_stops
            stops.add_tab_stop(Cm(14.6), WD_TAB_ALIGNMENT.RIGHT, WD_TAB_LEADER.DOTS)
        case "paragraph" if CUT in line:
            paragraph = document.add_paragraph(line[: line.index(CUT)] + CUT)
            paragraph.add_run().add_break(WD_BREAK.PAGE)
            paragraph.add_run(line[line.index(CUT) + len(CUT) :])
        case _:
            paragraph = document.add_paragraph(line)
    if kind == "cover":
        paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
        paragraph.paragraph_format.space_after = Pt(44)
    if kind == "paragraph":
        paragraph.paragraph_format.first_line_indent = Pt(24)
    return paragraph


def contents(entries: list[Paragraph]) -> None:
    """Put the contents into a field in a content control, as Word does."""
    first, last = entries[0], entries[-1]
    field(first, "begin", "separate", code=' TOC \\o "1-1" \\h ')
    for run in reversed(first.runs[-3:]):
        element(first).insert(1, element(run))
    field(last, "end")
    control = parse_xml(CONTENTS)
    element(first).addprevious(control)
    control[1].extend(map(element, entries))


def word(text: str) -> Document:
    """The bulletin as a Word document: heading styles, automatic numbers, a contents field, lists."""
    document = docx.Document()
    prepare(document)
    (_, title), *rest = parts(text)
    document.add_paragraph(title, "Title")
    added = [(kind, add(document, kind, line)) for kind, line in rest]
    contents([paragraph for kind, paragraph in added if kind == "entry"])
    return document


def main() -> None:
    text = (SAMPLES / f"{NAME}.txt").read_text("utf-8")
    (SAMPLES / f"{NAME}.md").write_text(markdown(text), "utf-8")
    word(text).save(str(SAMPLES / f"{NAME}.docx"))
    convert = ["soffice", "--headless", "--convert-to", "pdf", "--outdir", str(SAMPLES)]
    subprocess.run([*convert, str(SAMPLES / f"{NAME}.docx")], check=True)  # noqa: S603


if __name__ == "__main__":
    main()
