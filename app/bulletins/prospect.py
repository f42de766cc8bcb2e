"""A document as it would be public: its place among what is published now."""

from uuid import UUID, uuid5

from sqlalchemy import Date, func, literal, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.bulletins import successors
from app.bulletins.document import BulletinDocument
from app.bulletins.history import first_published
from app.bulletins.live import fingerprint_of
from app.bulletins.models import Bulletin, Reference, Tag
from app.bulletins.published import Standing, neighbours
from app.bulletins.taxonomy import TagKind

_NEW = UUID("2f1c7a54-9d0e-5b6f-8a3d-64c1e0b7f912")


async def standing(session: AsyncSession, document: BulletinDocument, version: int) -> Standing:
    """How a dated document would stand if it were made public now, as this version.

    A reference that nobody has cited yet has an id that it will not keep, a tag that does not exist its
    slug for a name.
    """
    now = (await session.scalars(select(func.now()))).one()
    slug = document.slug
    since = await session.scalar(select(Bulletin.published_at).where(Bulletin.slug == slug))
    before, after = neighbours(literal(document.date, Date))
    found = await session.execute(select(before.scalar_subquery(), after.scalar_subquery()))
    previous, following = found.one()
    return Standing(
        version=version,
        published_at=since or (await first_published(session, [slug])).get(slug, now),
        updated_at=now,
        previous=previous,
        next=following,
        tags=await _tags(session, document),
        references=await _references(session, document),
    )


async def _tags(session: AsyncSession, document: BulletinDocument) -> dict[str, Tag]:
    slugs = document.tag_slugs
    unknown = {slug: Tag(slug=slug, kind=TagKind.topic, name=slug, name_en=slug) for slug in slugs}
    rows = await session.scalars(select(Tag).where(Tag.slug.in_(slugs)))
    return unknown | {row.slug: row for row in rows}


async def _references(session: AsyncSession, document: BulletinDocument) -> list[UUID]:
    prints = [fingerprint_of(citation.reference) for citation in document.citations]
    rows = await session.execute(
        select(Reference.fingerprint, Reference.id).where(Reference.fingerprint.in_(prints))
    )
    known = dict(rows.all())
    merged = await successors.of_references(session, known.values())
    ids = [known.get(each) or uuid5(_NEW, each) for each in prints]
    return [merged.get(each, each) for each in ids]
