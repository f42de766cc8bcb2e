"""Writing tags: made, renamed, put elsewhere, called otherwise too, merged. Each is one public change."""

import hashlib
from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.bulletins.document import normalised
from app.bulletins.events import TagMerged, TagsCurated
from app.bulletins.models import MergedTag, Tag
from app.editorial import audit
from app.editorial.audit import Actor
from app.editorial.refused import Refused, unknown_tags
from app.kit.changes import Change, ChangeLog
from app.kit.db import new_id


async def find(session: AsyncSession, slug: str) -> Tag | None:
    """The tag of this slug, as it is now."""
    query = select(Tag).where(Tag.slug == slug)
    return await session.scalar(query, execution_options={"populate_existing": True})


async def facts(session: AsyncSession, row: Tag) -> dict[str, Any]:
    """Everything that editors decide about a tag."""
    parent = select(Tag.slug).where(Tag.id == row.parent_id)
    return {
        "slug": row.slug,
        "kind": row.kind,
        "name": row.name,
        "name_en": row.name_en,
        "aliases": row.aliases,
        "lookalikes": row.lookalikes,
        "parent": await session.scalar(parent) if row.parent_id else None,
    }


def etag(known: dict[str, Any]) -> str:
    """Changes with every one of the :func:`facts`."""
    return f'"{hashlib.sha256(repr(known).encode()).hexdigest()[:32]}"'


async def create(
    session: AsyncSession, changes: ChangeLog, actor: Actor, values: dict[str, Any], at: datetime
) -> Tag:
    """A new tag.

    :param values: all :func:`facts`.
    :param at: of :meth:`ChangeLog.begin`, as everywhere here.
    :raises Refused: its slug or one of its names is taken, or there is no such parent.
    """
    slug = values["slug"]
    taken = select(Tag.slug).where(Tag.slug == slug)
    if await session.scalar(taken.union(select(MergedTag.slug).where(MergedTag.slug == slug))):
        raise Refused("tag.slug-taken", f"{slug} 已是或曾是标签的代号，请另取一个。")
    row = Tag(id=new_id(), edited=True)
    await _set(session, row, values)
    session.add(row)
    await session.flush()
    await session.refresh(row)
    await audit.record(session, actor, "tag.create", f"tag:{slug}", after=values)
    await changes.record(session, await changed(session, {slug}, at))
    return row


async def change(
    session: AsyncSession, changes: ChangeLog, actor: Actor, row: Tag, values: dict[str, Any], at: datetime
) -> None:
    """Change some of a tag's :func:`facts`, its slug never; without a difference nothing happens.

    :raises Refused: one of its names is taken, there is no such parent, or it is below this tag.
    """
    before = await facts(session, row)
    after = before | values
    if after == before:
        return
    await _set(session, row, after)
    row.edited = True
    await session.flush()
    await audit.record(session, actor, "tag.change", f"tag:{row.slug}", before=before, after=after)
    await changes.record(session, await changed(session, {row.slug}, at))


async def merge(
    session: AsyncSession, changes: ChangeLog, actor: Actor, row: Tag, into: str, at: datetime
) -> Tag:
    """Let another tag stand for this one, which is no more; the other one.

    :raises Refused: there is no such tag, or it is the same.
    """
    if into == row.slug:
        raise Refused("tag.same", "不能把标签并入它自己。")
    if await find(session, into) is None:
        raise unknown_tags(into)
    before = await facts(session, row)
    await audit.record(session, actor, "tag.merge", f"tag:{row.slug}", before=before, after={"into": into})
    await changes.record(session, TagMerged(slug=row.slug, into=into, at=at))
    kept = await find(session, into)
    assert kept is not None  # noqa: S101 - nobody else writes tags meanwhile
    return kept


async def changed(session: AsyncSession, slugs: Collection[str], at: datetime) -> TagsCurated:
    """The event of these tags' change."""
    earlier = select(func.count()).where(Change.kind == TagsCurated.kind)
    version = 1 + (await session.scalar(earlier) or 0)
    return TagsCurated(slugs=frozenset(slugs), version=version, at=at)


async def _set(session: AsyncSession, row: Tag, values: dict[str, Any]) -> None:
    row.slug, row.kind = values["slug"], values["kind"]
    row.name, row.name_en = values["name"], values["name_en"]
    row.aliases, row.lookalikes = list(values["aliases"]), list(values["lookalikes"])
    with session.no_autoflush:
        await _demand_free_names(session, row)
        row.parent_id = await _parent(session, row, values["parent"]) if values["parent"] else None


async def _demand_free_names(session: AsyncSession, row: Tag) -> None:
    own = [normalised(name) for name in (row.name, row.name_en, *row.aliases)]
    for other in await session.scalars(select(Tag).where(Tag.id != row.id)):
        for name in (other.name, other.name_en, *other.aliases):
            if normalised(name) in own:
                message = (
                    f"“{name}”已是标签“{other.name}”（{other.slug}）的名称或别名；如是同一标签，请合并。"
                )
                raise Refused("tag.name-taken", message)


async def _parent(session: AsyncSession, row: Tag, slug: str) -> Any:
    parent = await session.scalar(select(Tag.id).where(Tag.slug == slug))
    if parent is None:
        raise Refused("parent.unknown", f"没有标签 {slug}，不能作上级。")
    above = parent
    while above is not None:
        if above == row.id:
            raise Refused("parent.ring", f"{slug} 就在这个标签之下，不能作它的上级。")
        above = await session.scalar(select(Tag.parent_id).where(Tag.id == above))
    return parent
