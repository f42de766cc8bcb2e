"""The names by which the parts of a bulletin are known."""

import re
from enum import StrEnum

from app.ingest.flow import TextLine
from app.ingest.lines import HEADING_LENGTH, key
from app.ingest.numerals import parse_numbered


class Part(StrEnum):
    abstract = "摘要"
    contents = "目录"
    references = "参考文献"
    contacts = "联系我们"


_NAMES = {
    Part.abstract: "摘要 内容摘要 内容提要 提要 导读 今日导读 本期导读 abstract summary",
    Part.contents: "目录 目次 本期目录 contents tableofcontents",
    Part.references: "参考文献 参考资料 参考来源 资料来源 信息来源 references sources",
    Part.contacts: "联系我们 联系方式 联络我们 联系人 contact contactus contacts",
}
_PARTS = {name: part for part, names in _NAMES.items() for name in names.split()}
_CONTACTS = re.compile(r"(联系|联络)我们[，,、 ].{0,20}")
_FRAME = "【】[]〔〕<>《》:：-—·*"
_ABSTRACT = re.compile(
    r"(?:[【\[〔](?:内容)?(?:摘\s*要|提\s*要|导\s*读)[】\]〕][：:]?|(?:内容)?(?:摘\s*要|提\s*要|导\s*读)[：:])\s*(?=\S)"
)


def part_of(line: TextLine) -> Part | None:
    """The part that a line begins; list items and indented lines begin none."""
    return None if line.item or line.indented else part_named(line.text)


def part_named(text: str) -> Part | None:
    """The part of this name, such as 目　录, 【参考文献】 or 六、参考文献; None for any other text."""
    if len(text) > HEADING_LENGTH:
        return None
    if part := _PARTS.get(key(text).strip(_FRAME)):
        return part
    if _CONTACTS.fullmatch(text):
        return Part.contacts
    number = parse_numbered(text)
    return _PARTS.get(key(number.rest).strip(_FRAME)) if number else None


def inline_abstract(text: str) -> str | None:
    """The abstract behind its name on the same line (摘要：今日……), else None."""
    match = _ABSTRACT.match(text)
    return text[match.end() :] if match else None
