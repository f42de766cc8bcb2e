"""Drafts as the API shows them."""

import dataclasses
from collections.abc import Iterable
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.editorial import models, revisions, schemas, steps
from app.editorial.audit import Actor
from app.editorial.workflow import ACTION_NAMES, Action, Situation, State, missing_for


def item(row: models.Draft) -> schemas.DraftItem:
    return schemas.DraftItem(
        id=row.id,
        slug=row.slug,
        title=row.title,
        state=State(row.state),
        author=row.author,
        revision=row.latest_revision,
        version=row.version,
        is_public=row.published_revision is not None,
        publish_at=row.publish_at,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


async def whole(session: AsyncSession, row: models.Draft, actor: Actor, *, four_eyes: bool) -> schemas.Draft:
    """The draft with its latest revision and what this actor may do with it."""
    last = await revisions.latest(session, row)
    at = await steps.situation(session, actor, row, four_eyes=four_eyes)
    return schemas.Draft(
        **dict(item(row)),
        document=revisions.document(last),
        findings=list(revisions.report(last).findings),
        note=last.note,
        actions=list(actions(at)),
    )


def actions(at: Situation) -> Iterable[schemas.ActionOut]:
    """Each action of the workflow, with what it still needs beside what its request brings."""
    at = dataclasses.replace(at, note="…", publish_at=at.now + timedelta(days=1))
    for action in Action:
        missing = [schemas.ReasonOut(code=code, message=text) for code, text in missing_for(action, at)]
        yield schemas.ActionOut(
            action=action, name=ACTION_NAMES[action], allowed=not missing, missing=missing
        )
