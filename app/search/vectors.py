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


_Cut = tuple[str, list[Token], str]
"""A part of a section: compact, its words, and tight."""


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
    names = [("B", _cut_name(name)) for name in tag_names]
    cuts = [("A", _cut(heading)), *names, ("", _cut(body))]
    for weight, (plain, cut, _) in cuts:
        for word, _, _, position in cut:
            places[word].append(f"{offset + position}{weight}")
            starts.add(plain[position : position + START])
        offset += len(plain) + _GAP
    return Vectors(
        text="\n".join(part for _, (_, _, part) in cuts),
        words=" ".join(f"{quoted(word)}:{','.join(at[:_MOST_POSITIONS])}" for word, at in places.items()),
        starts=" ".join(map(quoted, sorted(starts))),
        lexemes=frozenset(places),
    )


def _cut(part: str) -> _Cut:
    return compact(part), tokens(part), tight(part)


@lru_cache(maxsize=2_000)
def _cut_name(name: str) -> _Cut:
    return _cut(fold(name))


def quoted(lexeme: str) -> str:
    """A lexeme as tsvector and tsquery literals have it."""
    if "'" in lexeme or "\\" in lexeme:
        lexeme = lexeme.replace("\\", "\\\\").replace("'", "''")
    return f"'{lexeme}'"
