"""Lets the follower catch up, or builds the index anew, in processes that are killed at each step in turn.

Arguments: DATABASE_URL, the index's name, and ``follow`` or ``reindex``. Each request to MEILI_URL has two
steps, right before and right after it. The last process is not killed; the output is the signal that
ended each, and the follower's position then, as JSON.
"""

import asyncio
import json
import os
import signal
import sys
from typing import Any

import psycopg
from meilisearch._httprequests import HttpRequests

from app.kit import changes
from app.kit.db import connect
from app.kit.settings import Settings
from app.search.indexing import FOLLOWER, follower, reindex
from app.search.meilisearch_index import Index

url, uid, work = sys.argv[1:]
steps = 0
deadly = 0
send = HttpRequests.send_request


def step() -> None:
    global steps  # noqa: PLW0603 - one process, one counter
    steps += 1
    if steps == deadly:
        os.kill(os.getpid(), signal.SIGKILL)


def sending(*arguments: Any, **options: Any) -> Any:
    step()
    answer = send(*arguments, **options)
    step()
    return answer


async def main() -> None:
    settings = Settings.load().with_database(url)
    index = Index(settings, uid)
    async with connect(settings) as database:
        if work == "follow":
            await changes.catch_up(database, FOLLOWER, follower(lambda: index))
        else:
            await reindex(database, index)


def position() -> int:
    with psycopg.connect(url) as connection:
        query = "SELECT coalesce(max(seq), 0) FROM change_position WHERE follower = %s"
        row = connection.execute(query, [FOLLOWER]).fetchone()
    assert row
    return int(row[0])


HttpRequests.send_request = sending  # type: ignore[method-assign]
ends: list[tuple[int, int]] = []
while not ends or ends[-1][0]:
    deadly += 1
    child = os.fork()
    if not child:
        asyncio.run(main())
        os._exit(0)
    _, status = os.waitpid(child, 0)
    ends.append((status, position()))
sys.stdout.write(json.dumps(ends))
