"""What tags and references that were merged are called since, now or at a moment that has passed."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.bulletins.document import BulletinDocument
from app.bulletins.models import MergedTag, PublishedVersion, Reference, Tag
from app.bulletins.taxonomy import replaced

Name = TypeVar("Name", str, UUID)


async def of_tags(session: AsyncSession, moment: datetime | None = None) -> dict[str, str]:
    """The slugs that tags gave up by the moment, each with the one that stood for it then."""
    query = select(MergedTag.slug, MergedTag.into)
    if moment is not None:
        query = query.where(MergedTag.at <= moment)
    return _ends(dict((await session.execute(query)).all()))


def synonyms(slugs: Mapping[str, str], slug: str) -> list[str]:
    """All slugs that mean the same tag as this one.

    :param slugs: of :func:`of_tags`.
    """
    now = slugs.get(slug, slug)
    return [now, *(former for former, into in slugs.items() if into == now)]


def carries(slugs: Mapping[str, str], slug: str) -> ColumnElement[bool]:
    """A published version has the tag, by any of its :func:`synonyms`."""
    names = synonyms(slugs, slug)
    return or_(*(PublishedVersion.tags.contains([{"slug": name}]) for name in names))


async def named(session: AsyncSession, slugs: Collection[str]) -> dict[str, Tag]:
    """The tags of these slugs, those that were merged since with their last names."""
    known = {row.slug: row for row in await session.scalars(select(Tag).where(Tag.slug.in_(slugs)))}
    merged = select(MergedTag).where(MergedTag.slug.in_(set(slugs) - known.keys()))
    return known | {
        row.slug: Tag(slug=row.slug, kind=row.kind, name=row.name, name_en=row.name_en)
        for row in await session.scalars(merged)
    }


async def of_references(
    session: AsyncSession, ids: Collection[UUID], moment: datetime | None = None
) -> dict[UUID, UUID]:
    """Those of the references that were merged by the moment, each with the one that stood for it then."""
    found: dict[UUID, UUID] = {}
    left = set(ids)
    while left:
        query = select(Reference).where(Reference.id.in_(left))
        if moment is not None:
            query = query.where(Reference.merged_at <= moment)
        into = {row.id: row.merged_into for row in await session.scalars(query) if row.merged_into}
        left = set(into.values()) - found.keys()
        found |= into
    return {old: new for old, new in _ends(found).items() if old in ids}


async def cites(session: AsyncSession, reference: UUID, moment: datetime) -> ColumnElement[bool]:
    """A published version cites the reference, or one that had been merged into it by the moment."""
    found, last = [reference], [reference]
    while last:
        into = Reference.merged_into.in_(last), Reference.merged_at <= moment
        last = list(await session.scalars(select(Reference.id).where(*into)))
        found += last
    among: ColumnElement[bool] = PublishedVersion.references.overlap(found)
    return among


async def current(session: AsyncSession, document: BulletinDocument) -> BulletinDocument:
    """The document with the tags that stand now for those that were merged since it was written."""
    return replaced(document, await of_tags(session))


def _ends(steps: Mapping[Name, Name]) -> dict[Name, Name]:
    """Each name with the last one that its steps lead to."""
    ends: dict[Name, Name] = {}
    for name, last in steps.items():
        while last in steps:
            last = steps[last]  # noqa: PLW2901 - it walks
        ends[name] = last
    return ends
