"""A section's text as Postgres searches it: two tsvector literals, made here."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from app.search.contract import SectionDocument
from app.search.text import Token, compact, fold, tight, tokens

START = 3
"""The column ``starts`` holds so many characters from the beginning of each word."""

LONGEST_TEXT = 50_000
"""So many characters of a section are searched: a tsvector has no room for more."""

_MOST_POSITIONS = 255
_GAP = 2
"""Between heading, tags and body, so that no phrase reaches from one into the next."""


@dataclass(frozen=True, slots=True)
class Vectors:
    """Folded, tight text and the literals of both columns; ``lexemes`` are the different words."""

    text: str
    words: str
    starts: str
    lexemes: frozenset[str]


def vectors(document: SectionDocument, tag_names: Sequence[str]) -> Vectors:
    """Cut heading (weight A), the names of its tags (B) and body (D) into words with their positions."""
    heading, body = fold(document.heading), fold(document.body)[:LONGEST_TEXT]
    places: defaultdict[str, list[str]] = defaultdict(list)
    starts: set[str] = set()
    offset = 1
    parts = [("A", *_cut(heading)), *(("B", *_cut_name(name)) for name in tag_names), ("", *_cut(body))]
    for weight, plain, cut in parts:
        for word, _, _, position in cut:
            places[word].append(f"{offset + position}{weight}")
        starts.update(plain[position : position + START] for _, _, _, position in cut)
        offset += len(plain) + _GAP
    return Vectors(
        text="\n".join(map(tight, (heading, *map(fold, tag_names), body))),
        words=" ".join(f"{quoted(word)}:{','.join(at[:_MOST_POSITIONS])}" for word, at in places.items()),
        starts=" ".join(map(quoted, sorted(starts))),
        lexemes=frozenset(places),
    )


def _cut(part: str) -> tuple[str, list[Token]]:
    return compact(part), list(tokens(part))


@lru_cache(maxsize=2_000)
def _cut_name(name: str) -> tuple[str, list[Token]]:
    return _cut(fold(name))


def quoted(lexeme: str) -> str:
    """A lexeme as tsvector and tsquery literals have it."""
    return "'" + lexeme.replace("\\", "\\\\").replace("'", "''") + "'"
