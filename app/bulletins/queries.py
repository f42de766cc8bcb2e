"""Reading bulletins and sections from the live tables."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, TypeAdapter
from sqlalchemy import ColumnElement, Select, and_, exists, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute, aliased, joinedload, selectinload
from sqlalchemy.orm.interfaces import LoaderOption

from app.bulletins.filters import Order, TagFilters, between, source_rows, tag_rows, words
from app.bulletins.models import (
    Bulletin,
    BulletinSource,
    BulletinTag,
    Citation,
    Reference,
    Section,
    SectionTag,
)
from app.bulletins.shapes import PARTS, Part, Placed
from app.kit import pagination
from app.kit.parameters import is_slug

BulletinKey = TypeAdapter(tuple[date])
SectionKey = TypeAdapter(tuple[date, Annotated[int, Field(ge=1, le=32_000)]])

_PARTS: dict[Part, tuple[LoaderOption, ...]] = {
    "sections": (selectinload(Bulletin.sections).selectinload(Section.tags),),
    "citations": (selectinload(Bulletin.citations),),
    "contacts": (),
}


def _placed(parts: frozenset[Part]) -> Select[Bulletin, str | None, str | None]:
    """Bulletins with their neighbours and whatever ``parts`` need; a fixed number of queries."""
    other = aliased(Bulletin)
    before = select(other.slug).where(other.date < Bulletin.date).order_by(other.date.desc()).limit(1)
    after = select(other.slug).where(other.date > Bulletin.date).order_by(other.date).limit(1)
    options = (selectinload(Bulletin.tags), *(option for part in sorted(parts) for option in _PARTS[part]))
    return select(Bulletin, before.scalar_subquery(), after.scalar_subquery()).options(*options)


async def bulletin(session: AsyncSession, slug: str) -> Placed | None:
    """The whole published bulletin, or None."""
    if not is_slug(slug):
        return None
    row = (await session.execute(_placed(PARTS).where(Bulletin.slug == slug))).one_or_none()
    return Placed(*row) if row else None


async def latest_slug(session: AsyncSession) -> str | None:
    return await session.scalar(select(Bulletin.slug).order_by(Bulletin.date.desc()).limit(1))


async def bulletins(
    session: AsyncSession, filters: TagFilters, order: Order, parts: frozenset[Part]
) -> tuple[list[Placed], str | None]:
    """A page of bulletins by date, and the cursor of the next page."""
    tags = await tag_rows(session, filters)
    sources = await source_rows(session, filters.source)
    query = _placed(parts)
    day: InstrumentedAttribute[date] = Bulletin.date
    if filters.tag:
        # The first tag's index leads; the others are looked up for each of its rows.
        query = query.join(BulletinTag, BulletinTag.bulletin_id == Bulletin.id)
        query = query.where(BulletinTag.tag_id == tags[filters.tag[0]].id)
        day = BulletinTag.date
    elif sources:
        query = query.join(BulletinSource, BulletinSource.bulletin_id == Bulletin.id)
        query = query.where(BulletinSource.source_id == sources[0].id)
        day = BulletinSource.date

    def tagged(ids: Sequence[UUID]) -> ColumnElement[bool]:
        link = aliased(BulletinTag)
        return exists().where(link.bulletin_id == Bulletin.id, link.tag_id.in_(ids))

    for source in sources:
        link = aliased(BulletinSource)
        query = query.where(exists().where(link.bulletin_id == Bulletin.id, link.source_id == source.id))
    query = query.where(
        *(tagged([tags[slug].id]) for slug in filters.tag[1:]),
        *([tagged([tags[slug].id for slug in filters.tag_any])] if filters.tag_any else []),
        *([~tagged([tags[slug].id for slug in filters.tag_not])] if filters.tag_not else []),
        *between(day, filters.from_, filters.to),
        *words(Bulletin.text, filters.q),
    )
    owner = pagination.scope(filters, "bulletins")
    if filters.cursor:
        (last,) = pagination.decode(filters.cursor, owner, BulletinKey)
        query = query.where(day < last if order == "-date" else day > last)
    query = query.order_by(day.desc() if order == "-date" else day).limit(filters.limit + 1)
    rows = [Placed(*row) for row in await session.execute(query)]
    page, cursor = pagination.cut(rows, filters.limit, lambda placed: (placed.row.date,), owner)
    return list(page), cursor


async def section(session: AsyncSession, slug: str, number: int) -> Section | None:
    """One section of a published bulletin, with its tags and its bulletin, or None."""
    if not is_slug(slug):
        return None
    query = _sections().where(Bulletin.slug == slug, Section.number == number)
    return await session.scalar(query)


def _sections() -> Select[Section]:
    query = select(Section).join(Section.bulletin)
    return query.options(joinedload(Section.bulletin), selectinload(Section.tags))


async def sections(
    session: AsyncSession, filters: TagFilters, order: Order
) -> tuple[list[Section], str | None]:
    """A page of sections by date, within a day by number, and the cursor of the next page."""
    tags = await tag_rows(session, filters)
    sources = await source_rows(session, filters.source)
    query = _sections()
    day: InstrumentedAttribute[date] = Section.date
    number: InstrumentedAttribute[int] = Section.number
    if filters.tag:
        query = query.join(SectionTag, SectionTag.section_id == Section.id)
        query = query.where(SectionTag.tag_id == tags[filters.tag[0]].id)
        day, number = SectionTag.date, SectionTag.number

    def tagged(ids: Sequence[UUID]) -> ColumnElement[bool]:
        link = aliased(SectionTag)
        return exists().where(link.section_id == Section.id, link.tag_id.in_(ids))

    def uses(source_id: UUID) -> ColumnElement[bool]:
        return exists().where(
            Citation.bulletin_id == Section.bulletin_id,
            Citation.number == Section.citations.any_(),
            Citation.reference_id == Reference.id,
            Reference.source_id == source_id,
        )

    query = query.where(
        *(tagged([tags[slug].id]) for slug in filters.tag[1:]),
        *([tagged([tags[slug].id for slug in filters.tag_any])] if filters.tag_any else []),
        *([~tagged([tags[slug].id for slug in filters.tag_not])] if filters.tag_not else []),
        *(uses(source.id) for source in sources),
        *between(day, filters.from_, filters.to),
        *words(Section.text, filters.q),
    )
    owner = pagination.scope(filters, "sections")
    if filters.cursor:
        query = query.where(_after(day, number, pagination.decode(filters.cursor, owner, SectionKey), order))
    query = query.order_by(day.desc() if order == "-date" else day, number).limit(filters.limit + 1)
    rows = (await session.scalars(query)).all()
    page, cursor = pagination.cut(rows, filters.limit, lambda row: (row.date, row.number), owner)
    return list(page), cursor


def _after(day: Any, number: Any, key: tuple[date, int], order: Order) -> ColumnElement[bool]:
    last_day, last_number = key
    beyond = day < last_day if order == "-date" else day > last_day
    # The first condition is implied, but an index range can be made of it.
    inside = day <= last_day if order == "-date" else day >= last_day
    return and_(inside, or_(beyond, and_(day == last_day, number > last_number)))
