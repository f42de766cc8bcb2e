"""The tags of the database as a taxonomy, and the curated taxonomy brought into the database."""

from collections.abc import Iterator, Mapping

import structlog
from sqlalchemy import select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.bulletins import successors
from app.bulletins.document import normalised
from app.bulletins.models import Tag as TagRow
from app.bulletins.taxonomy import Tag, TagKind, Taxonomy
from app.kit.db import new_id

_RENEWED = ("kind", "name", "name_en", "aliases", "lookalikes")

log = structlog.get_logger(__name__)


async def taxonomy(session: AsyncSession) -> Taxonomy:
    """The tags as they are now."""
    rows = (await session.scalars(select(TagRow).order_by(TagRow.slug))).all()
    slugs = {row.id: row.slug for row in rows}
    return Taxonomy(
        tags=tuple(
            Tag(
                slug=row.slug,
                kind=TagKind(row.kind),
                name=row.name,
                name_en=row.name_en,
                aliases=tuple(row.aliases),
                lookalikes=tuple(row.lookalikes),
                parent=slugs[row.parent_id] if row.parent_id else None,
            )
            for row in rows
        )
    )


async def curate(session: AsyncSession, taxonomy: Taxonomy) -> set[str]:
    """Create and update the taxonomy's tags; tags it does not name are left alone.

    So are those that editors have made, changed or merged, with all their names.

    :return: the slugs of the tags that are new or were changed by it.
    """
    merged = await successors.of_tags(session)
    edited = (await session.scalars(select(TagRow).where(TagRow.edited))).all()
    owners = {normalised(name): row.slug for row in edited for name in (row.name, row.name_en, *row.aliases)}
    theirs = {row.slug for row in edited} | merged.keys()
    tags = list(_without(taxonomy, theirs, owners))
    changed = await _upsert(session, tags) if tags else set()
    return changed | await _arrange(session, tags, merged)


def _without(taxonomy: Taxonomy, theirs: set[str], owners: Mapping[str, str]) -> Iterator[Tag]:
    """The tags that are not the editors', without aliases that are."""
    for tag in taxonomy.tags:
        if tag.slug in theirs:
            continue
        if taken := [name for name in (tag.name, tag.name_en) if normalised(name) in owners]:
            log.warning("taxonomy.name-taken", tag=tag.slug, name=taken[0], by=owners[normalised(taken[0])])
            continue
        free = tuple(alias for alias in tag.aliases if normalised(alias) not in owners)
        yield tag.model_copy(update={"aliases": free})


async def _upsert(session: AsyncSession, tags: list[Tag]) -> set[str]:
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
        for tag in tags
    ]
    statement = insert(TagRow).values(rows)
    new = {column: statement.excluded[column] for column in _RENEWED}
    old = tuple_(*(getattr(TagRow, column) for column in _RENEWED))
    statement = statement.on_conflict_do_update(
        index_elements=[TagRow.slug], set_=new, where=old.is_distinct_from(tuple_(*new.values()))
    )
    return set(await session.scalars(statement.returning(TagRow.slug)))


async def _arrange(session: AsyncSession, tags: list[Tag], merged: Mapping[str, str]) -> set[str]:
    """Put the tags below their parents, unless editors have put the parent below the tag."""
    ids = dict((await session.execute(select(TagRow.slug, TagRow.id))).all())
    parents = dict((await session.execute(select(TagRow.id, TagRow.parent_id))).all())
    changed: set[str] = set()
    for tag in tags:
        wanted = ids.get(merged.get(tag.parent, tag.parent)) if tag.parent else None
        above = wanted
        while above is not None and above != ids[tag.slug]:
            above = parents[above]
        if above is None and parents[ids[tag.slug]] != wanted:
            parents[ids[tag.slug]] = wanted
            await session.execute(update(TagRow).where(TagRow.slug == tag.slug).values(parent_id=wanted))
            changed.add(tag.slug)
    return changed
