"""The title block: series, title, organisation, producers, date."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date

from pydantic import TypeAdapter, ValidationError

from app.bulletins.document import SERIES, Language, Name, Title
from app.ingest.dates import find_dates, looks_like_date, parse_date
from app.ingest.flow import TextLine
from app.ingest.lines import HEADING_LENGTH, ends_sentence, one_line, position, shortened
from app.ingest.report import Finding, Severity

_LABELS = {
    "series": "刊名 刊物名称",
    "title": "标题 题目 本期标题",
    "organisation": "发布机构 发布单位 主办 主办单位 主管单位 编制单位 机构 组织单位",
    "producers": "出品 出品方 出品单位 联合出品 制作 制作单位 承办 承办单位 编辑 编辑单位",
    "date": "日期 发布日期 出版日期 发布时间 时间",
    "language": "语言",
}
_FIELDS = {label: name for name, labels in _LABELS.items() for label in labels.split()}
_LABELLED = re.compile(rf"({'|'.join(sorted(_FIELDS, key=len, reverse=True))})\s*[：:]\s*(?P<value>.*)")
_ORGANISATION = re.compile(
    r".*(委员会|促进会|协会|学会|研究会|联合会|商会|研究院|研究所|研究中心|中心|联盟|办公室|管理局|智库|"
    r"大学|学院|基金会|部|局|厅|署)"
)
_TYPES: dict[str, TypeAdapter[object]] = {
    "series": TypeAdapter(Name),
    "title": TypeAdapter(Title),
    "organisation": TypeAdapter(Name),
    "producers": TypeAdapter(tuple[Name, ...]),
    "language": TypeAdapter(Language),
}
_SEPARATOR = re.compile(r"[&＆、，,/／]|\s[|｜+×]\s")
_STRONG_SEPARATOR = re.compile(r"[&＆]|\s[/／|｜]\s")
_FILLER = re.compile(r"(?:星期|周|礼拜)[一二三四五六日天]|[（()）《》〈〉,，|｜·\s—-]")
_ISSUE = re.compile(r"[（(]?(?:总\s*)?第\s*[\d〇零一二三四五六七八九十百]+\s*期[）)]?")


@dataclass(slots=True)
class Front:
    """What the title block says. ``title`` is None where it gives none beside the series."""

    series: str = SERIES
    title: str | None = None
    organisation: str = ""
    producers: tuple[str, ...] = ()
    language: str = "zh-CN"
    labelled: dict[str, int] = field(default_factory=dict)  # the lines of single fields with labels
    dates: list[tuple[date, TextLine]] = field(default_factory=list)
    unplaced: list[TextLine] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    @property
    def date(self) -> date | None:
        return self.dates[0][0] if self.dates else None


def read_front(lines: Iterable[TextLine], title: TextLine | None) -> Front:
    """Read the lines before the abstract; ``title`` is the one that the format marks as the title.

    A label (``主办：…``) decides; then come the series, dates, the marked title, names of
    organisations, and names with ``&``, ``、``, ``，`` or ``/`` between them. Of what remains, the first
    line before the organisation is the title, and the one after it the producer.
    """
    front = Front()
    pending = []
    for line in lines:
        if line is not title and (match := _LABELLED.fullmatch(line.text)):
            _labelled(front, line, _FIELDS[match[1]], match["value"].strip())
        else:
            pending.append(line)
    for line in pending:
        if not _series_or_date(front, line):
            _named(front, line, title)
    if len({day for day, _ in front.dates}) > 1:
        front.findings.append(_ambiguous(front.dates))
    return front


def split_names(text: str) -> tuple[str, ...]:
    return tuple(filter(None, map(str.strip, _SEPARATOR.split(text))))


def is_labelled(text: str) -> bool:
    return bool(_LABELLED.fullmatch(text))


def _labelled(front: Front, line: TextLine, name: str, value: str) -> None:
    if name == "date" and value:
        if not _dates(front, line, value):
            front.unplaced.append(line)
    elif not value or name in front.labelled:
        front.unplaced.append(line)
    elif name == "producers" and _fits(name, names := split_names(one_line(value))):
        front.producers += names
    elif name == "producers" or not _fits(name, one_line(value)):
        front.unplaced.append(line)
    else:
        setattr(front, name, one_line(value))
        front.labelled[name] = line.line


def _series_or_date(front: Front, line: TextLine) -> bool:
    """Take a line that is the series, a date, or both, perhaps with the issue's number.

    A title that mentions a day is neither.
    """
    text = line.text
    if not parse_date(text):
        for series in (front.series, SERIES):
            text = text.replace(series, "")
    rest = text
    for _day, place in reversed(find_dates(rest)):
        rest = rest[: place.start] + rest[place.stop :]
    issue = _ISSUE.search(rest)
    rest = _FILLER.sub("", _ISSUE.sub("", rest))
    if rest and not looks_like_date(rest):
        return False
    _dates(front, line, text)
    if issue:
        front.unplaced.append(replace(line, text=issue[0]))
    return True


def _dates(front: Front, line: TextLine, text: str) -> bool:
    """Take the dates of a text; False where it has none at all."""
    found = [day for day, _ in find_dates(text)]
    front.dates += [(day, line) for day in found if day]
    wrong = None in found or (not found and looks_like_date(text))
    if wrong:
        front.findings.append(_invalid(line))
        front.unplaced.append(line)
    return wrong or bool(found)


def _named(front: Front, line: TextLine, title: TextLine | None) -> None:
    """Find the place of a line by its words, and by what has been found before it."""
    text = one_line(line.text)
    after = bool(front.organisation) and line.line > front.labelled.get("organisation", 0)
    is_organisation = bool(_ORGANISATION.fullmatch(text)) and not _STRONG_SEPARATOR.search(text)
    if line is title and front.title is None and _fits("title", text):
        front.title = text
    elif text in (front.organisation, front.title) or split_names(text) == front.producers:
        return
    elif is_organisation and not front.organisation and _fits("organisation", text):
        front.organisation = text
    elif not front.producers and _are_producers(text, after):
        front.producers = split_names(text)
    elif front.title is None and not (after or is_organisation) and len(text) <= HEADING_LENGTH:
        front.title = text
    else:
        front.unplaced.append(line)


def _are_producers(text: str, after: bool) -> bool:
    named = _STRONG_SEPARATOR.search(text) or (after and _is_name(text))
    return bool(named) and _fits("producers", split_names(text))


def _fits(name: str, value: object) -> bool:
    """Whether a document takes the value; what is too long, or no tag of a language, stays unplaced."""
    try:
        _TYPES[name].validate_python(value)
    except ValidationError:
        return False
    return True


def _is_name(text: str) -> bool:
    return len(text) <= HEADING_LENGTH and not ends_sentence(text)


def _invalid(line: TextLine) -> Finding:
    return Finding(
        severity=Severity.warning,
        code="date.invalid",
        message=f"“{shortened(line.text)}”不是存在的日期，已保留在未归位文字中；请改成实际的日期。",
        position=position(line),
    )


def _ambiguous(dates: list[tuple[date, TextLine]]) -> Finding:
    names = "、".join(dict.fromkeys(day.isoformat() for day, _ in dates))
    return Finding(
        severity=Severity.error,
        code="date.ambiguous",
        message=f"刊头有不同的日期：{names}。请只保留本期的日期。",
        position=position(dates[1][1]),
    )
