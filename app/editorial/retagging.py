"""Giving other tags to the archive: a job that any worker can begin, go on with and be stopped in.

It goes from bulletin to bulletin by slug. What is done to one, and that it is done, is one transaction: a
worker that dies has done each bulletin whole or not at all, and the next one goes on behind the last.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import structlog
from procrastinate import Blueprint, RetryStrategy
from sqlalchemy import ColumnElement, Select, exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.bulletins import successors
from app.bulletins.document import BulletinDocument
from app.bulletins.filters import between, words
from app.bulletins.models import Bulletin, Section, SectionTag, Tag
from app.editorial import audit, commands, revisions
from app.editorial.audit import Actor
from app.editorial.editing import retagged
from app.editorial.models import Draft, Retagged, Retagging
from app.editorial.refused import Refused, unknown_tags
from app.editorial.taxonomy_schemas import NewRetagging, Where
from app.editorial.workflow import Role
from app.kit.changes import ChangeLog
from app.kit.db import Database, new_id
from app.kit.jobs import defer
from app.kit.problems import DATABASE_AWAY

TASK = "retag"
ACTIVE = ("queued", "running")
_ENDED = {"done": "已经完成", "cancelled": "早已取消", "failed": "已经因故障停止"}

log = structlog.get_logger(__name__)


async def ask(session: AsyncSession, actor: Actor, rule: NewRetagging) -> Retagging:
    """Have the job done, after those asked for before.

    :raises Refused: a tag is unknown.
    """
    wanted = {*rule.where.tag, *rule.where.tag_not, *rule.add, *rule.remove}
    known = set(await session.scalars(select(Tag.slug).where(Tag.slug.in_(wanted))))
    known |= (await successors.of_tags(session)).keys()
    if unknown := sorted(wanted - known):
        raise unknown_tags(*unknown)
    found = (await _matching(session, rule.where)).subquery()
    row = Retagging(
        id=new_id(),
        rule=rule.model_dump(mode="json", by_alias=True),
        dry_run=rule.dry_run,
        author=actor.name,
        total=await session.scalar(select(func.count(found.c.slug.distinct()))),
    )
    session.add(row)
    await session.flush()
    await session.refresh(row)
    await audit.record(session, actor, "retagging.ask", _subject(row), after={**row.rule, "total": row.total})
    await defer(session, TASK, lock=TASK, retagging=str(row.id))
    return row


async def cancel(session: AsyncSession, actor: Actor, retagging_id: UUID) -> Retagging | None:
    """Stop the job before its next bulletin. None when there is none.

    :raises Refused: it has ended.
    """
    row = await _held(session, retagging_id)
    if row is not None:
        if row.state not in ACTIVE:
            raise Refused("retagging.ended", f"这项批量任务{_ENDED[row.state]}，不能再取消。")
        await _end(session, row, "cancelled")
        await audit.record(session, actor, "retagging.cancel", _subject(row), after={"done": row.done})
    return row


def tasks(database: Database, changes: ChangeLog) -> Blueprint:
    """The task that does the job; a worker that dies leaves it to another one."""
    blueprint = Blueprint()

    @blueprint.task(name=TASK, retry=RetryStrategy(wait=10))
    async def retag(retagging: str) -> None:
        retagging_id = UUID(retagging)
        try:
            while await step(database, changes, retagging_id):
                pass
        except DATABASE_AWAY:
            raise  # What is done is kept: it goes on when the database is back.
        except Exception:
            log.exception("retagging.failed", id=retagging)
            await _fail(database, retagging_id)

    return blueprint


async def step(database: Database, changes: ChangeLog, retagging_id: UUID) -> bool:
    """Do the next bulletin; False when there is nothing left to do."""
    async with database.session() as session:
        row = await _held(session, retagging_id)
        if row is None or row.state not in ACTIVE:
            return False
        row.state = "running"
        rule = NewRetagging.model_validate(row.rule)
        matching = await _matching(session, rule.where)
        slug = await session.scalar(
            matching.with_only_columns(func.min(Bulletin.slug)).where(Bulletin.slug > row.position)
        )
        if slug is None:
            await _end(session, row, "done")
            return False
        here = matching.with_only_columns(Section.number).where(Bulletin.slug == slug)
        numbers = (await session.scalars(here.order_by(Section.number))).all()
        await _bulletin(session, changes, row, rule, slug, numbers)
        row.position = slug
        row.done += 1
        return True


async def _bulletin(
    session: AsyncSession,
    changes: ChangeLog,
    row: Retagging,
    rule: NewRetagging,
    slug: str,
    numbers: Sequence[int],
) -> None:
    """Do one bulletin, and keep what became of it unless that is nothing."""
    found = Retagged(retagging_id=row.id, slug=slug, outcome="changed", sections=[])
    try:
        async with session.begin_nested():
            found.sections, found.version = await _retag(session, changes, row, rule, slug, numbers)
    except Refused as refused:
        found.outcome, found.code, found.message = "skipped", refused.code, refused.message
    if found.outcome == "skipped":
        row.skipped += 1
    elif found.sections:
        row.changed += 1
    else:
        return
    session.add(found)


async def _retag(
    session: AsyncSession,
    changes: ChangeLog,
    row: Retagging,
    rule: NewRetagging,
    slug: str,
    numbers: Sequence[int],
) -> tuple[list[int], int | None]:
    """The sections whose tags are others then, and the version of the correction.

    :raises Refused: the bulletin is being worked on, or cannot be published as it is.
    """
    draft = await session.scalar(select(Draft).where(Draft.slug == slug).with_for_update())
    if draft is None or draft.latest_revision != draft.published_revision:
        raise Refused("draft.open", f"{slug} 期有未发布的修改，请在编辑台处理。")
    last = await revisions.latest(session, draft)
    before = await successors.current(session, revisions.document(last))
    merged = await successors.of_tags(session)
    add, remove = ([merged.get(tag, tag) for tag in tags] for tags in (rule.add, rule.remove))
    after = retagged(before, numbers, add, remove)
    touched = [now.number for then, now in zip(before.sections, after.sections, strict=True) if then != now]
    if not touched or row.dry_run:
        return touched, None
    return touched, await _publish(session, changes, row, rule, draft, after)


async def _publish(
    session: AsyncSession,
    changes: ChangeLog,
    row: Retagging,
    rule: NewRetagging,
    draft: Draft,
    document: BulletinDocument,
) -> int:
    last = await revisions.latest(session, draft)
    findings = await revisions.checked(session, document, revisions.report(last), None)
    await revisions.add(session, draft, document, findings, author=row.author, note=rule.note)
    published = await commands.publish(session, changes, document.slug, note=rule.note)
    actor = Actor(name=row.author, role=Role.administrator, request_id=str(row.id))
    after: dict[str, Any] = {"revision": draft.latest_revision, "version": published.version}
    await audit.record(session, actor, "retagging.apply", f"draft:{document.slug}", after=after)
    return published.version


async def _matching(session: AsyncSession, where: Where) -> Select[str]:
    """Public sections that the rule is about, each with its bulletin's slug."""
    merged = await successors.of_tags(session)

    def tagged(slug: str) -> ColumnElement[bool]:
        link = select(SectionTag).join(Tag, Tag.id == SectionTag.tag_id)
        return exists(link.where(SectionTag.section_id == Section.id, Tag.slug == merged.get(slug, slug)))

    query = select(Bulletin.slug).select_from(Section).join(Section.bulletin)
    return query.where(
        *map(tagged, where.tag),
        *(~tagged(slug) for slug in where.tag_not),
        *between(Section.date, where.from_, where.to),
        *words(Section.text, where.q),
    )


async def _fail(database: Database, retagging_id: UUID) -> None:
    """End the job, whose next step is beyond the program; what it has done stays."""
    async with database.session() as session:
        row = await _held(session, retagging_id)
        if row is None or row.state not in ACTIVE:
            return
        where = f"{row.position} 期之后的一期" if row.position else "第一期"
        row.code = "internal"
        row.message = (
            f"处理{where}时程序出错，任务已停止；此前处理的 {row.done} 期有效。"
            "请联系技术人员排除故障，再重新提交：已改好的不会再改。"
        )
        await _end(session, row, "failed")


async def _held(session: AsyncSession, retagging_id: UUID) -> Retagging | None:
    query = select(Retagging).where(Retagging.id == retagging_id).with_for_update()
    return await session.scalar(query, execution_options={"populate_existing": True})


async def _end(session: AsyncSession, row: Retagging, state: str) -> None:
    row.state = state
    row.finished_at = await revisions.now(session)
    log.info("retagging.ended", id=str(row.id), state=state, changed=row.changed, skipped=row.skipped)


def _subject(row: Retagging) -> str:
    return f"retagging:{row.id}"
