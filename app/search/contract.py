"""What a search engine is asked, what it answers, and what it is fed.

The unit found is the section; a bulletin's abstract is its section 0. Engines find and rank; what a
hit shows (heading, crop, marks, tags) is read from the live tables afterwards, the same for all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol

WORTH_SHOWING = 0.5
"""What has less than this share of the best one's score is no answer to a question."""


class Sort(StrEnum):
    relevance = "relevance"
    date = "date"


class Facet(StrEnum):
    tag = "tag"
    source = "source"
    kind = "kind"
    month = "month"


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words that stand next to each other, folded (``app.search.text``); ``text`` is the folded whole."""

    text: str
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Term:
    """Something that must be found: any one of ``phrases`` will do.

    The first phrase is what was typed; the others are synonyms, readings of pinyin, corrections.
    ``prefix`` is true for the last word, which may be half typed.
    """

    phrases: tuple[Phrase, ...]
    prefix: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """A query understood: all ``terms`` must be found, none of ``excluded``.

    ``typed`` is the folded text as it was written, ``rare`` its words by rarity, the rarest first,
    for the ranked matching that comes when not every term can be found.
    """

    typed: str
    terms: tuple[Term, ...]
    excluded: tuple[Phrase, ...] = ()
    rare: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Filters:
    """The list filters of the reading API: tags by slug, sources by name, dates inclusive.

    ``published_until`` keeps the pages of one search together: what was published later is left out.
    """

    tag: tuple[str, ...] = ()
    tag_any: tuple[str, ...] = ()
    tag_not: tuple[str, ...] = ()
    source: tuple[str, ...] = ()
    first: date | None = None
    last: date | None = None
    published_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Search:
    """One request to an engine. ``by_bulletin`` gives each bulletin's best section only.

    Engines order hits differently: the pages that ``engine`` has begun are for no other to continue.
    """

    query: Query
    filters: Filters = Filters()
    sort: Sort = Sort.relevance
    facets: frozenset[Facet] = frozenset()
    by_bulletin: bool = False
    limit: int = 20
    offset: int = 0
    engine: str | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """A section found; the higher ``score`` (0 to 1) the better, comparable within one answer only."""

    slug: str
    number: int
    score: float


@dataclass(frozen=True, slots=True)
class Answer:
    """What an engine found: a page of hits, how many there are in all, and counts by facet value.

    ``exact`` says whether ``total`` (and the counts) are exact; ``relaxed`` that not every term is in
    every hit.
    """

    engine: str
    hits: Sequence[Found]
    total: int
    exact: bool
    relaxed: bool = False
    facets: Mapping[Facet, Mapping[str, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SectionDocument:
    """A section as engines index it; ``id`` is ``{slug}-{number}``. Texts are as published, unfolded.

    ``title`` and ``date`` are the bulletin's; tags, kinds and sources are the section's own, for
    section 0 the bulletin's.
    """

    slug: str
    number: int
    version: int
    title: str
    date: date
    published_at: datetime
    heading: str
    body: str
    tags: tuple[str, ...]
    kinds: tuple[str, ...]
    sources: tuple[str, ...]

    @property
    def id(self) -> str:
        return f"{self.slug}-{self.number}"

    @property
    def month(self) -> str:
        return f"{self.date:%Y-%m}"


class EngineUnavailableError(Exception):
    """The engine cannot answer now (down, slow, wrong key, index missing): ask another one."""


class SearchEngine(Protocol):
    """Finds sections."""

    @property
    def name(self) -> str: ...

    async def search(self, search: Search) -> Answer:
        """Answer one request.

        :raises EngineUnavailableError: another engine should be asked.
        """
        ...
