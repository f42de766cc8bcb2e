"""Moving drafts through the workflow, each move with its effects in one transaction."""

from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.bulletins.schedule import plan
from app.editorial import audit, commands, revisions
from app.editorial.audit import Actor
from app.editorial.models import Draft
from app.editorial.refused import undated
from app.editorial.workflow import Action, Situation, State, move
from app.kit.changes import ChangeLog


def subject(draft: Draft) -> str:
    """What the audit log calls the draft."""
    return f"draft:{draft.slug or draft.id}"


def facts(draft: Draft) -> dict[str, Any]:
    """What the audit log says of the draft before and after."""
    return {
        "revision": draft.latest_revision,
        "state": str(draft.state),
        "version": draft.version,
        "publish_at": draft.publish_at.isoformat() if draft.publish_at else None,
    }


async def situation(
    session: AsyncSession,
    actor: Actor,
    draft: Draft,
    *,
    note: str = "",
    publish_at: datetime | None = None,
    four_eyes: bool = False,
) -> Situation:
    """Where the draft stands, for this actor."""
    return Situation(
        state=State(draft.state),
        role=actor.role,
        is_public=draft.published_revision is not None,
        own=draft.author == actor.name,
        errors=tuple(revisions.errors_of(await revisions.latest(session, draft))),
        four_eyes=four_eyes,
        now=await revisions.now(session),
        note=note,
        publish_at=publish_at,
    )


async def take(
    session: AsyncSession,
    log: ChangeLog,
    actor: Actor,
    draft: Draft,
    action: Action,
    *,
    note: str = "",
    publish_at: datetime | None = None,
    four_eyes: bool = False,
) -> None:
    """Move a held draft.

    :raises Refused: with everything that is missing.
    """
    target = move(
        action,
        await situation(session, actor, draft, note=note, publish_at=publish_at, four_eyes=four_eyes),
    )
    before = facts(draft)
    if action is Action.publish:
        await commands.publish(session, log, _slug(draft), note=note)
    elif action is Action.withdraw:
        await commands.withdraw(session, log, _slug(draft), note)
    else:
        scheduled = target is State.scheduled
        revisions.move(
            draft, target, publish_at=publish_at if scheduled else None, note=note if scheduled else ""
        )
        await plan(session, draft.id, draft.publish_at)
    await session.flush()
    after = facts(draft) | ({"note": note} if note else {})
    await audit.record(session, actor, f"draft.{action}", subject(draft), before=before, after=after)


def _slug(draft: Draft) -> str:
    if draft.slug is None:
        raise undated()
    return draft.slug
