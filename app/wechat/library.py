"""What is public, as WeChat's publisher and its readers need it."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from app.bulletins import queries, shapes
from app.bulletins.document import BulletinDocument


@dataclass(frozen=True, slots=True)
class Live:
    """A public bulletin, and the names of its tags by slug."""

    document: BulletinDocument
    version: int
    tags: Mapping[str, str]


async def live(session: AsyncSession, slug: str) -> Live | None:
    """The public bulletin as a document; None if there is none."""
    placed = await queries.bulletin(session, slug)
    if placed is None:
        return None
    shown = shapes.bulletin(placed).model_dump(mode="json", include=set(BulletinDocument.model_fields))
    for section in shown["sections"]:
        for name in ("anchor", "citations"):
            del section[name]
        section["tags"] = [{"slug": tag["slug"]} for tag in section["tags"]]
    for citation in shown["citations"]:
        del citation["reference"]["id"]
    tags = {tag.slug: tag.name for tag in placed.row.tags}
    return Live(BulletinDocument.model_validate(shown), placed.row.version, tags)
