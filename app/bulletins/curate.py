"""Brings the tags of the database to the curated taxonomy."""

from sqlalchemy import select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.bulletins.models import Tag
from app.bulletins.taxonomy import Taxonomy
from app.kit.db import new_id

_RENEWED = ("kind", "name", "name_en", "aliases", "lookalikes")


async def curate(session: AsyncSession, taxonomy: Taxonomy) -> set[str]:
    """Create and update the taxonomy's tags; tags it does not name are left alone.

    The slugs of the tags that are new or were changed by it.
    """
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
    new = {column: statement.excluded[column] for column in _RENEWED}
    old = tuple_(*(getattr(Tag, column) for column in _RENEWED))
    statement = statement.on_conflict_do_update(
        index_elements=[Tag.slug], set_=new, where=old.is_distinct_from(tuple_(*new.values()))
    )
    changed = set(await session.scalars(statement.returning(Tag.slug)))
    ids = dict((await session.execute(select(Tag.slug, Tag.id))).all())
    for tag in taxonomy.tags:
        parent = ids[tag.parent] if tag.parent else None
        query = update(Tag).where(Tag.slug == tag.slug, Tag.parent_id.is_distinct_from(parent))
        changed |= set(await session.scalars(query.values(parent_id=parent).returning(Tag.slug)))
    return changed
