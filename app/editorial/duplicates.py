"""Tags and references that may be the same; pure."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from itertools import combinations
from typing import NamedTuple, TypeVar
from uuid import UUID

from rapidfuzz.fuzz import ratio

from app.bulletins.document import normalised

SIMILAR = 85
"""Names and titles so many percent alike may be the same."""
SHORT = 5
"""Fewer letters are the same or are not."""
DAYS = 3
"""Two dates of the same item are no further apart."""

Key = TypeVar("Key", str, UUID)


class TagNames(NamedTuple):
    slug: str
    kind: str
    names: Sequence[str]
    sections: int
    curated: bool = False


class Item(NamedTuple):
    """A reference; ``cited`` by so many bulletins."""

    id: UUID
    source: UUID
    title: str
    date: date | None
    cited: int


class Pair(NamedTuple):
    """``merge`` is used less than ``into``; ``score`` says how much they are alike, at most 100."""

    merge: str
    into: str
    score: float


def tags(found: Iterable[TagNames]) -> list[Pair]:
    """Tags of one kind with a name of the same letters, or nearly so; the most alike first.

    Two that are both curated are known to be different: 山西 (shanxi) is not 陕西 (shaanxi).
    """
    by_kind: defaultdict[str, list[tuple[TagNames, list[str]]]] = defaultdict(list)
    for tag in found:
        by_kind[tag.kind].append((tag, [_letters(name) for name in tag.names]))
    pairs = []
    for group in by_kind.values():
        for (one, names), (other, others) in combinations(group, 2):
            if one.curated and other.curated:
                continue
            score = max((_alike(a, b) for a in names for b in others), default=0)
            if score >= SIMILAR:
                less, more = sorted((one, other), key=lambda tag: (tag.sections, tag.slug))
                pairs.append(Pair(less.slug, more.slug, score))
    return sorted(pairs, key=lambda pair: (-pair.score, pair))


def references(found: Iterable[Item]) -> list[Pair]:
    """References of one source with nearly the same title and date; the most alike first."""
    by_source: defaultdict[UUID, list[Item]] = defaultdict(list)
    for item in found:
        by_source[item.source].append(item)
    pairs = []
    for group in by_source.values():
        titles = {item.id: _letters(item.title) for item in group}
        for one, other in _near(group):
            score = _alike(titles[one.id], titles[other.id])
            if score >= SIMILAR:
                less, more = sorted((one, other), key=lambda item: (item.cited, -item.id.int))
                pairs.append(Pair(str(less.id), str(more.id), score))
    return sorted(pairs, key=lambda pair: (-pair.score, pair))


def _near(group: Sequence[Item]) -> Iterator[tuple[Item, Item]]:
    """The pairs with dates near each other; one without a date is near to all."""
    undated = [item for item in group if item.date is None]
    dated = sorted((item for item in group if item.date), key=lambda item: (item.date, item.id))
    yield from combinations(undated, 2)
    for place, item in enumerate(dated):
        for other in undated:
            yield item, other
        for later in dated[place + 1 :]:
            if item.date and later.date and later.date - item.date > timedelta(days=DAYS):
                break
            yield item, later


def _alike(one: str, other: str) -> float:
    """Percent; what differs in its digits alone is another one: 第3期 is not 第4期."""
    if one == other:
        return 100
    digits = [[c for c in text if c.isdigit()] for text in (one, other)]
    comparable = digits[0] == digits[1] and min(len(one), len(other)) >= SHORT
    return ratio(one, other, score_cutoff=SIMILAR) if comparable else 0


def _letters(name: str) -> str:
    return "".join(filter(str.isalnum, normalised(name)))
