"""A search as conditions of Postgres: which rows, and what their rank is made of."""

from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import (
    REAL,
    ColumnElement,
    Float,
    SQLColumnExpression,
    and_,
    cast,
    func,
    literal,
    or_,
    type_coerce,
)
from sqlalchemy.dialects.postgresql import ARRAY, TSQUERY

from app.search.contract import Filters, Phrase, Query, Term
from app.search.models import IndexedSection
from app.search.text import compact, has_chinese, has_lookalikes, is_chinese, tokens
from app.search.vectors import START, quoted

_WEIGHTS = [0.1, 0.1, 0.3, 1.0]
"""Of body (D), nothing (C), tags (B) and heading (A), as ts_rank_cd takes them."""
_BY_LENGTH = 1
_HALF = 0.1
"""The rank that makes half the score."""


def matches(query: Query, *, rescue: bool = False) -> list[ColumnElement[bool]]:
    """Rows that have every term and nothing excluded.

    With ``rescue`` a term also matches where its characters stand at the beginning of a word: words
    that are cut differently in a text are found so.
    """
    plain = [term for term in query.terms if not (rescue or _half_typed_chinese(term))]
    conditions = [has(" & ".join(map(_term, plain)))] if plain else []
    others = [term for term in query.terms if term not in plain]
    conditions += [or_(has(_term(term)), *_beginnings(term.phrases)) for term in others]
    return [*conditions, *excluding(query)]


def excluding(query: Query) -> list[ColumnElement[bool]]:
    """Rows that have nothing excluded."""
    unwanted = " | ".join(f"({_phrase(phrase)})" for phrase in query.excluded)
    return [~has(unwanted)] if unwanted else []


def filtered(filters: Filters) -> list[ColumnElement[bool]]:
    """Rows that the list filters leave."""
    row = IndexedSection
    conditions: list[ColumnElement[bool]] = []
    if filters.tag:
        conditions.append(row.tags.contains(filters.tag))
    if filters.tag_any:
        conditions.append(row.tags.overlap(filters.tag_any))
    if filters.tag_not:
        conditions.append(~row.tags.overlap(filters.tag_not))
    if filters.source:
        conditions.append(row.sources.contains(filters.source))
    if filters.first:
        conditions.append(row.date >= filters.first)
    if filters.last:
        conditions.append(row.date <= filters.last)
    if filters.published_until:
        conditions.append(row.published_at <= filters.published_until)
    return conditions


def relevance(query: Query, words: SQLColumnExpression[Any]) -> ColumnElement[float]:
    """How well the ``words`` of a row that matches do so, from 0 to 0.9.

    How often and how near together they stand counts, heading and tags more than the text, and what
    was typed more than what else may be found for it.
    """
    if not query.terms:
        return literal(0.0)

    typed = " & ".join(f"({_phrase(term.phrases[0], prefix=term.prefix)})" for term in query.terms)
    near = _half(func.ts_rank_cd(_weights(), words, cast(typed, TSQUERY), _BY_LENGTH, type_=Float))
    if all(len(term.phrases) == 1 for term in query.terms):
        return 0.9 * near
    # Distances are reckoned among the typed words only: among all, that takes most of the time.
    every = cast(" & ".join(map(_term, query.terms)), TSQUERY)
    return 0.4 * near + 0.5 * _half(func.ts_rank(_weights(), words, every, _BY_LENGTH, type_=Float))


def _half(rank: ColumnElement[float]) -> ColumnElement[float]:
    """A rank, which has no upper end, as a number from 0 to 1; it is reckoned once."""
    return type_coerce(1 - _HALF / (rank + _HALF), Float)


def _weights() -> ColumnElement[Any]:
    return cast(_WEIGHTS, ARRAY(REAL))


def has(tsquery: str) -> ColumnElement[bool]:
    """Rows whose words satisfy a tsquery literal."""
    return IndexedSection.words.bool_op("@@")(cast(tsquery, TSQUERY))


def _half_typed_chinese(term: Term) -> bool:
    return term.prefix and has_chinese(term.phrases[0].text)


def _beginnings(phrases: Iterable[Phrase]) -> Iterator[ColumnElement[bool]]:
    """Rows where a Chinese phrase stands at the beginning of a word, whatever follows.

    Names with lookalikes are not looked for in this way: 高通 begins 高通量.
    """
    row = IndexedSection
    for text in (compact(phrase.text) for phrase in phrases):
        if has_chinese(text) and not has_lookalikes(text):
            start = quoted(text[:START]) + (":*" if len(text) < START else "")
            begins = row.starts.bool_op("@@")(cast(start, TSQUERY))
            yield and_(begins, row.text.contains(text, autoescape=True)) if len(text) > START else begins


def _term(term: Term, weight: str = "") -> str:
    """A term as a tsquery: any of its phrases, where ``weight`` says if it is given."""
    return (
        "(" + " | ".join(f"({_phrase(phrase, weight, prefix=term.prefix)})" for phrase in term.phrases) + ")"
    )


def _phrase(phrase: Phrase, weight: str = "", *, prefix: bool = False) -> str:
    """Words at their distances; the last one is only the beginning of a Latin word with ``prefix``."""
    found = tokens(phrase.text, inner=False)
    parts = []
    for place, token in enumerate(found):
        if place:
            parts.append(f"<{token.position - found[place - 1].position}>")
        open_end = "*" if prefix and place == len(found) - 1 and not is_chinese(token.word) else ""
        flags = weight + open_end
        parts.append(quoted(token.word) + (f":{flags}" if flags else ""))
    return " ".join(parts)
