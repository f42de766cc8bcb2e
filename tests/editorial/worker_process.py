"""A worker of its own process that publishes what is due; argument: DATABASE_URL.

With a second argument ``die`` it kills itself in the middle of its first publication: everything is
written, nothing committed.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncSession

from app import wiring, worker
from app.bulletins.events import BulletinPublished
from app.kit.settings import Settings


async def die(_session: AsyncSession, _events: Sequence[BulletinPublished]) -> None:
    print("dying", flush=True)  # noqa: T201 - the test waits for it
    os.kill(os.getpid(), signal.SIGKILL)


async def main() -> None:
    changes = wiring.changes
    if "die" in sys.argv:
        handlers = {**changes.handlers, BulletinPublished: (*changes.handlers[BulletinPublished], die)}
        changes = replace(changes, handlers=handlers)
    async with worker.job_app(Settings().with_database(sys.argv[1]), changes):
        print("ready", flush=True)  # noqa: T201
        await asyncio.Event().wait()


asyncio.run(main())
