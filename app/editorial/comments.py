"""Remarks on drafts and their sections."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.editorial import audit, steps
from app.editorial.audit import Actor
from app.editorial.models import Comment, Draft
from app.editorial.refused import Refused
from app.kit.db import new_id


async def add(
    session: AsyncSession, actor: Actor, draft: Draft, text: str, *, section: int | None, sections: int
) -> Comment:
    """A comment on the draft, or on one of its ``sections`` sections.

    :raises Refused: there is no such section.
    """
    if section is not None and section > sections:
        raise Refused("section.missing", f"没有第 {section} 条：这一期共有 {sections} 条。")
    row = Comment(
        id=new_id(),
        draft_id=draft.id,
        revision=draft.latest_revision,
        section=section,
        text=text,
        author=actor.name,
    )
    session.add(row)
    await session.flush()
    await audit.record(
        session, actor, "comment.add", steps.subject(draft), after={"comment": str(row.id), "text": text}
    )
    return row


async def resolve(session: AsyncSession, actor: Actor, draft: Draft, comment_id: UUID) -> Comment | None:
    """Mark a comment as settled, once; None when the draft has none of this id."""
    query = select(Comment).where(Comment.id == comment_id, Comment.draft_id == draft.id)
    row = await session.scalar(query.with_for_update())
    if row is not None and row.resolved_at is None:
        row.resolved_at = await session.scalar(select(func.now()))
        row.resolved_by = actor.name
        await audit.record(
            session, actor, "comment.resolve", steps.subject(draft), after={"comment": str(row.id)}
        )
    return row


async def follow(session: AsyncSession, draft: Draft, order: Sequence[int]) -> None:
    """Let comments go with their sections, which now stand in this order; of one removed, with the draft."""
    now = {old: new for new, old in enumerate(order, start=1)}
    query = select(Comment).where(Comment.draft_id == draft.id, Comment.section.is_not(None))
    for row in await session.scalars(query.with_for_update()):
        row.section = now.get(row.section or 0)
    await session.flush()
