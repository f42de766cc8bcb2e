"""Where a text has the words of a query: in its own characters, found as engines find."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from app.search.contract import Query
from app.search.text import Folded, Token, folded, tokens

# Nothing that is found reaches over these, as they part words from each other.
_CLAUSE = re.compile(r"[^,。!?;:、()…\n]+")


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """Characters ``start`` to ``end`` of a text that have been found for the query's term ``term``."""

    start: int
    end: int
    term: int


@dataclass(frozen=True, slots=True)
class Sought:
    """Words side by side that a term is found by; the last one of a ``prefix`` may be half typed."""

    words: tuple[str, ...]
    term: int
    prefix: bool = False

    def possible(self, text: str) -> bool:
        """False when it is not worth cutting the folded text into words."""
        first = self.words[0]
        # A joint may stand after the first letter of a Latin word.
        return (first[0] if first[0].isascii() else first) in text


def sought(query: Query, *, relaxed: bool) -> list[Sought]:
    """What to mark in the hits of a query: what its terms are found by; in a relaxed answer single words."""
    found = [
        Sought(phrase.words, number, term.prefix)
        for number, term in enumerate(query.terms)
        for phrase in term.phrases
        if phrase.words
    ]
    if relaxed:
        rare = [word for word in query.rare if len(word) > 1] or query.rare
        found += [Sought((word,), number) for number, word in enumerate(rare, start=len(query.terms))]
    return found


def marks(text: str, wanted: Sequence[Sought], *, within: bool = False) -> list[Mark]:
    """Everything in ``text`` that is sought, in its order.

    :param within: find words by their characters alone, from the beginning of a word to the end of one:
        so a compound is found too where the text around it makes the dictionary cut it otherwise.
    """
    plain = _folded(text)
    finder = _spelled if within else _worded
    possible = [one for one in wanted if one.possible(plain.text)]
    found = set()
    for clause in _CLAUSE.finditer(plain.text) if possible else ():
        for one in possible:
            if one.possible(clause.group()):
                for start, end in finder(clause.group(), one):
                    found.add(_mark(text, plain, clause.start() + start, clause.start() + end, one.term))
    return sorted(found)


def _mark(text: str, plain: Folded, start: int, end: int, term: int) -> Mark:
    """The original's characters behind folded ones, with accents that follow the last one."""
    last = plain.origin[end - 1] + 1
    while last < len(text) and unicodedata.combining(text[last]):
        last += 1
    return Mark(plain.origin[start], last, term)


_folded = lru_cache(maxsize=8)(folded)


@lru_cache(maxsize=256)
def _by_position(clause: str) -> dict[int, list[Token]]:
    """A clause's words by their position; the words of one position begin at one character."""
    at: dict[int, list[Token]] = {}
    for token in tokens(clause):
        at.setdefault(token.position, []).append(token)
    return at


def _worded(clause: str, one: Sought) -> Iterator[tuple[int, int]]:
    at = _by_position(clause)
    *before, last = one.words
    for position, here in at.items():
        place = position
        for word in before:
            if all(token.word != word for token in at.get(place, ())):
                break
            place += len(word)
        else:
            candidates = at.get(place, ())
            ends = [token for token in candidates if token.word == last]
            if one.prefix and not ends:
                ends = [token for token in candidates if token.word.startswith(last)]
            if ends:
                yield here[0].start, min(token.end for token in ends)


def _spelled(clause: str, one: Sought) -> Iterator[tuple[int, int]]:
    starts = {here[0].start for here in _by_position(clause).values()}
    ends = [token.end for token in tokens(clause, inner=False)]
    text = "".join(one.words)
    for start in sorted(starts):
        end = start + len(text)
        if clause.startswith(text, start) and (one.prefix or end in ends):
            yield start, min((last for last in ends if last >= end), default=end)
