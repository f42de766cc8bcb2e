"""Brings the tags of the database to the curated taxonomy."""

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.bulletins.models import Tag
from app.bulletins.taxonomy import Taxonomy
from app.kit.db import new_id


async def curate(session: AsyncSession, taxonomy: Taxonomy) -> None:
    """Create and update the taxonomy's tags; tags it does not name are left alone."""
    rows = [
        {
            "id": new_id(),
            "slug": tag.slug,
            "kind": tag.kind,
            "name": tag.name,
            "name_en": tag.name_en,
            "aliases": list(tag.aliases),
            "lookalikes": list(tag.lookalikes),
        }
        for tag in taxonomy.tags
    ]
    statement = insert(Tag).values(rows)
    renewed = ("kind", "name", "name_en", "aliases", "lookalikes")
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=[Tag.slug], set_={column: statement.excluded[column] for column in renewed}
        )
    )
    ids = dict((await session.execute(select(Tag.slug, Tag.id))).all())
    for tag in taxonomy.tags:
        parent = ids[tag.parent] if tag.parent else None
        query = update(Tag).where(Tag.slug == tag.slug, Tag.parent_id.is_distinct_from(parent))
        await session.execute(query.values(parent_id=parent))
