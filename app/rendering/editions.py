"""The live bulletins as renderers take them."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from app.bulletins import finished, keys, queries, schemas
from app.bulletins.document import BulletinDocument
from app.bulletins.filters import TagFilters
from app.kit.db import Database
from app.rendering.edition import Edition, TagName
from app.rendering.feeds import Entry


class Entries(NamedTuple):
    """A page of a feed, the cursor of the next one, the surrogate keys of the page."""

    items: list[Entry]
    next: str | None
    keys: list[str]


class Editions(NamedTuple):
    """A page of editions, the cursor of the next one, the surrogate keys of the page."""

    items: list[Edition]
    next: str | None
    keys: list[str]


class _Place(BaseModel):
    """Where a listed section stands."""

    number: int
    bulletin: schemas.BulletinName


async def find(database: Database, slug: str) -> Editions | None:
    """The published bulletin of that slug, the newest one for ``latest``; or None."""
    latest = slug == "latest"
    name = await queries.latest_slug(database) if latest else slug
    found = await finished.find(database, name, "bulletin") if name else None
    if name is None or found is None:
        return None
    return Editions([read(found.body)], None, [keys.bulletin(name), *([keys.CONTENT] if latest else [])])


async def bulletins(session: AsyncSession, filters: TagFilters) -> Entries:
    """A page of the published bulletins that pass the filters, newest first."""
    listed = await queries.bulletins(session, filters, "-date", "bulletin")
    return Entries([Entry(read(body)) for body in listed.items], listed.next, listed.keys)


async def sections(session: AsyncSession, filters: TagFilters) -> Entries:
    """A page of the published sections that pass the filters, newest first."""
    listed = await queries.sections(session, filters, "-date")
    places = [_Place.model_validate_json(body) for body in listed.items]
    slugs = list({place.bulletin.slug for place in places})
    found = {edition.document.slug: edition for edition in await named(session, slugs)}
    items = []
    for place in places:
        edition = found[place.bulletin.slug]
        (section,) = [each for each in edition.document.sections if each.number == place.number]
        items.append(Entry(edition, section))
    return Entries(items, listed.next, listed.keys)


async def named(session: AsyncSession, slugs: Sequence[str]) -> list[Edition]:
    """The bulletins of these slugs that are published, in that order."""
    return [read(body) for body in await queries.whole(session, slugs)]


def read(body: bytes) -> Edition:
    """The public object, as JSON, as an edition."""
    bulletin = schemas.Bulletin.model_validate_json(body)
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
