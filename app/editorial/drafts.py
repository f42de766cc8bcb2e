"""Writing drafts at the desk: every save is a revision, and nothing else changes content."""

from collections.abc import Callable

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.bulletins.document import BulletinDocument
from app.editorial import audit, revisions, steps
from app.editorial.audit import Actor
from app.editorial.editing import settled
from app.editorial.models import Draft
from app.editorial.refused import Refused, date_published
from app.editorial.workflow import Action, State, move

Edit = Callable[[BulletinDocument], BulletinDocument]


async def create(session: AsyncSession, actor: Actor, content: BulletinDocument, note: str) -> Draft:
    """A new draft with the document as its first revision.

    :raises Refused: there is a draft of this date already.
    """
    content = settled(content)
    draft = Draft(slug=None, latest_revision=0, state=State.draft)
    session.add(draft)
    await _date(session, draft, content)
    findings = await revisions.checked(session, content, None)
    await revisions.add(session, draft, content, findings, author=actor.name, note=note)
    await session.refresh(draft)
    await audit.record(session, actor, "draft.create", steps.subject(draft), after=steps.facts(draft))
    return draft


async def save(session: AsyncSession, actor: Actor, draft: Draft, edit: Edit, note: str) -> bool:
    """Make the edited document the latest revision of a held draft; False when nothing has changed.

    :raises Refused: the draft is in no state to be edited, or its new date is taken.
    """
    at = await steps.situation(session, actor, draft)
    state = move(Action.save, at)
    last = await revisions.latest(session, draft)
    before, facts = revisions.document(last), steps.facts(draft)
    content = settled(edit(before))
    if content == before:
        return False
    await _date(session, draft, content)
    findings = await revisions.checked(session, content, revisions.report(last))
    revisions.move(draft, state)
    await revisions.add(session, draft, content, findings, author=actor.name, note=note)
    await audit.record(
        session, actor, "draft.save", steps.subject(draft), before=facts, after=steps.facts(draft)
    )
    return True


async def _date(session: AsyncSession, draft: Draft, content: BulletinDocument) -> None:
    """Let the draft be known by the document's date."""
    slug = content.slug if content.date else None
    if slug == draft.slug:
        return
    if draft.slug and draft.version:
        raise date_published(draft.slug, content)
    try:
        async with session.begin_nested():
            draft.slug = slug
            await session.flush()
    except IntegrityError:
        other = await session.scalar(select(Draft.id).where(Draft.slug == slug))
        raise Refused("date.taken", f"已有日期为 {slug} 的稿件（编号 {other}），请在那里修改。") from None
