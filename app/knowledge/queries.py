"""Topics: when they were written of, beside what, and which are new. All counts are ranges of indexes."""

from collections.abc import Callable, Sequence
from datetime import date
from math import sqrt
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import ColumnElement, Date, DateTime, cast, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute, aliased

from app.bulletins import shapes
from app.bulletins.models import Bulletin, BulletinTag, Section, SectionTag, Tag
from app.bulletins.schemas import TagName
from app.kit import pagination
from app.kit.days import shifted
from app.knowledge import schemas
from app.knowledge.days import backwards, end, window
from app.knowledge.parameters import RelatedQuery, TimelineQuery, TrendingQuery

_Start = TypeAdapter(tuple[date])


async def tags(session: AsyncSession, ids: Sequence[UUID]) -> dict[UUID, TagName]:
    rows = await session.scalars(select(Tag).where(Tag.id.in_(ids)))
    return {row.id: shapes.tag_name(row) for row in rows}


async def timeline(session: AsyncSession, tag: Tag, query: TimelineQuery) -> schemas.Timeline:
    """A page of the tag's timeline, the latest interval first."""
    first, last = await _seen(session, tag.id)
    owner = pagination.scope(query, f"timeline of {tag.slug}")
    starts: list[date] = []
    cursor = None
    if first and last:
        oldest, newest = max(first, query.from_ or first), min(last, query.to or last)
        if query.cursor:
            (newest,) = pagination.decode(query.cursor, owner, _Start)
        for start in backwards(newest, oldest, query.interval):
            if len(starts) == query.limit:
                cursor = pagination.encode([start], owner)
                break
            starts.append(start)
    return schemas.Timeline(
        tag=shapes.tag_name(tag),
        interval=query.interval,
        first_seen=first,
        last_seen=last,
        items=await _points(session, tag.id, starts, query) if starts else [],
        next=cursor,
    )


async def _seen(session: AsyncSession, tag_id: UUID) -> tuple[date | None, date | None]:
    day = BulletinTag.date
    row = await session.execute(select(func.min(day), func.max(day)).where(BulletinTag.tag_id == tag_id))
    first, last = row.one()
    return first, last


async def _points(
    session: AsyncSession, tag_id: UUID, starts: Sequence[date], query: TimelineQuery
) -> list[schemas.TimelinePoint]:
    lowest = max(starts[-1], query.from_ or starts[-1])
    highest = min(end(starts[0], query.interval), query.to or date.max)

    async def counts(table: type[BulletinTag | SectionTag]) -> dict[date, int]:
        within = table.tag_id == tag_id, table.date.between(lowest, highest)
        return await by_interval(session, table.date, query.interval, *within)

    bulletins, sections = await counts(BulletinTag), await counts(SectionTag)
    return [
        schemas.TimelinePoint(
            start=start,
            end=end(start, query.interval),
            bulletins=bulletins.get(start, 0),
            sections=sections.get(start, 0),
        )
        for start in starts
    ]


async def by_interval(
    session: AsyncSession,
    day: InstrumentedAttribute[date],
    interval: schemas.Interval,
    *within: ColumnElement[bool],
) -> dict[date, int]:
    """How many rows there are in each interval that has any, by its first day."""
    # As a time without a zone: a date is not a moment, and no server's zone must move it.
    start = cast(func.date_trunc(interval, cast(day, DateTime())), Date)
    rows = await session.execute(select(start, func.count()).where(*within).group_by(start))
    return dict(rows.all())


async def related(session: AsyncSession, tag: Tag, query: RelatedQuery) -> schemas.RelatedTags:
    """The tags that stand in the same sections."""
    _, last = await _seen(session, tag.id)
    first_day, last_day = window(query.from_, query.to, last) if last else (None, None)
    together: dict[UUID, int] = {}
    everywhere: dict[UUID, int] = {}
    sections = 0
    if first_day and last_day:
        own, other = aliased(SectionTag), aliased(SectionTag)
        together = await counted(
            session,
            other.tag_id,
            own.tag_id == tag.id,
            own.date.between(first_day, last_day),
            own.section_id == other.section_id,
        )
        everywhere = await tag_counts(session, first_day, last_day)
        sections = await section_count(session, first_day, last_day)
    own_count = together.pop(tag.id, 0)
    items = await related_tags(session, together, own_count, everywhere, sections)
    items.sort(key=_ORDERS[query.order])
    return schemas.RelatedTags(
        tag=shapes.tag_name(tag),
        first_day=first_day,
        last_day=last_day,
        sections=own_count,
        all_sections=sections,
        total=len(items),
        items=items[: query.limit],
    )


_ORDERS: dict[str, Callable[[schemas.RelatedTag], tuple[float, float, str]]] = {
    "-sections": lambda item: (-item.sections, -item.lift, item.tag.slug),
    "-lift": lambda item: (-item.lift, -item.sections, item.tag.slug),
}


async def related_tags(
    session: AsyncSession, together: dict[UUID, int], own: int, everywhere: dict[UUID, int], sections: int
) -> list[schemas.RelatedTag]:
    """Tags with the number of sections they share with ``own`` sections, and how telling that is.

    :param everywhere: how many of all ``sections`` have each tag.
    """
    names = await tags(session, list(together))
    return [
        schemas.RelatedTag(
            tag=names[tag_id], sections=count, lift=lift(count, own, everywhere[tag_id], sections)
        )
        for tag_id, count in together.items()
    ]


def lift(both: int, one: int, other: int, of: int) -> float:
    """How many times more often two things come together than if they knew nothing of each other."""
    return round(both * of / (one * other), 4)


async def trending(session: AsyncSession, query: TrendingQuery) -> schemas.TrendingTags:
    """Tags that are more frequent in the window than in the baseline before it."""
    last_day = query.to or await session.scalar(select(func.max(Bulletin.date)))
    if last_day is None:
        return schemas.TrendingTags(first_day=None, last_day=None, baseline_first_day=None, total=0, items=[])
    first_day = shifted(last_day, 1 - query.window)
    base_last, base_first = shifted(first_day, -1), shifted(first_day, -query.baseline)
    now = await tag_counts(session, first_day, last_day)
    before = await tag_counts(session, base_first, base_last)
    volume = await section_count(session, first_day, last_day)
    base_volume = await section_count(session, base_first, base_last)
    names = await tags(session, list(now))
    items = []
    for tag_id, count in now.items():
        expected = before.get(tag_id, 0) * volume / base_volume if base_volume else 0.0
        if count > expected and query.kind in {None, names[tag_id].kind}:
            score = round((count - expected) / sqrt(expected + 1), 4)
            items.append(
                schemas.TrendingTag(
                    tag=names[tag_id], sections=count, expected=round(expected, 4), score=score
                )
            )
    items.sort(key=lambda item: (-item.score, -item.sections, item.tag.slug))
    return schemas.TrendingTags(
        first_day=first_day,
        last_day=last_day,
        baseline_first_day=base_first,
        total=len(items),
        items=items[: query.limit],
    )


async def tag_counts(session: AsyncSession, first: date, last: date) -> dict[UUID, int]:
    """How many sections of these days have each tag."""
    return await counted(session, SectionTag.tag_id, SectionTag.date.between(first, last))


async def section_count(session: AsyncSession, first: date, last: date) -> int:
    """How many sections these days have."""
    query = select(func.count()).select_from(Section).where(Section.date.between(first, last))
    return await session.scalar(query) or 0


async def counted(
    session: AsyncSession, key: InstrumentedAttribute[UUID], *conditions: ColumnElement[bool]
) -> dict[UUID, int]:
    """How many rows meet the conditions, for each value of ``key``."""
    rows = await session.execute(select(key, func.count()).where(*conditions).group_by(key))
    return dict(rows.all())
