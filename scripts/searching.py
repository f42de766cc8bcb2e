"""Fills the search index of an archive in another process, while the archive is published."""

import multiprocessing
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from multiprocessing.connection import Connection

import uvloop

from app import wiring
from app.bulletins.events import BulletinPublished
from app.kit.db import connect
from app.kit.settings import Settings
from app.search import postgres_index, suggest

_INDEX = (postgres_index.index, suggest.index)

WITHOUT = replace(
    wiring.changes,
    handlers={
        BulletinPublished: [
            handler for handler in wiring.changes.handlers[BulletinPublished] if handler not in _INDEX
        ]
    },
)
"""Publishing without the search index, which takes a second processor as long as all else takes one."""


@contextmanager
def indexer(settings: Settings) -> Iterator[Callable[[list[BulletinPublished]], None]]:
    """Takes what has been published and indexes it; leaving waits until all of it is.

    :raises RuntimeError: the other process has failed; it has said why.
    """
    processes = multiprocessing.get_context("spawn")
    receiving, sending = processes.Pipe(duplex=False)
    process = processes.Process(target=_run, args=(receiving, settings))
    process.start()
    receiving.close()
    try:
        yield sending.send
        sending.send([])
        process.join()
    finally:
        sending.close()
        process.terminate()
        process.join()
    if process.exitcode:
        raise RuntimeError("the search index is not whole")


def _run(pipe: Connection, settings: Settings) -> None:
    uvloop.run(_index(pipe, settings))


async def _index(pipe: Connection, settings: Settings) -> None:
    async with connect(settings) as database:
        while events := pipe.recv():
            async with database.session() as session:
                for handler in _INDEX:
                    await handler(session, events)
