"""What is wrong with a document as it stands; import asks once, the editors' desk at each save."""

import re
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import chain

from app.bulletins.document import (
    BulletinDocument,
    Citation,
    Image,
    Section,
    block_text,
    is_web_address,
    normalised,
)
from app.ingest.lines import shortened
from app.ingest.numerals import numeral_value
from app.ingest.report import Finding, Position, Severity

_NAMED_SOURCE = re.compile(
    r"(?:^|[。！？；\n，：（“])\s*(?:据|根据|援引)?\s*"
    r"(?P<source>[^\s，。；：、“”（）《》\d][^，。；：、“”（）《》\d]{1,23}?)\s*"
    r"(?:于|在)?\s*(?:(?P<y>\d{4})\s*年\s*)?(?P<m>\d{1,2})\s*月\s*(?P<d>\d{1,2})\s*日\s*(?:电|讯)?"
    r"(?:[^，。；：、]{0,4}?)(?:报道|发布|消息|公布|印发|刊文|刊发|刊登|通报|披露|发文|电讯)"
)
_ATTRIBUTION = re.compile(
    r"(?:^|[（(【\[。；])\s*(?:消息|资料|信息|新闻|文章|数据)?(?:来源|出处)\s*[：:]\s*《?"
    r"(?P<source>[^\s，,。；;：:|｜（）()《》\d][^，,。；;|｜（）()《》\d\n]{0,39}?)\s*"
    r"(?:[，,|｜（(《》][^。；;\n]{0,80}?)?"
    r"(?<!\d)(?:(?P<y>\d{4})\s*[-./年]\s*)?(?P<m>\d{1,2})\s*[-./月]\s*(?P<d>\d{1,2})(?!\d)",
    re.MULTILINE,
)


_STORED = "sha256:"
"""So begins the ``src`` of a picture of ours."""
LONG_HEADING = 100
"""A longer heading is likely to be a paragraph that was taken for one."""


def check(document: BulletinDocument, today: date) -> list[Finding]:
    """Findings that follow from the document alone, in its order.

    Errors are what a reader must not meet: no date, no sections, a section without a body. ``today``
    is the day in Asia/Shanghai.
    """
    return [
        *_head(document),
        *_dated(document, today),
        *_sections(document),
        *_pictures(document),
        *_numbering(document),
        *_references(document, today),
        *_uncited(document),
        *_contacts(document),
    ]


def _head(document: BulletinDocument) -> Iterator[Finding]:
    if document.date is None:
        yield _error("date.missing", "没有日期：请在刊头写明本期日期，例如 2026 年 6 月 25 日。")
    if not document.organisation:
        yield _warning("organisation.missing", "没有发布机构：请在刊头写明，例如“发布机构：……”。")
    if not document.abstract:
        yield _warning("abstract.missing", "没有摘要：请加上以“摘要”为题的一段。")


def _dated(document: BulletinDocument, today: date) -> Iterator[Finding]:
    if document.date is None:
        return
    if not date(1990, 1, 1) <= document.date <= today + timedelta(days=366):
        message = f"日期 {document.date} 不像本期的日期：请核对年份。"
        yield _error("date.implausible", message)
    elif document.date > today + timedelta(days=7):
        yield _warning("date.in-future", f"日期 {document.date} 还有一周以上才到：请核对。")


def _sections(document: BulletinDocument) -> Iterator[Finding]:
    if not document.sections:
        message = "没有识别出任何条目：请给条目标题编号（一、二、三……）或使用标题样式。"
        yield _error("sections.missing", message)
    for section in document.sections:
        if (length := len(section.heading)) > LONG_HEADING:
            message = f"条目标题“{shortened(section.heading)}”有 {length} 字，像是正文：请缩短或另起一段。"
            yield _warning("section.heading-long", message, Position(section=section.number))
        if not section.body:
            message = f"条目“{shortened(section.heading)}”没有正文：请补上正文或删去标题。"
            yield _error("section.empty", message, Position(section=section.number))


def _pictures(document: BulletinDocument) -> Iterator[Finding]:
    """One of another website would tell that website who reads, and be what it wants to be."""
    for section in document.sections:
        for block in section.body:
            if isinstance(block, Image) and not block.src.startswith(_STORED):
                message = (
                    f"条目“{shortened(section.heading)}”的图片“{shortened(block.src)}”在别的网站上："
                    "请上传这幅图片，改用上传后的地址，或删去它。"
                )
                yield _error("picture.external", message, Position(section=section.number))


def _numbering(document: BulletinDocument) -> Iterator[Finding]:
    """Sections without a numeral, or with one that cannot be read, neither count nor break the row."""
    seen: set[int] = set()
    last, before = 0, ""
    for section in document.sections:
        value = numeral_value(section.numeral)
        if value is None:
            continue
        position = Position(section=section.number)
        if value in seen:
            message = f"条目编号“{section.numeral}”重复：请改正“{shortened(section.heading)}”的编号。"
            yield _warning("section.number-duplicate", message, position)
        elif value != last + 1:
            yield _warning("section.number-gap", _gap(section.numeral, value, before, last), position)
        seen.add(value)
        if value > last:
            last, before = value, section.numeral


def _gap(numeral: str, value: int, before: str, last: int) -> str:
    """What is wrong with a number that does not follow ``before``, the largest until then."""
    if value < last:
        return f"条目编号“{numeral}”排在“{before}”之后：请调整顺序，或改正编号。"
    missing = f"第 {last + 1} 条" if value == last + 2 else f"第 {last + 1} 至 {value - 1} 条"
    begin = f"条目编号从“{before}”跳到“{numeral}”" if before else f"第一个条目的编号是“{numeral}”"
    return f"{begin}，缺少{missing}：请补上缺少的条目，或改正编号。"


def _references(document: BulletinDocument, today: date) -> Iterator[Finding]:
    for citation in document.citations:
        reference = citation.reference
        title = shortened(reference.title)
        position = Position(citation=citation.number)
        values = {"来源": reference.source, "日期": reference.date, "用途": citation.purpose}
        if missing := "、".join(name for name, value in values.items() if not value):
            message = f"参考文献“{title}”缺少{missing}：请按“来源 | 标题 | 日期 | 用途”补全。"
            yield _warning("reference.incomplete", message, position)
        if reference.url and not is_web_address(reference.url):
            message = (
                f"参考文献“{title}”的网址“{shortened(reference.url)}”不是有效的 http(s) 网址，已原样保留，"
                "不会成为链接：请改正。"
            )
            yield _warning("reference.url-invalid", message, position)
        if reference.date and reference.date > min(today, document.date or today):
            limit = "今天" if reference.date > today else "本期日期"
            message = f"参考文献“{title}”的日期 {reference.date} 晚于{limit}：请核对。"
            yield _warning("reference.date-in-future", message, position)
        if document.sections and not citation.sections:
            message = f"似乎没有条目用到参考文献“{title}”：请指明引用它的条目，或删去它。"
            yield _warning("reference.unused", message, position)


def _uncited(document: BulletinDocument) -> Iterator[Finding]:
    for section in document.sections:
        text = "\n".join(block_text(block) for block in section.body)
        named = chain(_NAMED_SOURCE.finditer(text), _ATTRIBUTION.finditer(text))
        found = dict.fromkeys((match["source"].strip(), _day(match, document.date)) for match in named)
        for source, day in found:
            if day and not any(_covers(c, section, source, day) for c in document.citations):
                message = f"条目写到“{source}”{day.isoformat()} 的消息，但参考文献中没有：请补上这一条。"
                yield _warning("citation.missing", message, Position(section=section.number))


def _day(match: re.Match[str], issue: date | None) -> date | None:
    """The day that is meant: without a year the last one that is not well after the issue."""
    if not match["y"] and issue is None:
        return None
    month, day = int(match["m"]), int(match["d"])
    try:
        if match["y"] or issue is None:
            return date(int(match["y"]), month, day)
        found = date(issue.year, month, day)
        return found if found <= issue + timedelta(days=31) else date(issue.year - 1, month, day)
    except ValueError:
        return None


def _covers(citation: Citation, section: Section, source: str, day: date) -> bool:
    """Whether a reference of that day is used by the section, or comes from that source."""
    known, named = normalised(citation.reference.source), normalised(source)
    same = bool(known) and (known in named or named in known)
    return citation.reference.date == day and (same or section.number in citation.sections)


def _contacts(document: BulletinDocument) -> Iterator[Finding]:
    if not document.contacts:
        yield _warning("contact.missing", "没有联系方式：请在文末加上“联系我们”及名称、说明和网址。")


def _error(code: str, message: str, position: Position | None = None) -> Finding:
    return Finding(severity=Severity.error, code=code, message=message, position=position or Position())


def _warning(code: str, message: str, position: Position | None = None) -> Finding:
    return Finding(severity=Severity.warning, code=code, message=message, position=position or Position())
