"""Reading the versions that were made public, and what was public at a moment that has passed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, TypeAdapter, ValidationInfo, field_validator
from sqlalchemy import ColumnElement, Select, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from app.bulletins import keys, schemas, shapes, successors
from app.bulletins.document import BulletinDocument
from app.bulletins.models import PublishedVersion, Tag
from app.bulletins.published import Standing
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
class Merged:
    """What had been merged by a moment: the slugs of tags, the tags they gave way to by slug, references."""

    slugs: Mapping[str, str]
    tags: Mapping[str, Tag]
    references: Mapping[UUID, UUID]


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

    def content(self) -> BulletinDocument:
        """Its words, with the tags that had taken the place of others."""
        return replaced(document(self.row), self.merged.slugs)

    def whole(self) -> schemas.Bulletin:
        """The bulletin as it was."""
        row = self.row
        standing = Standing(
            version=row.version,
            published_at=row.published_at,
            updated_at=row.at,
            previous=self.previous,
            next=self.next,
            tags={**self.merged.tags, **{tag["slug"]: Tag(**tag) for tag in row.tags}},
            references=[self.merged.references.get(each, each) for each in row.references],
        )
        return shapes.bulletin(self.content(), standing)

    def body(self) -> bytes:
        """The same as JSON."""
        return self.whole().model_dump_json().encode()


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
        found = await session.scalar(_of(slug).where(*stood(moment))) if is_slug(slug) else None
        detail = f"Bulletin {slug} was not public at {moment.isoformat()}."
        row = await _readable(session, found, slug, detail)
    before, after = beside(row.date, moment)
    merged = await merged_by(session, moment, [row])
    return Past(row, moment, await session.scalar(before), await session.scalar(after), merged)


async def merged_by(session: AsyncSession, moment: datetime, rows: Iterable[PublishedVersion]) -> Merged:
    """What had been merged by a moment of what these versions name."""
    slugs = await successors.of_tags(session, moment)
    cited = {each for row in rows for each in row.references}
    return Merged(
        slugs=slugs,
        tags=await successors.named(session, set(slugs.values())),
        references=await successors.of_references(session, cited, moment),
    )


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


def _of(slug: str) -> Select[PublishedVersion]:
    return select(PublishedVersion).where(PublishedVersion.slug == slug)


def stood(moment: datetime, row: Any = PublishedVersion) -> tuple[ColumnElement[bool], ...]:
    """The version stood at the moment."""
    return row.at <= moment, or_(row.until.is_(None), row.until > moment)


def beside(day: Any, moment: datetime) -> tuple[Select[str], Select[str]]:
    """The slugs of the bulletins before and after a day, at a moment."""
    other = aliased(PublishedVersion)
    public = select(other.slug).where(*stood(moment, other), other.document.is_not(None)).limit(1)
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
