"""The live bulletins as renderers take them."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.bulletins import queries, schemas, shapes
from app.bulletins.document import BulletinDocument
from app.bulletins.filters import TagFilters
from app.bulletins.shapes import PARTS
from app.rendering.edition import Edition, TagName


async def find(session: AsyncSession, slug: str) -> Edition | None:
    """The published bulletin of that slug, the newest one for ``latest``; or None."""
    name = await queries.latest_slug(session) if slug == "latest" else slug
    placed = await queries.bulletin(session, name) if name else None
    return of(shapes.bulletin(placed)) if placed else None


async def page(session: AsyncSession, filters: TagFilters) -> tuple[list[Edition], str | None]:
    """A page of the published bulletins that pass the filters, newest first, and the next one's cursor."""
    placed, cursor = await queries.bulletins(session, filters, "-date", PARTS)
    return [of(shapes.bulletin(each)) for each in placed], cursor


def of(bulletin: schemas.Bulletin) -> Edition:
    """The public object as an edition."""
    content: dict[str, Any] = bulletin.model_dump(
        include=set(BulletinDocument.model_fields) & set(schemas.Bulletin.model_fields)
    )
    for section in content["sections"]:
        del section["anchor"], section["citations"]
        section["tags"] = [{"slug": tag["slug"]} for tag in section["tags"]]
    for citation in content["citations"]:
        del citation["reference"]["id"]
    return Edition(
        document=BulletinDocument.model_validate(content),
        version=bulletin.version,
        content_hash=bulletin.content_hash,
        published_at=bulletin.published_at,
        updated_at=bulletin.updated_at,
        tags={tag.slug: TagName(**dict(tag)) for tag in bulletin.tags},
    )
