"""Which stored pictures are public: those of the versions that can be read."""

from collections.abc import Iterator, Sequence

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.bulletins.document import BulletinDocument, Image
from app.bulletins.events import BulletinPublished, BulletinWithdrawn
from app.bulletins.models import PublishedImage

_PREFIX = "sha256:"


def stored(document: BulletinDocument) -> Iterator[tuple[int, str]]:
    """The stored pictures of a document: the number of the section and the picture's SHA-256."""
    for section in document.sections:
        for block in section.body:
            if isinstance(block, Image) and block.src.startswith(_PREFIX):
                yield section.number, block.src.removeprefix(_PREFIX)


async def show(session: AsyncSession, events: Sequence[BulletinPublished]) -> None:
    """Make the pictures of the events' documents public (a handler)."""
    rows = [
        {"sha256": sha256, "slug": event.subject}
        for event in events
        for sha256 in {sha256 for _, sha256 in stored(event.document)}
    ]
    if rows:
        await session.execute(insert(PublishedImage).on_conflict_do_nothing(), rows)


async def hide(session: AsyncSession, events: Sequence[BulletinWithdrawn]) -> None:
    """The pictures of the events' bulletins are public no more, unless others show them (a handler)."""
    slugs = [event.slug for event in events]
    await session.execute(delete(PublishedImage).where(PublishedImage.slug.in_(slugs)))


async def is_public(session: AsyncSession, sha256: str) -> bool:
    """Whether a version that can be read shows the picture."""
    shown = select(PublishedImage.slug).where(PublishedImage.sha256 == sha256).limit(1)
    return await session.scalar(shown) is not None
