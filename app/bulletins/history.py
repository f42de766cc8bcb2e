"""Keeps every version that is made public; runs inside the publishing transaction."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Select, func, null, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from app.bulletins import shapes
from app.bulletins.events import BulletinPublished, BulletinWithdrawn
from app.bulletins.models import Bulletin, BulletinSource, PublishedVersion


async def keep(session: AsyncSession, events: Sequence[BulletinPublished]) -> None:
    """Keep each event's version, which is live already, beside the ones before it (a handler)."""
    slugs = [event.subject for event in events]
    await _close(session, slugs, events[0].at)
    live = {row.slug: row for row in await session.scalars(_live(slugs))}
    sources = await _sources(session, [row.id for row in live.values()])
    for event in events:
        row = live[event.subject]
        session.add(
            PublishedVersion(
                slug=row.slug,
                version=event.version,
                kind=event.kind.removeprefix("bulletin."),
                note=event.note,
                at=event.at,
                date=row.date,
                published_at=row.published_at,
                content_hash=row.content_hash,
                document=event.document.model_dump(mode="json", exclude={"unplaced"}),
                tags=[shapes.tag_name(tag).model_dump(mode="json") for tag in row.tags],
                references=[citation.reference_id for citation in row.citations],
                sources=sources[row.id],
                text=row.text,
            )
        )
    await session.flush()


async def forget(session: AsyncSession, events: Sequence[BulletinWithdrawn]) -> None:
    """Keep each withdrawal with its note, and nothing of what was withdrawn (a handler)."""
    slugs = [event.slug for event in events]
    await _close(session, slugs, events[0].at)
    first = await first_published(session, slugs)
    emptied = {"document": null(), "tags": [], "references": [], "sources": [], "text": ""}
    await session.execute(update(PublishedVersion).where(PublishedVersion.slug.in_(slugs)).values(emptied))
    for event in events:
        session.add(
            PublishedVersion(
                slug=event.slug,
                version=event.version,
                kind=event.kind.removeprefix("bulletin."),
                note=event.note,
                at=event.at,
                date=date.fromisoformat(event.slug),
                published_at=first[event.slug],
                tags=[],
                references=[],
                sources=[],
                text="",
            )
        )
    await session.flush()


async def first_published(session: AsyncSession, slugs: Collection[str]) -> dict[str, datetime]:
    """When each of the bulletins became public for the first time; those that never did lack."""
    first = select(PublishedVersion.slug, func.min(PublishedVersion.published_at))
    rows = await session.execute(
        first.where(PublishedVersion.slug.in_(slugs)).group_by(PublishedVersion.slug)
    )
    return dict(rows.all())


async def _close(session: AsyncSession, slugs: Sequence[str], at: datetime) -> None:
    standing = PublishedVersion.slug.in_(slugs), PublishedVersion.until.is_(None)
    await session.execute(update(PublishedVersion).where(*standing).values(until=at))


def _live(slugs: Sequence[str]) -> Select[Bulletin]:
    query = select(Bulletin).where(Bulletin.slug.in_(slugs))
    query = query.options(selectinload(Bulletin.tags), selectinload(Bulletin.citations))
    return query.execution_options(populate_existing=True)


async def _sources(session: AsyncSession, bulletins: Sequence[UUID]) -> dict[UUID, list[UUID]]:
    links = select(BulletinSource.bulletin_id, BulletinSource.source_id)
    links = links.where(BulletinSource.bulletin_id.in_(bulletins)).order_by(BulletinSource.source_id)
    found = defaultdict(list)
    for bulletin, source in await session.execute(links):
        found[bulletin].append(source)
    return found
