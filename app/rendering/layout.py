"""The bulletin's house layout, as far as plain text and Markdown share it: single lines."""

import re

from app.bulletins.document import BulletinDocument, Citation, Contact, Section, default_title

CONTENTS, ABSTRACT, REFERENCES, CONTACTS = "目录", "摘要", "参考文献", "联系我们"
INDENT = "\u3000\u3000"
"""What a Chinese paragraph begins with; it also keeps a paragraph from being read as a heading."""

_HAN = re.compile(r"[〇零○一二三四五六七八九十百千两]+")
_ADDRESS = re.compile(r"://|www\.", re.IGNORECASE)


def own_title(document: BulletinDocument) -> str | None:
    """The title, unless it is only the series with the date."""
    usual = default_title(document.series, document.date)
    return None if document.title == usual else document.title


def imprint(document: BulletinDocument) -> list[str]:
    """Organisation, producers, date and language, with labels that leave no doubt."""
    lines = []
    if document.organisation:
        lines.append(f"发布机构：{document.organisation}")
    if document.producers:
        lines.append(f"出品：{' & '.join(document.producers)}")
    if day := document.date:
        lines.append(f"{day.year:04d} 年 {day.month} 月 {day.day} 日")
    if document.language != "zh-CN":
        lines.append(f"语言：{document.language}")
    return lines


def numbered_heading(section: Section) -> str:
    """A section's heading behind its numeral: ``一、…``, ``1. …``, ``（一）…``, ``第一章 …``."""
    numeral = section.numeral
    if not numeral:
        return section.heading
    if numeral.isdecimal():
        return f"{numeral}. {section.heading}"
    if _HAN.fullmatch(numeral):
        return f"{numeral}、{section.heading}"
    return f"{numeral}{'' if numeral.endswith('）') else ' '}{section.heading}"


def contents_line(section: Section) -> str:
    """A heading, and behind a tab its page if it has one."""
    return numbered_heading(section) + (f"\t{section.page}" if section.page else "")


def reference_line(citation: Citation) -> str:
    """``source | title | date | purpose``, and the address where there is one.

    The field of the address stays, empty, where one in the title or the purpose would be taken for it.
    """
    reference = citation.reference
    day = reference.date.isoformat() if reference.date else ""
    fields = [reference.source, reference.title, day, citation.purpose]
    if reference.url or _ADDRESS.search(reference.title + citation.purpose):
        fields.append(reference.url or "")
    return " | ".join(escape_bars(field) for field in fields).strip()


def contact_lines(contact: Contact) -> list[str]:
    lines = [f"{contact.name}：{contact.description}"]
    if contact.url:
        lines.append(f"网站地址：{contact.url}")
    return lines


def escape_bars(text: str, bars: str = "|｜") -> str:
    r"""Text with ``\|`` for a bar, and the backslashes before it doubled."""
    return re.sub(rf"(?<!\\)(\\*)([{bars}])", r"\1\1\\\2", text)
