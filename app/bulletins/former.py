"""Lists as they were at a moment that has passed, without what was withdrawn since."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import ColumnElement, Select, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.bulletins import keys, shapes, successors
from app.bulletins.document import normalised, section_text
from app.bulletins.filters import Order, TagFilters, between, source_rows, tag_rows, words
from app.bulletins.models import PublishedVersion, Reference, Source
from app.bulletins.queries import List, SectionKey
from app.bulletins.versions import Past, beside, merged_by, policy, stood
from app.kit import pagination
from app.kit.caching import CachePolicy

LOOKED_AT = 200
"""Bulletins that one page of sections looks at: what a single section held then is in no index."""
_AT_ONCE = 20
_BEHIND_ALL = 32_000
"""A number that no section reaches."""

DateKey = TypeAdapter(tuple[date])
_DAY = PublishedVersion.date


@dataclass(frozen=True, slots=True)
class _Then:
    """Filters as they are meant at a moment; ``merged`` has the tags that had given way to others."""

    filters: TagFilters
    order: Order
    moment: datetime
    merged: Mapping[str, str]
    sources: Sequence[Source]

    @classmethod
    async def of(cls, session: AsyncSession, filters: TagFilters, order: Order, moment: datetime) -> "_Then":
        await tag_rows(session, filters)
        merged = await successors.of_tags(session, moment)
        return cls(filters, order, moment, merged, await source_rows(session, filters.source))

    def now(self, slugs: Sequence[str]) -> list[str]:
        return [self.merged.get(slug, slug) for slug in slugs]

    def tagged(self, slug: str) -> ColumnElement[bool]:
        return successors.carries(self.merged, slug)

    def bulletins(self) -> Select[PublishedVersion]:
        """The versions that stood then and pass what asks for something, in order."""
        filters = self.filters
        query = select(PublishedVersion).where(
            *stood(self.moment),
            PublishedVersion.document.is_not(None),
            *map(self.tagged, filters.tag),
            *([or_(*map(self.tagged, filters.tag_any))] if filters.tag_any else []),
            *(PublishedVersion.sources.contains([source.id]) for source in self.sources),
            *between(_DAY, filters.from_, filters.to),
            *words(PublishedVersion.text, filters.q),
        )
        return query.order_by(_DAY.desc() if self.order == "-date" else _DAY)


async def bulletins(
    session: AsyncSession, filters: TagFilters, order: Order, moment: datetime
) -> tuple[List, CachePolicy]:
    """A page of the whole bulletins that were public at a moment."""
    then = await _Then.of(session, filters, order, moment)
    query = then.bulletins().where(*(~then.tagged(slug) for slug in filters.tag_not))
    before, after = beside(_DAY, moment)
    owner = pagination.scope(filters, "bulletins")
    if filters.cursor:
        (last,) = pagination.decode(filters.cursor, owner, DateKey)
        query = query.where(last > _DAY if order == "-date" else last < _DAY)
    whole = query.add_columns(before.scalar_subquery(), after.scalar_subquery())
    rows: Sequence[Any] = (await session.execute(whole.limit(filters.limit + 1))).all()
    page, cursor = pagination.cut(rows, filters.limit, lambda found: (found[0].date,), owner)
    known = await merged_by(session, moment, (row for row, *_ in page))
    bodies = [Past(row, moment, previous, following, known).body() for row, previous, following in page]
    return List(bodies, cursor, [keys.CONTENT]), policy(moment)


class _Found(NamedTuple):
    date: date
    number: int
    body: bytes


async def sections(
    session: AsyncSession, filters: TagFilters, order: Order, moment: datetime
) -> tuple[List, CachePolicy]:
    """A page of the sections that were public at a moment, by date, within a day by number.

    It ends after so many bulletins, if need be with fewer items than asked for: ``next`` goes on behind them.
    """
    then = await _Then.of(session, filters, order, moment)
    query = then.bulletins()
    owner = pagination.scope(filters, "sections")
    last = pagination.decode(filters.cursor, owner, SectionKey) if filters.cursor else None
    if last:
        query = query.where(last[0] >= _DAY if order == "-date" else last[0] <= _DAY)
    found: list[_Found] = []
    for start in range(0, LOOKED_AT, _AT_ONCE):
        rows = (await session.scalars(query.offset(start).limit(_AT_ONCE))).all()
        passing = await _passing(session, then, rows)
        found += [one for one in passing if not last or one.date != last[0] or one.number > last[1]]
        if len(found) > filters.limit or len(rows) < _AT_ONCE:
            page, cursor = pagination.cut(found, filters.limit, lambda one: (one.date, one.number), owner)
            break
    else:
        page, cursor = found, pagination.encode((rows[-1].date, _BEHIND_ALL), owner)
    return List([one.body for one in page], cursor, [keys.CONTENT]), policy(moment)


async def _passing(session: AsyncSession, then: _Then, rows: Sequence[PublishedVersion]) -> list[_Found]:
    """The sections of these versions that pass the filters by themselves."""
    merged = await merged_by(session, then.moment, rows)
    pasts = [Past(row, then.moment, None, None, merged) for row in rows]
    sources: dict[UUID, UUID] = {}
    if then.sources:
        cited = {reference for row in rows for reference in row.references}
        known = select(Reference.id, Reference.source_id).where(Reference.id.in_(cited))
        sources = dict((await session.execute(known)).all())
    return [found for past in pasts for found in _of(past, then, sources)]


def _of(past: Past, then: _Then, sources: Mapping[UUID, UUID]) -> Iterator[_Found]:
    filters, content = then.filters, past.content()
    terms = normalised(filters.q or "").split()
    used = [sources.get(reference) for reference in past.row.references]
    for section, shown in zip(content.sections, shapes.sections(past.whole()), strict=True):
        tags = {tag.slug for tag in section.tags}
        cites = {
            source
            for citation, source in zip(content.citations, used, strict=True)
            if section.number in citation.sections
        }
        text = normalised(section_text(section)) if terms else ""
        if (
            tags.issuperset(then.now(filters.tag))
            and (not filters.tag_any or not tags.isdisjoint(then.now(filters.tag_any)))
            and tags.isdisjoint(then.now(filters.tag_not))
            and cites.issuperset(source.id for source in then.sources)
            and all(term in text for term in terms)
        ):
            yield _Found(past.row.date, section.number, shown.model_dump_json().encode())
