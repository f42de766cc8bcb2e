"""A worker of its own process that does what jobs there are; argument: DATABASE_URL.

With two more it goes wrong in the middle of so many corrections: everything is written, nothing committed,
and it kills itself (``die``), has a bug (``bug``) or loses its connection (``cut``).
"""

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from procrastinate.exceptions import AlreadyEnqueued
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app import wiring, worker
from app.bulletins.events import BulletinCorrected
from app.kit.settings import Settings

how, left = (sys.argv[2], int(sys.argv[3])) if len(sys.argv) > 2 else ("", 0)


async def go_wrong(session: AsyncSession, _events: Sequence[BulletinCorrected]) -> None:
    global left  # noqa: PLW0603
    left -= 1
    if left:
        return
    if how == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if how == "bug":
        raise RuntimeError("a bug")
    await session.execute(select(func.pg_terminate_backend(func.pg_backend_pid())))


async def main() -> None:
    changes = wiring.changes
    handlers = {**changes.handlers, BulletinCorrected: (*changes.handlers[BulletinCorrected], go_wrong)}
    settings = Settings().with_database(sys.argv[1])
    async with worker.job_app(settings, replace(changes, handlers=handlers)) as app:
        with suppress(AlreadyEnqueued):  # As the clock does each minute.
            await app.configure_task("retry-stalled").defer_async(timestamp=0)
        await app.run_worker_async(wait=False, install_signal_handlers=False)


asyncio.run(main())
