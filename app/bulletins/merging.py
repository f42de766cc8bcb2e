"""Lets one tag or reference stand for two in the live tables, inside the transaction (handlers)."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute, aliased

from app.bulletins import keys
from app.bulletins.counts import Counted, recount
from app.bulletins.document import normalised
from app.bulletins.events import ReferenceMerged, TagMerged
from app.bulletins.models import (
    Bulletin,
    BulletinTag,
    Citation,
    Finished,
    MergedTag,
    Reference,
    SectionTag,
    Tag,
)
from app.kit.changes import touch


async def merge_tags(session: AsyncSession, events: Sequence[TagMerged]) -> None:
    """Give all that has the events' tags to the tags they are merged into, and remove them (a handler).

    What is tagged with both keeps the earlier place. The names of the one become aliases of the other, the
    tags below it come below the other; the other is the editors' from now on.
    """
    for event in events:
        rows = await session.scalars(select(Tag).where(Tag.slug.in_({event.slug, event.into})))
        tags = {row.slug: row for row in rows}
        gone, kept = tags[event.slug], tags[event.into]
        await _relink(session, BulletinTag, BulletinTag.bulletin_id, gone.id, kept.id)
        await _relink(session, SectionTag, SectionTag.section_id, gone.id, kept.id)
        await _take_place(session, gone, kept)
        kept.aliases = _with_names(kept, gone)
        kept.lookalikes = list(dict.fromkeys([*kept.lookalikes, *gone.lookalikes]))
        kept.edited = True
        await session.flush()
        await session.execute(delete(Tag).where(Tag.id == gone.id))
        names = {"kind": gone.kind, "name": gone.name, "name_en": gone.name_en}
        session.add(MergedTag(slug=event.slug, into=event.into, at=event.at, **names))
        await session.flush()
        await recount(session, Counted(tags=frozenset({kept.id})), Counted())


async def _relink(
    session: AsyncSession,
    model: type[BulletinTag | SectionTag],
    owner: InstrumentedAttribute[UUID],
    gone: UUID,
    kept: UUID,
) -> None:
    other = aliased(model)
    same = getattr(other, owner.key) == owner
    twice = (model.tag_id == kept, other.tag_id == gone, same)
    earlier = update(model).where(*twice).values(position=func.least(model.position, other.position))
    await session.execute(earlier)
    await session.execute(delete(model).where(model.tag_id == gone, other.tag_id == kept, same))
    await session.execute(update(model).where(model.tag_id == gone).values(tag_id=kept))


async def _take_place(session: AsyncSession, gone: Tag, kept: Tag) -> None:
    """Let the tags below the one come below the other, which leaves its own place below it."""
    above = kept.parent_id
    while above not in (None, gone.id):
        above = await session.scalar(select(Tag.parent_id).where(Tag.id == above))
    if above == gone.id:
        kept.parent_id = gone.parent_id
    await session.flush()
    await session.execute(update(Tag).where(Tag.parent_id == gone.id).values(parent_id=kept.id))


def _with_names(kept: Tag, gone: Tag) -> list[str]:
    own = {normalised(kept.name), normalised(kept.name_en)}
    names = {normalised(name): name for name in (*gone.aliases, gone.name_en, gone.name, *kept.aliases)}
    ordered = (*kept.aliases, gone.name, gone.name_en, *gone.aliases)
    return list(dict.fromkeys(names[n] for n in map(normalised, ordered) if n not in own))


async def merge_references(session: AsyncSession, events: Sequence[ReferenceMerged]) -> None:
    """Let the references that the events' are merged into be cited in their place (a handler).

    Citations keep the words of their bulletins, so no content hash changes.
    """
    for event in events:
        gone = await session.get_one(Reference, event.id)
        kept = await session.get_one(Reference, event.into)
        cited = select(Bulletin.slug).join(Citation, Citation.bulletin_id == Bulletin.id)
        slugs = (await session.scalars(cited.where(Citation.reference_id == gone.id))).all()
        await session.execute(delete(Finished).where(Finished.slug.in_(slugs)))
        moved = update(Citation).where(Citation.reference_id == gone.id)
        await session.execute(moved.values(reference_id=kept.id))
        gone.merged_into, gone.merged_at = kept.id, event.at
        kept.url = kept.url or gone.url
        await session.flush()
        counted = Counted(
            references=frozenset({gone.id, kept.id}), sources=frozenset({gone.source_id, kept.source_id})
        )
        await recount(session, counted, Counted())
        touch(session, keys.CONTENT, *counted.keys(), *map(keys.bulletin, slugs))
