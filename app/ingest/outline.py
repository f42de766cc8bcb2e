"""Which lines begin the parts and the sections of a bulletin."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from app.ingest.contents import Entry, read_contents
from app.ingest.flow import Element, TextLine
from app.ingest.lines import is_folio, key, looks_like_heading, text_lines
from app.ingest.numerals import Style, parse_numbered
from app.ingest.parts import Part, inline_abstract, part_of


@dataclass(frozen=True, slots=True)
class SectionRule:
    """How this document marks its sections.

    ``level`` is the heading level where the format has headings; ``style`` the numbering; ``entries``
    the keys of the headings that the contents name; ``bare`` says that the contents leave the
    numbers out or the headings do.
    """

    level: int | None
    style: Style | None
    entries: frozenset[str]
    bare: bool
    title: TextLine | None

    def is_section(self, line: TextLine, after_references: bool) -> bool:
        """Whether a line is a section's heading; behind the references only a named or styled one."""
        if line.item or line is self.title or not line.text:
            return False
        number = parse_numbered(line.text)
        named = bool(self.keys(line.text) & self.entries)
        same_style = number is not None and number.style is self.style
        if self.level is not None:
            at_level = line.heading is not None and line.heading <= self.level
            return at_level and (named or number is None or self.style is None or same_style)
        if line.indented:
            return False
        return named or (same_style and not after_references and looks_like_heading(line.text))

    def keys(self, text: str) -> frozenset[str]:
        """What a heading is compared by; with ``bare``, also without its number."""
        return _keys(text, self.bare)

    def names_part(self, line: TextLine) -> Part | None:
        """The part that a line begins; below the sections' level it is a heading like any other."""
        if self.level is not None and line.heading is not None and line.heading > self.level:
            return None
        return part_of(line)


@dataclass(slots=True)
class Outline:
    """The elements of each part, in reading order.

    ``sections`` pairs a heading with what follows; ``folios`` are the lines with page numbers.
    """

    rule: SectionRule
    entries: list[Entry] = field(default_factory=list)
    front: list[Element] = field(default_factory=list)
    abstract: list[Element] = field(default_factory=list)
    sections: list[tuple[TextLine, list[Element]]] = field(default_factory=list)
    references: list[Element] = field(default_factory=list)
    contacts: list[Element] = field(default_factory=list)
    folios: list[TextLine] = field(default_factory=list)


def outline(elements: Sequence[Element]) -> Outline:
    """Divide a flow into its parts."""
    folios = [element for element in elements if isinstance(element, TextLine) and is_folio(element)]
    skipped = {id(folio) for folio in folios}
    rest, entries = _without_contents([element for element in elements if id(element) not in skipped])
    result = Outline(_rule(rest, entries), entries, folios=folios)
    current, part = result.front, None
    for element in rest:
        if not isinstance(element, TextLine) or not element.text:
            current.append(element)
        elif (found := _part(element, result)) is not None:
            part = found
            current = {
                Part.abstract: result.abstract,
                Part.references: result.references,
                Part.contacts: result.contacts,
            }.get(found, current)
        elif result.rule.is_section(element, after_references=part in (Part.references, Part.contacts)):
            part, current = None, []
            result.sections.append((element, current))
        elif current is result.front and not element.item and (text := inline_abstract(element.text)):
            part, current = Part.abstract, result.abstract
            current.append(TextLine(text, element.line, element.page, indented=True, soft=element.soft))
        else:
            current.append(element)
    return result


def _part(line: TextLine, result: Outline) -> Part | None:
    part = result.rule.names_part(line)
    return None if part is Part.abstract and result.sections else part


def _without_contents(elements: Sequence[Element]) -> tuple[list[Element], list[Entry]]:
    for index, element in enumerate(elements):
        if isinstance(element, TextLine) and part_of(element) is Part.contents:
            entries, end = read_contents(elements, index + 1)
            return [*elements[:index], *elements[end:]], entries
    return list(elements), []


def _rule(elements: Sequence[Element], entries: list[Entry]) -> SectionRule:
    lines = [line for line in text_lines(elements) if not line.item]
    numbers = [parse_numbered(entry.text) for entry in entries]
    style = next((number.style for number in numbers if number), None)
    top = [
        entry.text
        for entry, number in zip(entries, numbers, strict=True)
        if number is None or number.style is style
    ]
    exact = frozenset(key(text) for text in top)
    bare = bool(entries) and not any(key(line.text) in exact for line in lines if not line.indented)
    keys = frozenset[str]().union(*(_keys(text, bare) for text in top))
    title = _title(lines, keys)
    headings = [
        line for line in lines if line.heading is not None and line is not title and not part_of(line)
    ]
    named = [line for line in headings if _keys(line.text, bare) & keys]
    level = min((line.heading or 1 for line in named or headings), default=None)
    if style is None and not (level is None and _any_named(lines, keys, bare)):
        style = _first_style(lines, level)
    return SectionRule(level, style, keys, bare, title)


def _any_named(lines: list[TextLine], keys: frozenset[str], bare: bool) -> bool:
    return any(_keys(line.text, bare) & keys for line in lines if not line.indented)


def _first_style(lines: list[TextLine], level: int | None) -> Style | None:
    """The style of the first numbered heading."""
    for line in lines:
        if level is None:
            candidate = not line.indented and looks_like_heading(line.text)
        else:
            candidate = line.heading is not None and line.heading <= level
        if candidate and not part_of(line) and (number := parse_numbered(line.text)):
            return number.style
    return None


def _title(lines: list[TextLine], entries: frozenset[str]) -> TextLine | None:
    """The line that the format marks as the document's title: a first heading that is no section."""
    tops = [line for line in lines if line.heading == 1 and not part_of(line)]
    if not tops:
        return None
    again = any(key(line.text) == key(tops[0].text) for line in lines if line.heading and line is not tops[0])
    if key(tops[0].text) in entries and not again:
        return None
    before = next((line for line in lines if line.heading is not None), None)
    numbered = parse_numbered(tops[0].text) is not None
    return tops[0] if before is tops[0] and (len(tops) == 1 or not numbered) else None


def _keys(text: str, bare: bool) -> frozenset[str]:
    """The keys by which a heading is compared; ``bare`` adds the one without its number."""
    number = parse_numbered(text) if bare else None
    return frozenset({key(text), key(number.rest)} if number else {key(text)})
