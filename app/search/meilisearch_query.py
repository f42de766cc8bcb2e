"""A search as Meilisearch reads it: what is asked for, in its query syntax, and its filters."""

import math
from collections.abc import Iterable
from itertools import product

from app.search.contract import Filters, Phrase, Query, Term
from app.search.meilisearch_schema import moment

MAX_TERMS = 10
"""Meilisearch reads no further terms of a query."""

_MAX_SPELLINGS = 32
_BARE = str.maketrans('"-', "  ")


def spellings(query: Query, *, half_typed: bool = False) -> list[str]:
    """The query in every combination of its terms' phrases, as Meilisearch reads them.

    ``half_typed`` takes the last word for the beginning of one; a Latin one always is. Where they are
    too many, the term with the most goes without quotes: the synonyms of the index's settings then
    stand in for its phrases.
    """
    options = [_options(term, half_typed=half_typed) for term in _chosen(query)]
    while math.prod(map(len, options)) > _MAX_SPELLINGS:
        longest = max(range(len(options)), key=lambda place: len(options[place]))
        options[longest] = [_bare(_chosen(query)[longest].phrases[0])]
    # Terms count from the left and only ten of them: what is excluded must come first.
    return [without(query) + " ".join(words) for words in product(*options)]


def _options(term: Term, *, half_typed: bool) -> list[str]:
    typed, *others = term.phrases
    latin = typed.text.isascii() and typed.text.isalnum()
    open_end = term.prefix and (half_typed or latin)
    return [_bare(typed) if open_end else quoted(typed.text), *(quoted(other.text) for other in others)]


def _chosen(query: Query) -> list[Term]:
    """The ten rarest terms, in their own order."""
    rarity = {word: place for place, word in enumerate(query.rare)}

    def rank(place: int) -> int:
        words = [word for phrase in query.terms[place].phrases for word in phrase.words]
        return min((rarity.get(word, len(rarity)) for word in words), default=len(rarity))

    places = sorted(range(len(query.terms)), key=rank)[:MAX_TERMS]
    return [query.terms[place] for place in sorted(places)]


def quoted(text: str) -> str:
    return f'"{text.replace(chr(34), " ")}"'


def _bare(phrase: Phrase) -> str:
    return phrase.text.translate(_BARE)


def without(query: Query) -> str:
    # Quoted, for without quotes only the first word of a compound is excluded and the rest asked for.
    return "".join(f"-{quoted(phrase.text)} " for phrase in query.excluded)


def conditions(filters: Filters) -> list[str]:
    """The filters, all of which must hold."""
    wanted = [either("tags", [tag]) for tag in filters.tag]
    wanted += [either("sources", [source]) for source in filters.source]
    if filters.tag_any:
        wanted.append(either("tags", filters.tag_any))
    if filters.tag_not:
        wanted.append("NOT " + either("tags", filters.tag_not))
    if filters.first:
        wanted.append(f"day >= {filters.first.toordinal()}")
    if filters.last:
        wanted.append(f"day <= {filters.last.toordinal()}")
    if filters.published_until:
        wanted.append(f"published <= {moment(filters.published_until)}")
    return wanted


def either(name: str, values: Iterable[str]) -> str:
    """The condition that the field has one of the values, whatever characters they are made of."""
    return f"{name} IN [{', '.join(map(_value, values))}]"


def _value(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
