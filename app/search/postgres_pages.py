"""A page of the rows that satisfy all conditions, and how many there are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Integer, Select, cast, func, literal, select, union_all
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from app.search.contract import Facet, Found, Search
from app.search.models import IndexedSection
from app.search.postgres_query import relevance

RANKED = 500
"""So many of the newest rows are ranked; older ones follow them by date."""
COUNTED = 5_000
"""So many of the newest rows are counted; where there are more, counts are estimates."""

_ROW = IndexedSection
_NEWEST_FIRST = (_ROW.date.desc(), _ROW.number)
_RECENCY = 0.1
_YEAR = 365

Conditions = Sequence[ColumnElement[bool]]


@dataclass(frozen=True, slots=True)
class Count:
    """``total`` hits, and how many of them there are for each value of the facets."""

    total: int
    exact: bool
    facets: Mapping[Facet, Mapping[str, int]]


async def count(session: AsyncSession, search: Search, conditions: Conditions) -> Count:
    """Count the newest rows; bulletins instead of sections where these are grouped."""
    newest = select(_ROW.slug, _ROW.date, _ROW.tags, _ROW.kinds, _ROW.sources).where(*conditions)
    if search.facets:
        newest = newest.order_by(*_NEWEST_FIRST)
    row = newest.limit(COUNTED).cte()
    hits = func.count(row.c.slug.distinct()) if search.by_bulletin else func.count()
    values = {
        Facet.tag: func.unnest(row.c.tags),
        Facet.kind: func.unnest(row.c.kinds),
        Facet.source: func.unnest(row.c.sources),
        Facet.month: func.to_char(row.c.date, "YYYY-MM"),
    }
    parts: list[Select[*tuple[Any, ...]]] = [
        select(literal("rows"), literal(""), func.count()).select_from(row),
        select(literal("hits"), literal(""), hits).select_from(row),
    ]
    for facet in search.facets:
        each = select(row.c.slug, values[facet].label("value")).subquery()
        every = func.count(each.c.slug.distinct()) if search.by_bulletin else func.count()
        parts.append(select(literal(facet.value), each.c.value, every).group_by(each.c.value))
    found: dict[str, dict[str, int]] = {facet.value: {} for facet in search.facets}
    for name, value, number in await session.execute(union_all(*parts)):
        found.setdefault(name, {})[value] = number
    return Count(
        total=found["hits"][""],
        exact=found["rows"][""] < COUNTED,
        facets={facet: found[facet.value] for facet in search.facets},
    )


async def by_relevance(session: AsyncSession, search: Search, conditions: Conditions) -> list[Found]:
    """The newest rows by rank, then the older ones by date."""
    newest = select(_ROW).where(*conditions).order_by(*_NEWEST_FIRST).limit(RANKED).subquery()
    row = aliased(_ROW, newest)
    age = cast(func.max(row.date).over() - row.date, Integer)
    score = relevance(search.query, row.words) + _RECENCY * _YEAR / (_YEAR + age)
    ranked = select(row.slug, row.number, row.date, score.label("score"))
    if search.by_bulletin:
        ranked = ranked.ext(distinct_on(row.slug)).order_by(row.slug, score.desc(), row.number)
    best = ranked.subquery()
    page = select(best.c.slug, best.c.number, best.c.score).order_by(
        best.c.score.desc(), best.c.date.desc(), best.c.number
    )
    found = await _found(session, page.offset(search.offset).limit(search.limit))
    if len(found) < search.limit:
        found += await _older(session, search, conditions, len(found))
    return found


async def _older(session: AsyncSession, search: Search, conditions: Conditions, before: int) -> list[Found]:
    """What follows the ranked rows, if there is anything; ``before`` hits of the page are known."""
    newest = select(_ROW.slug, _ROW.date).where(*conditions).order_by(*_NEWEST_FIRST).limit(RANKED).subquery()
    ends = select(func.count(), func.count(newest.c.slug.distinct()), func.min(newest.c.date))
    rows, bulletins, last = (await session.execute(ends.select_from(newest))).one()
    if rows < RANKED:
        return []
    if search.by_bulletin:
        older = (
            select(_ROW.slug, func.min(_ROW.number), literal(0.0))
            .where(*conditions, _ROW.date < last)
            .group_by(_ROW.slug, _ROW.date)
            .order_by(_ROW.date.desc())
            .offset(max(search.offset - bulletins, 0))
        )
    else:
        older = (
            select(_ROW.slug, _ROW.number, literal(0.0))
            .where(*conditions)
            .order_by(*_NEWEST_FIRST)
            .offset(max(search.offset, RANKED))
        )
    return await _found(session, older.limit(search.limit - before))


async def by_date(session: AsyncSession, search: Search, conditions: Conditions) -> list[Found]:
    """The newest rows; of each bulletin the best one where they are grouped."""
    if search.by_bulletin:
        days = select(_ROW.date).where(*conditions).group_by(_ROW.date).order_by(_ROW.date.desc())
        days = days.offset(search.offset).limit(search.limit)
        some = select(_ROW).where(*conditions, _ROW.date.in_(days.scalar_subquery())).subquery()
    else:
        newest = select(_ROW).where(*conditions).order_by(*_NEWEST_FIRST)
        some = newest.offset(search.offset).limit(search.limit).subquery()
    row = aliased(_ROW, some)
    score = relevance(search.query, row.words)
    page = select(row.slug, row.number, score)
    if search.by_bulletin:
        page = page.ext(distinct_on(row.date)).order_by(row.date.desc(), score.desc(), row.number)
    else:
        page = page.order_by(row.date.desc(), row.number)
    return await _found(session, page)


async def _found(session: AsyncSession, page: Select[str, int, float]) -> list[Found]:
    return [Found(slug, number, score) for slug, number, score in await session.execute(page)]
