"""Merging references that are the same source item under two titles or dates."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from app.bulletins.events import ReferenceMerged
from app.bulletins.models import Reference
from app.editorial import audit
from app.editorial.audit import Actor
from app.editorial.refused import Refused
from app.kit.changes import ChangeLog


async def find(session: AsyncSession, reference_id: UUID) -> Reference | None:
    """The reference with its source, as it is now; those that nobody cites any more too."""
    query = select(Reference).where(Reference.id == reference_id).options(joinedload(Reference.source))
    return await session.scalar(query, execution_options={"populate_existing": True})


def facts(row: Reference) -> dict[str, Any]:
    """What a reference is."""
    return {
        "source": row.source.name,
        "title": row.title,
        "date": row.date.isoformat() if row.date else None,
        "url": row.url,
        "merged_into": str(row.merged_into) if row.merged_into else None,
    }


async def merge(
    session: AsyncSession, changes: ChangeLog, actor: Actor, row: Reference, into: UUID, at: datetime
) -> Reference:
    """Let another reference be cited in place of this one; the other one.

    :param at: of :meth:`ChangeLog.begin`.
    :raises Refused: there is no such reference, it is the same, of another source, or merged itself.
    """
    other = await find(session, into)
    if other is None:
        raise Refused("reference.unknown", f"没有编号为 {into} 的参考文献。")
    if other.id == row.id:
        raise Refused("reference.same", "不能把参考文献并入它自己。")
    if row.merged_into or other.merged_into:
        raise Refused("reference.merged", "其中一条参考文献已经并入另一条。")
    if other.source_id != row.source_id:
        raise Refused("source.other", "两条参考文献的来源不同，不能合并。")
    before = facts(row)
    await audit.record(
        session, actor, "reference.merge", f"reference:{row.id}", before=before, after={"into": str(into)}
    )
    await changes.record(session, ReferenceMerged(id=row.id, into=into, at=at))
    kept = await find(session, into)
    assert kept is not None  # noqa: S101 - references are never deleted
    return kept
