"""What a Meilisearch index holds, and how it is set up."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from app.bulletins.taxonomy import Taxonomy
from app.search.contract import Facet, SectionDocument
from app.search.text import fold

FORMAT = 1
"""Raise it when :func:`document` changes: reconciling then sends every document anew."""

INDEX = "sections"
LOCALES = ["cmn"]
FACET_FIELDS: Mapping[Facet, str] = {
    Facet.tag: "tags",
    Facet.source: "sources",
    Facet.kind: "kinds",
    Facet.month: "month",
}
MAX_FACET_VALUES = 10_000
CUTOFF_MS = 1_000
"""Meilisearch gives what it has after this time; a search that took as long may not be complete."""

_MAX_SYNONYMS = 50
_MAX_SYNONYM_WORDS = 100


def moment(at: datetime) -> int:
    """A moment as a number: microseconds since 1970."""
    return round(at.timestamp() * 1_000_000)


def stamp(version: int) -> str:
    """What tells whether an indexed document is current: how it was made, and the bulletin's version."""
    return f"{FORMAT}.{version}"


def document(section: SectionDocument, names: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """A section as Meilisearch keeps it, its words folded; ``names`` are those of each tag slug."""
    return {
        "id": section.id,
        "slug": section.slug,
        "number": section.number,
        "stamp": stamp(section.version),
        "heading": fold(section.heading),
        "names": [fold(name) for tag in section.tags for name in names[tag]],
        "body": fold(section.body),
        "tags": section.tags,
        "kinds": section.kinds,
        "sources": section.sources,
        "month": section.month,
        "day": section.date.toordinal(),
        "published": moment(section.published_at),
    }


def settings(taxonomy: Taxonomy) -> dict[str, Any]:
    """The settings of an index. Typing errors are corrected before any engine is asked."""
    return {
        "searchableAttributes": ["heading", "names", "body"],
        "displayedAttributes": ["day", "id", "number", "slug", "stamp", *sorted(FACET_FIELDS.values())],
        "filterableAttributes": ["day", "id", "published", "slug", *sorted(FACET_FIELDS.values())],
        "sortableAttributes": ["day", "number"],
        "rankingRules": ["sort", "words", "attribute", "proximity", "exactness", "day:desc", "number:asc"],
        "localizedAttributes": [{"attributePatterns": ["*"], "locales": LOCALES}],
        "synonyms": synonyms(taxonomy),
        "typoTolerance": {"enabled": False},
        "pagination": {"maxTotalHits": 1_000_000},
        "faceting": {"maxValuesPerFacet": MAX_FACET_VALUES},
        "searchCutoffMs": CUTOFF_MS,
    }


def synonyms(taxonomy: Taxonomy) -> dict[str, list[str]]:
    """Each name of a tag with its other names."""
    return {
        name: [other for other in names if other != name]
        for names in (list(dict.fromkeys(map(fold, tag.names))) for tag in taxonomy.tags)
        if len(names) > 1
        for name in names
    }


def over_limits(names: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """The synonyms that Meilisearch would leave out without a word, by the name they belong to.

    It takes 50 for a name and 100 words in all; every Han character is counted as a word here.
    """
    dropped = {name: _beyond(others) for name, others in names.items()}
    return {name: others for name, others in dropped.items() if others}


def _beyond(others: Iterable[str]) -> list[str]:
    words, beyond = 0, []
    for count, other in enumerate(others):
        words += sum(len(part) if not part.isascii() else 1 for part in other.split())
        if count >= _MAX_SYNONYMS or words > _MAX_SYNONYM_WORDS:
            beyond.append(other)
    return beyond
