"""Reading bulletins and sections from the live tables."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any, Literal, NamedTuple
from uuid import UUID

from pydantic import Field, TypeAdapter
from sqlalchemy import ColumnElement, and_, exists, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute, aliased

from app.bulletins import finished, keys
from app.bulletins.filters import Order, TagFilters, between, listed_by, source_rows, tag_rows, words
from app.bulletins.finished import FORM
from app.bulletins.models import (
    Bulletin,
    BulletinSource,
    BulletinTag,
    Citation,
    Finished,
    Reference,
    Section,
    SectionTag,
)
from app.kit import pagination
from app.kit.db import Database

BulletinKey = TypeAdapter(tuple[date])
SectionKey = TypeAdapter(tuple[date, Annotated[int, Field(ge=1, le=32_000)]])


class List(NamedTuple):
    """A page: the finished answers of its items, the cursor of the next one, its surrogate keys."""

    items: list[bytes]
    next: str | None
    keys: list[str]


class Listed(NamedTuple):
    """A row of a list; ``body`` is its finished answer, None where that has still to be made."""

    slug: str
    number: int
    body: bytes | None
    date: date


def _finished(kind: str, number: InstrumentedAttribute[int] | int) -> ColumnElement[bool]:
    """Joins the finished answers of a kind to bulletins."""
    return and_(
        Finished.slug == Bulletin.slug,
        Finished.kind == kind,
        Finished.number == number,
        Finished.form == FORM,
    )


async def latest_slug(database: Database) -> str | None:
    row = await database.lookup("SELECT slug FROM bulletin ORDER BY date DESC LIMIT 1", ())
    return row[0] if row else None


async def bulletins(
    session: AsyncSession, filters: TagFilters, order: Order, kind: Literal["item", "bulletin"]
) -> List:
    """A page of bulletins by date, as items or whole."""
    tags = await tag_rows(session, filters)
    sources = await source_rows(session, filters.source)
    query = select(Bulletin.slug, literal(0), Finished.body, Bulletin.date)
    query = query.outerjoin(Finished, _finished(kind, 0))
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
    rows = [Listed(*row) for row in await session.execute(query)]
    page, cursor = pagination.cut(rows, filters.limit, lambda row: (row.date,), owner)
    bodies = await finished.bodies(session, kind, page)
    shown = [keys.bulletin(row.slug) for row in page]
    return List(bodies, cursor, [*shown, *listed_by(filters, tags, sources)])


async def whole(session: AsyncSession, slugs: Sequence[str]) -> list[bytes]:
    """The bulletins of these slugs that are published, whole, in that order."""
    query = select(Bulletin.slug, literal(0), Finished.body).where(Bulletin.slug.in_(slugs))
    rows = (await session.execute(query.outerjoin(Finished, _finished("bulletin", 0)))).all()
    found = await finished.bodies(session, "bulletin", [tuple(row) for row in rows])
    bodies = {row.slug: body for row, body in zip(rows, found, strict=True)}
    return [bodies[slug] for slug in slugs if slug in bodies]


async def sections(session: AsyncSession, filters: TagFilters, order: Order) -> List:
    """A page of sections by date, within a day by number."""
    tags = await tag_rows(session, filters)
    sources = await source_rows(session, filters.source)
    query = select(Bulletin.slug, Section.number, Finished.body, Section.date).join(Section.bulletin)
    query = query.outerjoin(Finished, _finished("section", Section.number))
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
    rows = [Listed(*row) for row in await session.execute(query)]
    page, cursor = pagination.cut(rows, filters.limit, lambda row: (row.date, row.number), owner)
    bodies = await finished.bodies(session, "section", page)
    return List(bodies, cursor, listed_by(filters, tags, sources))


def _after(day: Any, number: Any, key: tuple[date, int], order: Order) -> ColumnElement[bool]:
    last_day, last_number = key
    beyond = day < last_day if order == "-date" else day > last_day
    # The first condition is implied, but an index range can be made of it.
    inside = day <= last_day if order == "-date" else day >= last_day
    return and_(inside, or_(beyond, and_(day == last_day, number > last_number)))
