"""The exports that are kept to be downloaded."""

import fcntl
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import structlog
from procrastinate import Blueprint
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from app.bulletins.events import BulletinPublished, BulletinWithdrawn
from app.kit.changes import Change
from app.kit.db import Database
from app.partners.export import UNFINISHED, build
from app.partners.export_manifest import MANIFEST, Export

log = structlog.get_logger(__name__)

KEPT = 7
"""So many are kept: whoever downloads one in parts has some days for it."""

_NAME = re.compile(r"[0-9]{1,19}-[0-9]{8}T[0-9]{12}Z")


def exports(shelf: Path) -> list[Export]:
    """The exports in a folder, the newest first."""
    found = [export(shelf, path.name) for path in shelf.iterdir()] if shelf.is_dir() else []
    return sorted(filter(None, found), key=lambda each: (each.created_at, each.seq), reverse=True)


def export(shelf: Path, name: str) -> Export | None:
    """The export of that name; or None."""
    if not _NAME.fullmatch(name):
        return None
    try:
        return Export.model_validate_json((shelf / name / MANIFEST).read_bytes())
    except FileNotFoundError:
        return None


async def usable(session: AsyncSession, found: Sequence[Export]) -> list[Export]:
    """Those of the exports that hold nothing which has been withdrawn since."""
    published, withdrawn = aliased(Change), aliased(Change)
    since = select(func.max(published.seq)).where(
        published.kind == BulletinPublished.kind,
        published.subject == withdrawn.subject,
        published.seq < withdrawn.seq,
    )
    spans = await session.execute(
        select(since.scalar_subquery(), withdrawn.seq).where(
            withdrawn.kind == BulletinWithdrawn.kind,
            withdrawn.seq > min((each.seq for each in found), default=0),
        )
    )
    gone = [range(*span) for span in spans]
    return [each for each in found if not any(each.seq in public for public in gone)]


async def add(database: Database, shelf: Path) -> Export | None:
    """Put the present state on the shelf and take down the oldest; None while somebody else does.

    :raises OSError: the folder cannot be written.
    """
    with _alone(shelf) as alone:
        if not alone:
            return None
        _sweep(shelf)
        made = await build(database, shelf)
        for old in exports(shelf)[KEPT:]:
            # Out of sight first: a half-removed export is none.
            (shelf / old.name).rename(shelf / f"{UNFINISHED}{old.name}")
        _sweep(shelf)
    return made


async def replace(database: Database, shelf: Path) -> Export | None:
    """Put the present state on the shelf if the newest export cannot be used any more.

    :raises OSError: the folder cannot be written.
    """
    newest = exports(shelf)[:1]
    async with database.snapshot() as session:
        if await usable(session, newest) == newest:
            return None
    return await add(database, shelf)


def _sweep(shelf: Path) -> None:
    """Remove what is not to be seen: leavings of a process that was killed, and what is taken down."""
    for left in shelf.glob(f"{UNFINISHED}*"):
        shutil.rmtree(left)


@contextmanager
def _alone(shelf: Path) -> Iterator[bool]:
    """Hold the folder against other processes; the kernel lets go of it with this one."""
    shelf.mkdir(parents=True, exist_ok=True)
    with (shelf / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def clock(database: Database, shelf: Path) -> Blueprint:
    """The jobs that export each night, and soon after a withdrawal of what the newest export holds."""
    tasks = Blueprint()

    @tasks.periodic(cron="41 18 * * *")  # in UTC: 02:41 in Shanghai
    @tasks.task(name="export", queueing_lock="export")
    async def nightly(timestamp: int) -> None:  # noqa: ARG001 - procrastinate passes it
        _tell(await add(database, shelf))

    # Looked for, not told of: so it is made too when another export was under way, or the worker was not.
    @tasks.periodic(cron="* * * * *")
    @tasks.task(name="replace-export", queueing_lock="replace-export")
    async def after_withdrawals(timestamp: int) -> None:  # noqa: ARG001
        _tell(await replace(database, shelf))

    return tasks


def _tell(made: Export | None) -> None:
    if made:
        log.info("export.made", name=made.name, seq=made.seq, tables=made.tables)
