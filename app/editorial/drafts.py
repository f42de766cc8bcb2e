"""Writing drafts at the desk: every save is a revision, and nothing else changes content."""

from collections.abc import Callable

from sqlalchemy import delete as remove
from sqlalchemy import exists, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.bulletins.document import BulletinDocument
from app.editorial import audit, revisions, steps
from app.editorial.audit import Actor
from app.editorial.editing import settled
from app.editorial.models import Comment, Draft, Revision, SourceFile
from app.editorial.refused import Refused, date_published
from app.editorial.workflow import STATE_NAMES, Action, State, move
from app.kit.image_store import ImageStore

Edit = Callable[[BulletinDocument], BulletinDocument]


async def create(
    session: AsyncSession, images: ImageStore, actor: Actor, content: BulletinDocument, note: str
) -> Draft:
    """A new draft with the document as its first revision.

    :raises Refused: there is a draft of this date already.
    """
    content = settled(content)
    draft = Draft(slug=None, latest_revision=0, state=State.draft)
    session.add(draft)
    await _date(session, draft, content)
    findings = await revisions.checked(session, content, None, images)
    await revisions.add(session, draft, content, findings, author=actor.name, note=note)
    await session.refresh(draft)
    await audit.record(session, actor, "draft.create", steps.subject(draft), after=steps.facts(draft))
    return draft


async def save(
    session: AsyncSession, images: ImageStore, actor: Actor, draft: Draft, edit: Edit, note: str
) -> bool:
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
    findings = await revisions.checked(session, content, revisions.report(last), images)
    revisions.move(draft, state)
    await revisions.add(session, draft, content, findings, author=actor.name, note=note)
    await audit.record(
        session, actor, "draft.save", steps.subject(draft), before=facts, after=steps.facts(draft)
    )
    return True


async def delete(session: AsyncSession, actor: Actor, draft: Draft) -> None:
    """Delete a held draft that was never public, with its revisions, comments and files of its own.

    :raises Refused: it was public once, or is approved.
    """
    if draft.version:
        raise Refused("draft.published", "这一期发布过，稿件不能删除；要让读者看不到它，请撤下。")
    if draft.state in (State.approved, State.scheduled):
        raise Refused("state.wrong", f"稿件{STATE_NAMES[State(draft.state)]}，不能删除；请先退回。")
    before = steps.facts(draft) | {"title": draft.title, "author": draft.author}
    await audit.record(session, actor, "draft.delete", steps.subject(draft), before=before)
    mine = Revision.draft_id == draft.id
    files = set(await session.scalars(select(Revision.source_file).where(mine)))
    await session.execute(remove(Comment).where(Comment.draft_id == draft.id))
    await session.execute(remove(Revision).where(mine))
    await session.delete(draft)
    await session.flush()
    used = exists().where(Revision.source_file == SourceFile.sha256)
    await session.execute(remove(SourceFile).where(SourceFile.sha256.in_(files), ~used))


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
