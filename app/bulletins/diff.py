"""What has changed between two versions of a bulletin.

Compared is what the content hash covers: the difference is empty exactly when the hashes are equal.
Nothing is cut short: with the older document, a difference makes the newer one.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Generic, Literal, TypeVar

from pydantic import Field
from rapidfuzz import fuzz

from app.bulletins.diff_match import match, moved
from app.bulletins.diff_text import Piece, words
from app.bulletins.document import (
    Block,
    BulletinDocument,
    Citation,
    Contact,
    Section,
    Value,
    block_text,
    normalised,
)

Kind = Literal["added", "removed", "changed", "moved", "renumbered"]
"""``moved`` alone stays word for word; ``renumbered`` only follows what others have done."""
Named = Literal["series", "title", "language", "organisation", "abstract"]

T = TypeVar("T")

_SAMPLE = 2_000
_SURE = 101.0


class FieldChange(Value):
    field: Named
    words: tuple[Piece, ...]


class DateChange(Value):
    old: date | None
    new: date | None


class ListChange(Value):
    """A list of names: what has left it, what has joined it, and the whole of it now, in its order."""

    removed: tuple[str, ...]
    added: tuple[str, ...]
    now: tuple[str, ...]


class BlockChange(Value):
    """A block of a section; indexes count from 0. ``words`` are of its plain text."""

    change: Kind
    moved: bool
    old_index: int | None
    new_index: int | None
    old: Block | None
    new: Block | None
    words: tuple[Piece, ...]


class Place(Value):
    """Where a section stands, and what it is called there."""

    number: int
    numeral: str
    page: int | None
    heading: str


class SectionChange(Value):
    """A section; ``heading`` and ``body`` tell only what has changed of them, all of it when it is new."""

    change: Kind
    moved: bool = Field(description="Whether it has changed its place among the sections that stay")
    old: Place | None
    new: Place | None
    heading: tuple[Piece, ...]
    body: tuple[BlockChange, ...]
    tags: ListChange | None


class CitationChange(Value):
    """A citation; the sections that use it are compared as the same sections under their new numbers."""

    change: Kind
    moved: bool
    old: Citation | None
    new: Citation | None
    title: tuple[Piece, ...]
    purpose: tuple[Piece, ...]


class ContactChange(Value):
    change: Kind
    moved: bool
    old_index: int | None
    new_index: int | None
    old: Contact | None
    new: Contact | None


class DocumentDiff(Value):
    """The difference of two documents: what is not named is the same in both."""

    fields: tuple[FieldChange, ...] = ()
    day: DateChange | None = None
    producers: ListChange | None = None
    sections: tuple[SectionChange, ...] = ()
    citations: tuple[CitationChange, ...] = ()
    contacts: tuple[ContactChange, ...] = ()

    @property
    def is_empty(self) -> bool:
        return self == DocumentDiff()


def diff(old: BulletinDocument, new: BulletinDocument) -> DocumentDiff:
    """The way from one document to the other."""
    pairs = match(old.sections, new.sections, _content, _section_likeness)
    return DocumentDiff(
        fields=tuple(_fields(old, new)),
        day=DateChange(old=old.date, new=new.date) if old.date != new.date else None,
        producers=_names(old.producers, new.producers),
        sections=tuple(_sections(_walk(old.sections, new.sections, pairs))),
        citations=tuple(_citations(old.citations, new.citations, {i + 1: j + 1 for i, j in pairs.items()})),
        contacts=tuple(_contacts(old.contacts, new.contacts)),
    )


def _fields(old: BulletinDocument, new: BulletinDocument) -> Iterator[FieldChange]:
    names: tuple[Named, ...] = ("series", "title", "language", "organisation", "abstract")
    for name in names:
        if changed := words(getattr(old, name), getattr(new, name)):
            yield FieldChange(field=name, words=changed)


def _names(old: Sequence[str], new: Sequence[str]) -> ListChange | None:
    if old == new:
        return None
    removed = tuple(name for name in old if name not in new)
    return ListChange(removed=removed, added=tuple(name for name in new if name not in old), now=tuple(new))


@dataclass(frozen=True, slots=True)
class _Step(Generic[T]):
    """An item in both lists or in one of them, with its indexes there."""

    old: T | None
    new: T | None
    old_index: int | None
    new_index: int | None
    moved: bool

    def kind(self, *changes: object, renumbered: bool = False) -> Kind | None:
        """What has become of the item; ``changes`` are what has changed of it while it stayed."""
        if self.old is None:
            return "added"
        if self.new is None:
            return "removed"
        if any(changes):
            return "changed"
        if self.moved:
            return "moved"
        return "renumbered" if renumbered else None


def _walk(old: Sequence[T], new: Sequence[T], pairs: Mapping[int, int]) -> Iterator[_Step[T]]:
    """Every item of both lists once: what is gone, then all of the newer list."""
    for index in range(len(old)):
        if index not in pairs:
            yield _Step(old[index], None, index, None, moved=False)
    origin = {there: here for here, there in pairs.items()}
    out_of_order = moved(pairs)
    for index, item in enumerate(new):
        here = origin.get(index)
        before = old[here] if here is not None else None
        yield _Step(before, item, here, index, moved=here in out_of_order)


def _content(section: Section) -> tuple[str, tuple[Block, ...], tuple[str, ...]]:
    return section.heading, section.body, _tags(section)


def _tags(section: Section | None) -> tuple[str, ...]:
    return tuple(tag.slug for tag in section.tags) if section else ()


def _section_likeness(old: Section, new: Section) -> float:
    one, other = ("\n".join([each.heading, *map(block_text, each.body)])[:_SAMPLE] for each in (old, new))
    return fuzz.ratio(one, other) + (_SURE if normalised(old.heading) == normalised(new.heading) else 0)


def _place(section: Section | None) -> Place | None:
    if section is None:
        return None
    return Place(number=section.number, numeral=section.numeral, page=section.page, heading=section.heading)


def _sections(steps: Iterator[_Step[Section]]) -> Iterator[SectionChange]:
    for step in steps:
        old, new = step.old, step.new
        heading = words(old.heading if old else "", new.heading if new else "")
        body = tuple(_blocks(old.body if old else (), new.body if new else ()))
        tags = _names(_tags(old), _tags(new))
        place, new_place = _place(old), _place(new)
        if kind := step.kind(heading, body, tags, renumbered=place != new_place):
            yield SectionChange(
                change=kind, moved=step.moved, old=place, new=new_place, heading=heading, body=body, tags=tags
            )


def _block_likeness(old: Block, new: Block) -> float:
    return fuzz.ratio(block_text(old), block_text(new)) if old.type == new.type else 0.0


def _blocks(old: Sequence[Block], new: Sequence[Block]) -> Iterator[BlockChange]:
    for step in _walk(old, new, match(old, new, _itself, _block_likeness)):
        if kind := step.kind(step.old != step.new):
            yield BlockChange(
                change=kind,
                moved=step.moved,
                old_index=step.old_index,
                new_index=step.new_index,
                old=step.old,
                new=step.new,
                words=words(
                    block_text(step.old) if step.old else "", block_text(step.new) if step.new else ""
                ),
            )


def _itself(value: T) -> T:
    return value


def _citation_likeness(old: Citation, new: Citation) -> float:
    one, other = (normalised(f"{each.reference.source} {each.reference.title}") for each in (old, new))
    return _SURE if one == other else fuzz.ratio(one, other)


def _citations(
    old: Sequence[Citation], new: Sequence[Citation], renumbered: Mapping[int, int]
) -> Iterator[CitationChange]:
    def content(citation: Citation, sections: Iterable[int]) -> Citation:
        return citation.model_copy(update={"number": 1, "sections": tuple(sorted(sections))})

    before = [content(each, (renumbered[n] for n in each.sections if n in renumbered)) for each in old]
    after = [content(each, each.sections) for each in new]
    for step in _walk(before, after, match(before, after, _itself, _citation_likeness)):
        one = old[step.old_index] if step.old_index is not None else None
        other = new[step.new_index] if step.new_index is not None else None
        if kind := step.kind(step.old != step.new, renumbered=step.old_index != step.new_index):
            yield CitationChange(
                change=kind,
                moved=step.moved,
                old=one,
                new=other,
                title=words(one.reference.title if one else "", other.reference.title if other else ""),
                purpose=words(one.purpose if one else "", other.purpose if other else ""),
            )


def _contacts(old: Sequence[Contact], new: Sequence[Contact]) -> Iterator[ContactChange]:
    def likeness(one: Contact, other: Contact) -> float:
        return _SURE if one.name == other.name else 0.0

    for step in _walk(old, new, match(old, new, _itself, likeness)):
        if kind := step.kind(step.old != step.new):
            yield ContactChange(
                change=kind,
                moved=step.moved,
                old_index=step.old_index,
                new_index=step.new_index,
                old=step.old,
                new=step.new,
            )
