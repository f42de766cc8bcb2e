"""The contents beside the headings: pages for the sections, and where the two differ."""

from collections.abc import Collection, Sequence

from app.ingest.contents import Entry
from app.ingest.flow import TextLine
from app.ingest.lines import key, one_line, position
from app.ingest.numerals import parse_numbered
from app.ingest.outline import SectionRule
from app.ingest.parts import part_named
from app.ingest.report import Finding, Position, Severity


def match_contents(
    headings: Sequence[TextLine], lines: Sequence[TextLine], entries: Sequence[Entry], rule: SectionRule
) -> tuple[list[int | None], list[Finding]]:
    """The page of each section, and a finding for each heading that the contents give otherwise.

    An entry belongs to the heading of the same words, else to the one of the same number; one below
    the sections' level to one of the other ``lines``. Without contents the page is the one where the
    heading stands, in formats that have pages.
    """
    if not entries:
        return [heading.page for heading in headings], []
    known = {key(line.text) for line in lines}
    named = [entry for entry in entries if not part_named(entry.text)]
    left = [entry for entry in named if _is_section(entry, rule)]
    lower = [entry for entry in named if not _is_section(entry, rule) and key(entry.text) not in known]
    words = _pairs([rule.keys(h.text) for h in headings], [rule.keys(e.text) for e in left])
    taken = set(words.values())
    found = {index: left[place] for index, place in words.items()}
    others = [index for index in range(len(headings)) if index not in words]
    left = [entry for place, entry in enumerate(left) if place not in taken]
    numbers = _pairs([_number(headings[index].text) for index in others], [_number(e.text) for e in left])
    renamed = {others[index]: left[place] for index, place in numbers.items()}
    findings = [_mismatch(headings[index], renamed.get(index), index + 1) for index in others]
    taken = set(numbers.values())
    left = [entry for place, entry in enumerate(left) if place not in taken]
    findings += [_missing(entry) for entry in [*left, *lower]]
    found |= renamed
    return [found[i].page if i in found else h.page for i, h in enumerate(headings)], findings


def _is_section(entry: Entry, rule: SectionRule) -> bool:
    number = parse_numbered(entry.text)
    return number is None or number.style is rule.style


def _pairs(wanted: Sequence[Collection[object]], given: Sequence[Collection[object]]) -> dict[int, int]:
    """For each place in ``wanted`` the first unused one in ``given`` that shares something, if any."""
    places: dict[object, list[int]] = {}
    for place in reversed(range(len(given))):
        for name in given[place]:
            places.setdefault(name, []).append(place)
    pairs: dict[int, int] = {}
    used: set[int] = set()
    for index, names in enumerate(wanted):
        for name in names:
            queue = places.get(name, [])
            while queue and queue[-1] in used:
                queue.pop()
            if queue and index not in pairs:
                pairs[index] = queue.pop()
                used.add(pairs[index])
    return pairs


def _number(text: str) -> frozenset[int]:
    number = parse_numbered(text)
    return frozenset({number.value}) if number else frozenset()


def _mismatch(heading: TextLine, entry: Entry | None, section: int) -> Finding:
    given = f"目录写作“{one_line(entry.text)}”" if entry else "目录里没有这一条"
    return Finding(
        severity=Severity.warning,
        code="contents.mismatch",
        message=f"正文标题“{one_line(heading.text)}”，{given}；请使两处一致（已采用正文标题）。",
        position=position(heading).model_copy(update={"section": section}),
    )


def _missing(entry: Entry) -> Finding:
    return Finding(
        severity=Severity.warning,
        code="contents.mismatch",
        message=f"目录有“{one_line(entry.text)}”，正文没有这个标题；请补上正文或删去目录中的这一条。",
        position=Position(line=entry.line),
    )
