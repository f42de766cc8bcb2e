"""Runs the worker, and another one when it was killed, each in a process whose id is printed."""

import asyncio
import os

from app import worker
from app.kit.settings import Settings

for _ in range(2):
    child = os.fork()  # What takes long, the imports, is done once.
    if not child:
        asyncio.run(worker.run(Settings.load()))
        os._exit(0)
    print(child, flush=True)  # noqa: T201 - the test reads it
    os.waitpid(child, 0)
