"""Ranked matching by the rarest words, for questions whose words are not all in one section."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Float, Row, Text, cast, column, func, literal, select, true
from sqlalchemy.dialects.postgresql import ARRAY, TSQUERY
from sqlalchemy.ext.asyncio import AsyncSession

from app.search import bm25
from app.search.contract import WORTH_SHOWING, Answer, Facet, Found, Search, Sort
from app.search.models import IndexedSection
from app.search.text import words
from app.search.vectors import quoted
from app.search.vocabulary import frequencies

_BUDGET = 5_000
"""So many rows are looked at, whatever the size of the archive: those with the rarest words."""
_CANDIDATES = 200
"""So many of them, which have the most of these words, are read and ranked."""
_LARGEST = 20_000


async def relaxed(
    session: AsyncSession, search: Search, conditions: Sequence[ColumnElement[bool]], engine: str
) -> Answer:
    """The sections that answer best, under conditions such as filters."""
    query = search.query
    asked = {word for word, _ in words(query.typed)} | set(query.rare)
    known = await frequencies(session, asked)
    total = await session.scalar(
        select(func.count()).select_from(
            select(literal(1)).select_from(IndexedSection).limit(_LARGEST).subquery()
        )
    )
    rarity = {word: bm25.rarity(df, total or 0) for word, df in known.items()}
    rows = await _candidates(session, _rarest(known), rarity, conditions)
    scores = bm25.scores([row.text for row in rows], query.typed, rarity)
    ranked = sorted(
        zip(scores, rows, strict=True), key=lambda pair: (-pair[0], -pair[1].date.toordinal(), pair[1].number)
    )
    least = WORTH_SHOWING * ranked[0][0] if ranked else 0
    kept = [(score, row) for score, row in ranked if score >= least and score > 0]
    if search.by_bulletin:
        kept = list({row.slug: (score, row) for score, row in reversed(kept)}.values())[::-1]
    if search.sort is Sort.date:
        kept.sort(key=lambda pair: (-pair[1].date.toordinal(), pair[1].number))
    page = kept[search.offset : search.offset + search.limit]
    return Answer(
        engine=engine,
        hits=[Found(slug=row.slug, number=row.number, score=score) for score, row in page],
        total=len(kept),
        exact=True,
        relaxed=True,
        facets={facet: _counts(facet, [row for _, row in kept]) for facet in search.facets},
    )


def _rarest(known: Mapping[str, int]) -> list[str]:
    """The rarest words that together are in no more sections than may be looked at; at least one."""
    chosen: list[str] = []
    spent = 0
    for word, df in sorted(known.items(), key=lambda item: (item[1], item[0])):
        spent += df
        if chosen and spent > _BUDGET:
            break
        chosen.append(word)
    return chosen


async def _candidates(
    session: AsyncSession,
    chosen: Sequence[str],
    rarity: Mapping[str, float],
    conditions: Sequence[ColumnElement[bool]],
) -> Sequence[Row[*tuple[Any, ...]]]:
    """The rows that have the most, and the rarest, of the words."""
    row = IndexedSection
    wanted = (
        func.unnest(
            cast([quoted(word) for word in chosen], ARRAY(Text)),
            cast([rarity[word] for word in chosen], ARRAY(Float)),
        )
        .table_valued(column("lexeme", Text), column("weight", Float))
        .render_derived()
    )
    having = (
        select(row.id)
        .where(row.words.bool_op("@@")(cast(wanted.c.lexeme, TSQUERY)), *conditions)
        .limit(_BUDGET)
        .lateral()
    )
    best = (
        select(having.c.id, func.sum(wanted.c.weight).label("weight"))
        .select_from(wanted.join(having, true()))
        .group_by(having.c.id)
        .order_by(func.sum(wanted.c.weight).desc(), having.c.id.desc())
        .limit(_CANDIDATES)
        .cte()
    )
    columns = (row.slug, row.number, row.date, row.tags, row.kinds, row.sources, row.text)
    return (await session.execute(select(*columns).join(best, best.c.id == row.id))).all()


def _counts(facet: Facet, rows: Sequence[Row[*tuple[Any, ...]]]) -> dict[str, int]:
    match facet:
        case Facet.month:
            return Counter(f"{row.date:%Y-%m}" for row in rows)
        case Facet.tag:
            return Counter(tag for row in rows for tag in row.tags)
        case Facet.kind:
            return Counter(kind for row in rows for kind in row.kinds)
        case Facet.source:
            return Counter(source for row in rows for source in row.sources)
