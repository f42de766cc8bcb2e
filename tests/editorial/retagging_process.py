"""A worker of its own process that does what jobs there are; argument: DATABASE_URL.

With a second argument it kills itself in the middle of that correction: everything is written, nothing
committed.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncSession

from app import wiring, worker
from app.bulletins.events import BulletinCorrected
from app.kit.settings import Settings

left = int(sys.argv[2]) if len(sys.argv) > 2 else 0


async def die(_session: AsyncSession, _events: Sequence[BulletinCorrected]) -> None:
    global left  # noqa: PLW0603
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)


async def main() -> None:
    changes = wiring.changes
    handlers = {**changes.handlers, BulletinCorrected: (*changes.handlers[BulletinCorrected], die)}
    settings = Settings().with_database(sys.argv[1])
    async with worker.job_app(settings, replace(changes, handlers=handlers)) as app:
        await app.run_worker_async(wait=False, install_signal_handlers=False)


asyncio.run(main())
