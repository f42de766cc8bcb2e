"""What the desk does by itself: publish what is due, forget what is over.

The schedule is the table of drafts and nothing else: every worker looks at it twice a second, by the
database's clock. A job at a time of its own would be a second truth, to be moved with every rescheduling,
and procrastinate looks for such jobs every five seconds.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from traceback import format_tb

import psycopg
import structlog
from procrastinate import Blueprint
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from app.editorial import audit, staff, steps
from app.editorial.models import Comment, Draft
from app.editorial.refused import Refused
from app.editorial.workflow import Action, State
from app.kit import idempotency, throttle
from app.kit.background import running
from app.kit.changes import ChangeLog
from app.kit.db import Database

INTERVAL = 0.5
"""Seconds between two looks."""

_OF_THE_CONTENT = ("22", "23", "54")
"""Classes of SQLSTATE that another try will not mend: values, constraints and sizes that do not fit."""

log = structlog.get_logger(__name__)


async def publish_due(database: Database, changes: ChangeLog) -> int:
    """Publish everything that is due; how many drafts that were.

    Each is one transaction that holds the draft: of several workers one publishes it, and of a publication
    and a cancellation at the same moment one happens.
    """
    done = 0
    while True:
        async with database.session() as session:
            draft = await _next(session)
            if draft is None:
                return done
            await _publish(session, changes, draft)
        done += 1


async def _next(session: AsyncSession) -> Draft | None:
    due = select(Draft).where(Draft.state == State.scheduled, Draft.publish_at <= func.clock_timestamp())
    # What another holds is being published, or changed: the next look finds what has become of it.
    return await session.scalar(due.order_by(Draft.publish_at).limit(1).with_for_update(skip_locked=True))


async def _publish(session: AsyncSession, changes: ChangeLog, draft: Draft) -> None:
    """Publish a held draft, or set it aside where that cannot be done, for the others to go out in time."""
    names = {"draft": str(draft.id), "slug": draft.slug}
    try:
        async with session.begin_nested():
            await steps.take(session, changes, audit.CLOCK, draft, Action.publish, note=draft.publish_note)
    except Refused as refused:
        # Such as a tag that was removed meanwhile: people have to look at it, once.
        log.warning("publication.refused", code=refused.code, **names)
        await _set_aside(session, changes, draft, refused.message)
    except Exception as error:
        if not _is_lasting(error):
            raise
        kind = type(_cause(error)).__name__
        # Only where it happened: the messages of errors quote the words of drafts.
        log.error("publication.set-aside", error=kind, stack=format_tb(error.__traceback__), **names)  # noqa: TRY400
        reason = f"系统无法发布这份内容（{kind}），请核对后重新定时，或请管理员查看日志。"
        await _set_aside(session, changes, draft, reason)
    else:
        log.info("publication.done", **names)


async def _set_aside(session: AsyncSession, changes: ChangeLog, draft: Draft, reason: str) -> None:
    await session.refresh(draft)
    await steps.take(session, changes, audit.CLOCK, draft, Action.cancel)
    text = f"到时未能发布：{reason}"
    session.add(
        Comment(draft_id=draft.id, revision=draft.latest_revision, text=text, author=audit.CLOCK.name)
    )


def _is_lasting(error: Exception) -> bool:
    """Whether the content is the cause; a database that is away or busy is asked again."""
    cause = _cause(error)
    if isinstance(cause, psycopg.Error):
        return (cause.sqlstate or "").startswith(_OF_THE_CONTENT)
    return not isinstance(cause, SQLAlchemyError | OSError)


def _cause(error: Exception) -> BaseException:
    return error.orig if isinstance(error, DBAPIError) and error.orig else error


@asynccontextmanager
async def watching(database: Database, changes: ChangeLog) -> AsyncIterator[None]:
    """Publish what becomes due while the context lasts, whatever goes wrong with one look."""

    async def watch() -> None:
        while True:
            try:
                await publish_due(database, changes)
            except (SQLAlchemyError, OSError) as error:
                log.warning("publication.interrupted", reason=str(error).splitlines()[0])
            except Exception:
                log.exception("publication.failed")
            await asyncio.sleep(INTERVAL)

    async with running(watch()):
        yield


def housekeeping(database: Database) -> Blueprint:
    """The task that forgets expired logins, old answers and attempts."""
    tasks = Blueprint()

    @tasks.periodic(cron="23 * * * *")
    @tasks.task(name="forget-desk", queueing_lock="forget-desk")
    async def forget(timestamp: int) -> None:  # noqa: ARG001 - procrastinate passes it
        for forget_old in (staff.forget_old, idempotency.forget_old, throttle.forget_old):
            async with database.session() as session:
                await forget_old(session)

    return tasks
