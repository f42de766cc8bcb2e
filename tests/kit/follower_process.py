"""A worker of its own process with one follower, which kills the process at a chosen moment.

Arguments: DATABASE_URL, a file that collects what was handled, the number of the call to die in
(0: never), and whether to die at its ``start`` or at its ``end``.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app import worker
from app.kit import changes
from app.kit.changes import Change, ChangeLog
from app.kit.settings import Settings

url, file, deadly, moment = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
calls = 0
changes.BATCH = 1


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def note(seq: int) -> None:
    with file.open("a") as out:
        out.write(f"{seq}\n")
        out.flush()
        os.fsync(out.fileno())


async def follower(session: AsyncSession, batch: Sequence[Change]) -> None:
    global calls  # noqa: PLW0603 - one process, one counter
    calls += 1
    if calls == deadly and moment == "start":
        die()
    for change in batch:
        await session.execute(text("INSERT INTO handled VALUES (:seq)"), {"seq": change.seq})
        note(change.seq)
    if calls == deadly and moment == "end":
        die()


async def main() -> None:
    settings = Settings().with_database(url)
    async with worker.job_app(settings, ChangeLog(followers={"test": follower})) as app:
        await app.run_worker_async(wait=False, install_signal_handlers=False)


asyncio.run(main())
