"""Reading the versions that were made public, and what was public at a moment that has passed."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationInfo, field_validator
from sqlalchemy import ColumnElement, Select, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from app.bulletins import keys, schemas, shapes, successors
from app.bulletins.document import BulletinDocument
from app.bulletins.filters import Order, TagFilters, between, source_rows, tag_rows, words
from app.bulletins.models import PublishedVersion, Tag
from app.bulletins.published import Standing
from app.bulletins.queries import List
from app.bulletins.successors import Merged
from app.bulletins.taxonomy import replaced
from app.kit import pagination
from app.kit.caching import PUBLIC, CachePolicy
from app.kit.pagination import PageQuery
from app.kit.parameters import Digits, PastMoment, Query, is_slug
from app.kit.problems import Problem

MAX_VERSION = 1_000_000

LASTING = CachePolicy(max_age=86_400)
"""What was can change no more, but it can be withdrawn: caches that nobody tells drop it after a day."""

_UNDER_WAY = timedelta(minutes=10)

VersionKey = TypeAdapter(tuple[Annotated[int, Field(ge=1, le=MAX_VERSION)]])
DateKey = TypeAdapter(tuple[date])


class VersionQuery(Query):
    version: Annotated[
        int | None, Field(ge=1, le=MAX_VERSION, description="This version of it", examples=[1]), Digits
    ] = None
    as_of: Annotated[PastMoment | None, Field(description="The version that was public then")] = None

    @field_validator("as_of")
    @classmethod
    def _one_way(cls, as_of: datetime | None, info: ValidationInfo) -> datetime | None:
        if as_of is not None and info.data.get("version") is not None:
            raise ValueError("it cannot be combined with version")
        return as_of


@dataclass(frozen=True, slots=True)
class Past:
    """A version as it was at a moment, with the slugs of its neighbours in time."""

    row: PublishedVersion
    moment: datetime
    previous: str | None
    next: str | None
    merged: Merged

    @property
    def keys(self) -> list[str]:
        """The surrogate keys of what shows it: a withdrawal changes it, and its neighbours."""
        beside = [slug for slug in (self.previous, self.next) if slug]
        return [keys.bulletin(slug) for slug in (self.row.slug, *beside)]

    def body(self) -> bytes:
        """The whole bulletin as it was, as JSON."""
        return shown(self.row, self.merged, self.previous, self.next).model_dump_json().encode()


def shown(
    row: PublishedVersion, merged: Merged, previous: str | None = None, next_: str | None = None
) -> schemas.Bulletin:
    """A version that can still be read, with what stood for what was merged, and its neighbours' slugs."""
    standing = Standing(
        version=row.version,
        published_at=row.published_at,
        updated_at=row.at,
        previous=previous,
        next=next_,
        tags={**merged.tags, **{tag["slug"]: Tag(**tag) for tag in row.tags}},
        references=[merged.references.get(each, each) for each in row.references],
    )
    return shapes.bulletin(replaced(document(row), merged.slugs), standing)


def document(row: PublishedVersion) -> BulletinDocument:
    """The content of a version that can still be read."""
    return BulletinDocument.model_validate(row.document)


async def absence(session: AsyncSession, slug: str, detail: str | None = None) -> Problem:
    """Why something of a bulletin cannot be read: it was withdrawn, or there is nothing (``detail``)."""
    latest = await _latest(session, slug)
    if latest and latest.kind == "withdrawn":
        return _withdrawn(latest)
    return Problem("not-found", detail or f"No bulletin {slug} is published.")


async def _latest(session: AsyncSession, slug: str) -> PublishedVersion | None:
    if not is_slug(slug):
        return None
    return await session.scalar(_of(slug).order_by(PublishedVersion.version.desc()).limit(1))


async def version(session: AsyncSession, slug: str, number: int) -> PublishedVersion:
    """A version whose content can be read.

    :raises Problem: there is none, or it was withdrawn.
    """
    row = await session.scalar(_of(slug).where(PublishedVersion.version == number)) if is_slug(slug) else None
    return await _readable(session, row, slug, f"Bulletin {slug} has no version {number}.")


async def past(session: AsyncSession, slug: str, when: int | datetime) -> Past:
    """A version by its number, as it was when it became public, or the one that stood at a moment.

    :raises Problem: there is none, or it was withdrawn.
    """
    if isinstance(when, int):
        row = await version(session, slug, when)
        moment = row.at
    else:
        moment = when
        found = await session.scalar(_of(slug).where(*standing(moment))) if is_slug(slug) else None
        detail = f"Bulletin {slug} was not public at {moment.isoformat()}."
        row = await _readable(session, found, slug, detail)
    before, after = _neighbours(row.date, moment)
    merged = await successors.merged(session, moment, [row])
    return Past(row, moment, await session.scalar(before), await session.scalar(after), merged)


def policy(moment: datetime) -> CachePolicy:
    """How long what was public at a moment may be reused: a publication may still be under way then."""
    return LASTING if datetime.now(UTC) - moment > _UNDER_WAY else PUBLIC


async def _readable(
    session: AsyncSession, row: PublishedVersion | None, slug: str, detail: str
) -> PublishedVersion:
    if row is None:
        raise await absence(session, slug, detail)
    if row.document is None:
        later = PublishedVersion.version >= row.version, PublishedVersion.kind == "withdrawn"
        withdrawal = _of(slug).where(*later).order_by(PublishedVersion.version).limit(1)
        raise _withdrawn((await session.scalars(withdrawal)).one())
    return row


def _withdrawn(row: PublishedVersion) -> Problem:
    """What readers are told of a withdrawal."""
    return Problem(
        "withdrawn",
        f"Bulletin {row.slug} has been withdrawn.",
        members={"note": row.note, "withdrawn_at": row.at},
    )


async def revisions(
    session: AsyncSession, slug: str, query: PageQuery
) -> tuple[list[PublishedVersion], str | None]:
    """A page of a public bulletin's versions, the newest first.

    :raises Problem: the bulletin is not public.
    """
    latest = await _latest(session, slug)
    if latest is None or latest.kind == "withdrawn":
        raise await absence(session, slug)
    owner = pagination.scope(query, f"revisions/{slug}")
    rows = _of(slug).order_by(PublishedVersion.version.desc()).limit(query.limit + 1)
    if query.cursor:
        (last,) = pagination.decode(query.cursor, owner, VersionKey)
        rows = rows.where(PublishedVersion.version < last)
    found = (await session.scalars(rows)).all()
    page, cursor = pagination.cut(found, query.limit, lambda row: (row.version,), owner)
    return list(page), cursor


async def bulletins(
    session: AsyncSession, filters: TagFilters, order: Order, moment: datetime
) -> tuple[List, CachePolicy]:
    """A page of the whole bulletins that were public at a moment; none that was withdrawn since."""
    await tag_rows(session, filters)
    merged = await successors.of_tags(session, moment)
    sources = await source_rows(session, filters.source)
    day = PublishedVersion.date
    before, after = _neighbours(day, moment)

    def tagged(slug: str) -> ColumnElement[bool]:
        return successors.carries(merged, slug)

    query = select(PublishedVersion, before.scalar_subquery(), after.scalar_subquery()).where(
        *standing(moment),
        PublishedVersion.document.is_not(None),
        *map(tagged, filters.tag),
        *([or_(*map(tagged, filters.tag_any))] if filters.tag_any else []),
        *(~tagged(slug) for slug in filters.tag_not),
        *(PublishedVersion.sources.contains([source.id]) for source in sources),
        *between(day, filters.from_, filters.to),
        *words(PublishedVersion.text, filters.q),
    )
    owner = pagination.scope(filters, "bulletins")
    if filters.cursor:
        (last,) = pagination.decode(filters.cursor, owner, DateKey)
        query = query.where(day < last if order == "-date" else day > last)
    query = query.order_by(day.desc() if order == "-date" else day).limit(filters.limit + 1)
    rows = (await session.execute(query)).all()
    page, cursor = pagination.cut(rows, filters.limit, lambda found: (found[0].date,), owner)
    known = await successors.merged(session, moment, (row for row, *_ in page))
    bodies = [Past(row, moment, previous, following, known).body() for row, previous, following in page]
    return List(bodies, cursor, [keys.CONTENT]), policy(moment)


def _of(slug: str) -> Select[PublishedVersion]:
    return select(PublishedVersion).where(PublishedVersion.slug == slug)


def standing(moment: datetime, row: Any = PublishedVersion) -> tuple[ColumnElement[bool], ...]:
    """The version stood at the moment."""
    return row.at <= moment, or_(row.until.is_(None), row.until > moment)


def _neighbours(day: Any, moment: datetime) -> tuple[Select[str], Select[str]]:
    other = aliased(PublishedVersion)
    public = select(other.slug).where(*standing(moment, other), other.document.is_not(None)).limit(1)
    before = public.where(other.date < day).order_by(other.date.desc())
    return before, public.where(other.date > day).order_by(other.date)


def revision(row: PublishedVersion) -> schemas.Revision:
    """A version as the list of versions shows it."""
    return schemas.Revision.model_validate(
        {
            "version": row.version,
            "kind": row.kind,
            "at": row.at,
            "note": row.note,
            "content_hash": row.content_hash,
            "withdrawn": row.document is None,
        }
    )
