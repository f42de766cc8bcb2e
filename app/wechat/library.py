"""What is public, as WeChat's publisher needs it."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from app.bulletins.document import BulletinDocument
from app.bulletins.published import published


@dataclass(frozen=True, slots=True)
class Live:
    """A public bulletin, and the names of its tags by slug."""

    document: BulletinDocument
    version: int
    tags: Mapping[str, str]


async def live(session: AsyncSession, slug: str) -> Live | None:
    """The public bulletin as a document; None if there is none."""
    for document, standing in await published(session, [slug]):
        names = {tag: row.name for tag, row in standing.tags.items()}
        return Live(document, standing.version, names)
    return None
