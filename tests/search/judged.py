"""The judged set: an archive in which every section's relevance to every query is known."""

import re
import tomllib
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from app.bulletins.document import (
    SERIES,
    BulletinDocument,
    Paragraph,
    Section,
    block_text,
    default_title,
)
from app.bulletins.taxonomy import curated
from app.ingest.reader import read_bulletin
from app.ingest.tagging import suggest_tags
from scripts.archive import generate

FOLDER = Path(__file__).parent / "judgements"
SEED = Path(__file__).parent.parent / "samples" / "2026-06-25.txt"
GENERATED = 40

_BLANK = re.compile(r"(?<![a-z0-9])[^\S\n]+|[^\S\n]+(?![a-z0-9])")

Place = tuple[str, int]
"""A section: its bulletin's slug and its number."""


@dataclass(frozen=True)
class Judged:
    """A query with the sections that answer it."""

    kind: str
    q: str
    relevant: frozenset[Place]


@cache
def archive() -> tuple[BulletinDocument, ...]:
    """The real bulletin, those written for the queries, generated ones; oldest first."""
    seed = read_bulletin(SEED, curated(), date(2026, 6, 26)).document
    written = [_bulletin(entry) for entry in _data("corpus.toml")["bulletin"]]
    return (*reversed(list(generate(GENERATED, seed=7))), seed, *written)


@cache
def queries() -> tuple[Judged, ...]:
    """All judged queries."""
    texts = dict(_texts())
    return tuple(
        Judged(kind["name"], entry["q"], frozenset(_relevant(entry, texts)))
        for kind in _data("queries.toml")["kind"]
        for entry in kind["queries"]
    )


def _data(name: str) -> dict[str, Any]:
    return tomllib.loads((FOLDER / name).read_text("utf-8"))


def _bulletin(entry: dict[str, Any]) -> BulletinDocument:
    day = date.fromisoformat(entry["date"])
    document = BulletinDocument(
        title=default_title(SERIES, day),
        date=day,
        abstract=entry["abstract"],
        sections=tuple(
            Section(number=number, heading=heading, body=(Paragraph(text=text),))
            for number, (heading, text) in enumerate(entry["sections"], 1)
        ),
    )
    return suggest_tags(document, curated())


def _texts() -> Iterator[tuple[Place, str]]:
    """Each section's heading, text and its tags' names, as the patterns read them."""
    names = {tag.slug: f"{tag.name} {tag.name_en}" for tag in curated().tags}
    for document in archive():
        parts = [(0, document.abstract, document.tag_slugs)]
        for section in document.sections:
            text = "\n".join([section.heading, *map(block_text, section.body)])
            parts.append((section.number, text, [tag.slug for tag in section.tags]))
        for number, text, tags in parts:
            said = "\n".join([text, *(names[tag] for tag in tags)])
            plain = unicodedata.normalize("NFKC", said).lower()
            yield (document.slug, number), _BLANK.sub("", plain)


def _relevant(entry: dict[str, Sequence[str]], texts: dict[Place, str]) -> Iterator[Place]:
    for place in entry.get("relevant", ()):
        slug, number = place.split("/")
        yield slug, int(number)
    if "says" in entry:
        wanted, unwanted = entry["says"], entry.get("not", ())
        for found, text in texts.items():
            if all(re.search(p, text) for p in wanted) and not any(re.search(p, text) for p in unwanted):
                yield found
