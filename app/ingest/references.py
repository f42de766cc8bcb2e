"""The references: source, title, date, purpose and address between bars, in any recognisable order."""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from app.bulletins.document import Citation, ReferenceItem
from app.ingest.dates import find_dates, looks_like_date, parse_date
from app.ingest.fields import has_fields, split_fields
from app.ingest.flow import Element, TableRows, TextLine
from app.ingest.lines import joined, one_line, position, shortened
from app.ingest.report import Finding, Severity

_NUMBER = re.compile(r"(?:[\[【〔(（]\d{1,3}[\]】〕)）]|\d{1,3}[.、．](?!\d)|[-*•·])\s*(?=\S)")
_URL = re.compile(r"<?(?P<url>(?:https?://|www\.)[^\s<>|｜]+)>?", re.IGNORECASE)
_SCHEME = r"(?:[a-z][a-z0-9+.-]*[:：]//|(?:javascript|data|mailto|tel|file):)"
_LINKED = re.compile(rf"<(?P<url>{_SCHEME}[^\s<>]+)>$", re.IGNORECASE)
_MEANT = re.compile(rf"(?:{_SCHEME}|https?(?:[:：;；]|//)).*", re.IGNORECASE)
"""What is meant for an address, though it be none of the web or mistyped."""
_SPACED_BAR = re.compile(r"\s[|｜]|[|｜]\s")
_BARRED_URL = re.compile(
    r"(?:https?://|www\.)[^\s<>|｜\\\u0080-\uffff]+"
    r"(?:\\?\|(?!https?://|www\.|\d{4}[-./])[^\s<>|｜\\\u0080-\uffff]+)+(?=[\s<>|｜]|$)",
    re.IGNORECASE,
)
_TITLED = re.compile(
    r"(?P<source>[^《》]+?)\s*[，,]?\s*《(?P<title>[^|｜]+)》\s*[，,]\s*(?P<day>[^《》]+?)[。.]?"
)
_PURPOSE = re.compile(r"用于|供|用途|作为|支撑|参考用")
_BESIDE_DATE = 4
"""How many characters may stand beside a date (2026年7月1日发布) in a field that is one."""
_LABEL = re.compile(r"(?:来源|标题|题名|日期|发布日期|用途|链接|网址|URL)\s*[：:]\s*(?=\S)", re.IGNORECASE)


def read_references(
    elements: Sequence[Element],
) -> tuple[list[Citation], list[Element], list[Finding]]:
    """Citations in their order, what is no reference, and findings.

    A reference may be a list item, a line or a table's row. A line behind an unfinished item belongs
    to it, a line that is only an address to the reference before it.
    """
    rows, others = _rows([_encoded(e) if isinstance(e, TextLine) else e for e in elements])
    citations: list[Citation] = []
    findings: list[Finding] = []
    for line in rows:
        number = len(citations) + 1
        citation, invalid = _citation(number, line)
        citations.append(citation)
        if invalid is not None:
            findings.append(_invalid(invalid, number, line))
            if invalid not in citation.reference.title:
                others.append(replace(line, text=invalid))
    return citations, others, findings


def address(text: str) -> str | None:
    """The address if the text is one and nothing else; ``www.…`` gets ``https://``."""
    match = _URL.fullmatch(text)
    if not match:
        return None
    return match["url"] if "://" in match["url"] else f"https://{match['url']}"


def _as_address(text: str) -> str | None:
    """What stands for an address, be it none of the web."""
    return address(text) or (text if _MEANT.match(text) else None)


def _encoded(line: TextLine) -> TextLine:
    """The line with its addresses' bars as ``%7C``; without blanks at any bar, all bars divide fields."""
    if not (_SPACED_BAR.search(line.text) or "\\|" in line.text or _BARRED_URL.fullmatch(line.text)):
        return line
    text = _BARRED_URL.sub(lambda match: re.sub(r"\\?\|", "%7C", match[0]), line.text)
    return replace(line, text=text)


def _rows(elements: Sequence[Element]) -> tuple[list[TextLine], list[Element]]:
    """The lines that are references, whole, and the other elements."""
    lines: list[TextLine] = []
    others: list[Element] = []
    close = False  # nothing stands between this element and the last reference
    bars = any(isinstance(e, TextLine) and has_fields(e.text) for e in elements)
    for element in elements:
        if isinstance(element, TableRows):
            rows = element.rows[1:] if element.header and not _has_date(element.rows[0]) else element.rows
            found = (TextLine(" | ".join(row), element.line, element.page, item=True) for row in rows)
            lines += map(_encoded, found)
        elif not isinstance(element, TextLine):
            others.append(element)
        elif not element.text:
            close = False
            continue
        elif lines and (address(element.text) or _goes_on(lines[-1], element, close)):
            bar = " | " if address(element.text) else ""
            text = f"{lines[-1].text}{bar}{element.text}" if bar else joined(lines[-1].text, element.text)
            lines[-1] = replace(lines[-1], text=text, soft=element.soft)
        elif bars and not (element.item or has_fields(element.text) or _NUMBER.match(element.text)):
            others.append(element)
        else:
            lines.append(element)
        close = True
    return lines, others


def _goes_on(last: TextLine, line: TextLine, close: bool) -> bool:
    if line.item or line.indented or _NUMBER.match(line.text):
        return False
    over_pages = last.soft and (last.item or last.page != line.page)
    return over_pages or (close and last.item)


def _has_date(row: Sequence[str]) -> bool:
    return any(parse_date(cell) for cell in row)


def _citation(number: int, line: TextLine) -> tuple[Citation, str | None]:
    """A citation, and the text that stands for its date without being one."""
    number_mark = None if line.item else _NUMBER.match(line.text)
    text = line.text[number_mark.end() :] if number_mark else line.text
    fields = [one_line(field) for field in split_fields(text)]
    if len(fields) == 1 and (titled := _TITLED.fullmatch(fields[0])) and looks_like_date(titled["day"]):
        fields = [titled["source"], titled["title"], titled["day"]]
    canonical = _canonical(fields)
    source, title, day, purpose, url, invalid = canonical or _recognised(fields)
    if not title:
        source, title = "", source or one_line(text)
    reference = ReferenceItem(source=source, title=title, date=day, url=url)
    return Citation(number=number, purpose=purpose, reference=reference), invalid


_Fields = tuple[str, str, date | None, str, str | None, str | None]


def _canonical(fields: list[str]) -> _Fields | None:
    """The house order ``source | title | date | purpose [| address]``; the date may be empty."""
    match fields:
        case [source, title, day, purpose] if title and not address(purpose) and not _linked(title):
            url = None
        case [source, title, day, purpose, last] if title and (not last or _as_address(last)):
            url = _as_address(last)
        case _:
            return None
    if day and not parse_date(day):
        return None
    return source, title, parse_date(day), purpose, url, None


def _linked(text: str) -> bool:
    return bool(_LINKED.search(text))


def _recognised(fields: list[str]) -> _Fields:
    """Fields in any order: dates, addresses and purposes by their look, then source and title."""
    day, url, purpose, invalid = None, None, "", None
    names: list[str] = []
    for index, raw in enumerate(fields):
        label = _LABEL.match(raw)
        field = raw[label.end() :] if label else raw
        if url is None and (match := _LINKED.search(field)):
            url, field = match["url"], field[: match.start()].rstrip()
        if url is None and (found := _as_address(field)):
            url = found
        elif day is None and (found_day := parse_date(field)):
            day = found_day
        elif not purpose and index > 0 and _PURPOSE.match(field):
            purpose = raw if raw.startswith("用途") else field
        elif invalid is None and _stands_for_date(field):
            invalid = field
        elif field:
            names.append(field)
    if len(fields) == 1 and day is None and invalid is None and (dates := find_dates(fields[0])):
        day, place = dates[-1]
        invalid = None if day else fields[0][place]
    if len(names) > 2 and day is None and invalid is None and len(fields) > 3:
        invalid = names.pop(2)
    source, title, *more = [*names, "", ""][: max(2, len(names))]
    purpose = " | ".join(filter(None, (*more, purpose)))
    return source, title, day, purpose, url, invalid


def _stands_for_date(text: str) -> bool:
    """Whether the text is meant as a date, and does not only name one, as a title may."""
    named = sum(place.stop - place.start for _, place in find_dates(text))
    return looks_like_date(text) and (not named or len(text) - named <= _BESIDE_DATE)


def _invalid(text: str, number: int, line: TextLine) -> Finding:
    return Finding(
        severity=Severity.warning,
        code="reference.date-invalid",
        message=(
            f"第 {number} 条参考文献的日期“{shortened(text)}”无法识别，已保留在未归位文字中；"
            "请改成如 2026-06-24 的日期。"
        ),
        position=position(line).model_copy(update={"citation": number}),
    )
