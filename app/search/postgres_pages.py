"""A page of the rows that satisfy all conditions, and how many there are.

Both come from one statement, for going through the index of words is most of the work.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from sqlalchemy import CTE, ColumnElement, Float, Integer, Select, cast, func, literal, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession

from app.search.contract import Facet, Found, Search, Sort
from app.search.models import IndexedSection
from app.search.postgres_query import relevance

RANKED = 500
"""So many of the newest rows are ranked; older ones follow them by date."""
COUNTED = 2_000
"""So many of the newest rows are counted; where there are more, counts are estimates."""

_ROW = IndexedSection
_COLUMNS = (_ROW.slug, _ROW.number, _ROW.date, _ROW.tags, _ROW.kinds, _ROW.sources, _ROW.words)
_RECENCY = 0.1
_YEAR = 365

Conditions = Sequence[ColumnElement[bool]]


@dataclass(frozen=True, slots=True)
class Page:
    """Hits of a page. The ``rows`` that were looked at are ``total`` hits, and so many by facet."""

    hits: Sequence[Found]
    rows: int
    total: int
    facets: Mapping[Facet, Mapping[str, int]]

    @property
    def exact(self) -> bool:
        """Whether no more rows are there."""
        return self.rows < COUNTED


async def page(
    session: AsyncSession, search: Search, conditions: Conditions, since: date | None = None
) -> Page:
    """The page that is asked for: by date, or the newest rows by rank and then the older ones by date.

    If the rows since the day ``since`` are enough, only they are looked at.
    """
    found = await _look(session, search, [*conditions, _ROW.date >= since], COUNTED) if since else None
    if found is None or found.exact:
        found = await _look(session, search, conditions, COUNTED)
    if len(found.hits) < search.limit and not found.exact:
        beyond = await _look(session, replace(search, facets=frozenset()), conditions, None)
        found = replace(found, hits=beyond.hits)
    return found


async def _look(session: AsyncSession, search: Search, conditions: Conditions, most: int | None) -> Page:
    newest = select(*_COLUMNS).where(*conditions).order_by(*_newest_first(_ROW)).limit(most).cte()
    one = newest.c.slug.distinct() if search.by_bulletin else newest.c.slug
    counts = select(func.count(newest.c.slug), func.count(one)).subquery()
    listed = search.sort is Sort.date or not search.query.terms
    hits = (_by_date if listed else _by_relevance)(search, newest)
    facets = sorted(search.facets)
    statement = select(*counts.c, _as_json(hits), *(_counts(search, newest, facet) for facet in facets))
    rows, total, found, *counted = (await session.execute(statement)).one()
    return Page(
        hits=[Found(*hit) for hit in found or ()],
        rows=rows,
        total=total,
        facets={facet: values or {} for facet, values in zip(facets, counted, strict=True)},
    )


def _newest_first(row: Any) -> tuple[ColumnElement[Any], ...]:
    return row.date.desc(), row.number


def _as_json(hits: Select[Any]) -> ColumnElement[Any]:
    """Slug, number and score of each hit, in their order."""
    row = hits.subquery().c
    return select(func.json_agg(func.json_build_array(row.slug, row.number, row.score))).scalar_subquery()


def _by_relevance(search: Search, newest: CTE) -> Select[Any]:
    """The first rows by rank, the others by date; of each bulletin the best where they are grouped."""
    row = newest.c
    first = select(newest).order_by(*_newest_first(row)).limit(RANKED).subquery().c
    age = cast(func.max(first.date).over() - first.date, Integer)
    score = cast(relevance(search.query, first.words) + _RECENCY * _YEAR / (_YEAR + age), Float)
    others = select(row.slug, row.number, row.date, literal(0.0)).order_by(*_newest_first(row)).offset(RANKED)
    each = select(first.slug, first.number, first.date, score.label("score")).union_all(others).subquery()
    if search.by_bulletin:
        best = select(each).ext(distinct_on(each.c.slug))
        each = best.order_by(each.c.slug, each.c.score.desc(), each.c.number).subquery()
    return _part(search, select(each).order_by(each.c.score.desc(), *_newest_first(each.c)))


def _by_date(search: Search, newest: CTE) -> Select[Any]:
    """The rows as they are; of each bulletin the best one where they are grouped."""
    if search.by_bulletin:
        days = select(newest.c.date).distinct().order_by(newest.c.date.desc())
        days = days.offset(search.offset).limit(search.limit)
        some = select(newest).where(newest.c.date.in_(days)).subquery().c
    else:
        some = _part(search, select(newest).order_by(*_newest_first(newest.c))).subquery().c
    score = cast(relevance(search.query, some.words), Float).label("score")
    hits = select(some.slug, some.number, some.date, score)
    if search.by_bulletin:
        return hits.ext(distinct_on(some.date)).order_by(some.date.desc(), score.desc(), some.number)
    return hits.order_by(*_newest_first(some))


def _part(search: Search, hits: Select[Any]) -> Select[Any]:
    return hits.offset(search.offset).limit(search.limit)


def _counts(search: Search, newest: CTE, facet: Facet) -> ColumnElement[Any]:
    """How many hits have each value, as JSON."""
    each = select(newest.c.slug, _value(facet, newest.c).label("value")).subquery().c
    every = func.count(each.slug.distinct()) if search.by_bulletin else func.count()
    number = select(each.value, every.label("number")).group_by(each.value).subquery().c
    return select(func.json_object_agg(number.value, number.number)).scalar_subquery()


def _value(facet: Facet, row: Any) -> ColumnElement[str]:
    match facet:
        case Facet.tag:
            return func.unnest(row.tags)
        case Facet.kind:
            return func.unnest(row.kinds)
        case Facet.source:
            return func.unnest(row.sources)
        case Facet.month:
            return func.to_char(row.date, "YYYY-MM")
