"""Webhooks in tests: a partner, its server, and a worker that delivers until something is true."""

import asyncio
import json
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from time import monotonic
from typing import Any
from uuid import UUID

import psycopg

from app import wiring
from app.bulletins.events import ReferenceMerged, TagMerged
from app.kit import changes
from app.kit.db import connect
from app.kit.settings import Settings
from app.partners import messages
from app.partners.delivering import Deliverer, Pace
from app.search import indexing
from tests.conftest import heard
from tests.partners.receiver import Received

QUICK = Pace(patience=2, idle=0.01, first_wait=timedelta(seconds=0.01))


def fan_out(settings: Settings) -> None:
    """Let search and webhooks follow the log as the worker does."""

    async def run() -> None:
        async with connect(settings) as database:
            for name in (indexing.FOLLOWER, messages.FOLLOWER):
                await changes.catch_up(database, name, wiring.changes.followers[name])

    asyncio.run(run())


def deliver(settings: Settings, until: Callable[[], object], pace: Pace = QUICK) -> None:
    """Follow the log and deliver, until something is true."""

    fan_out(settings)
    run_deliverer(settings, lambda: wait_until(until), pace)


def run_deliverer(settings: Settings, act: Callable[[], object], pace: Pace = QUICK) -> None:
    """Deliver while something is done."""

    async def run() -> None:
        async with connect(settings) as database:
            deliverer = Deliverer(database, settings, behind=indexing.FOLLOWER, pace=pace)
            async with deliverer.running():
                await asyncio.to_thread(act)

    asyncio.run(run())


def wait_until(true: Callable[[], object], seconds: float = 60) -> None:
    end = monotonic() + seconds
    while not true():
        assert monotonic() < end, "it did not come about"
        time.sleep(0.01)


def finished(settings: Settings, count: int) -> Callable[[], bool]:
    done = "SELECT 1 FROM webhook_delivery WHERE state <> 'pending'"
    return lambda: len(rows(settings, done)) >= count


def rows(settings: Settings, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(settings.conninfo) as connection:
        return connection.execute(query).fetchall()


def execute(settings: Settings, statement: str) -> None:
    with psycopg.connect(settings.conninfo) as connection:
        connection.execute(statement)


def merge_tags(settings: Settings, gone: str, into: str) -> None:
    """Let one tag stand for two."""
    _merge(settings, lambda at: TagMerged(slug=gone, into=into, at=at))


def merge_references(settings: Settings, gone: str, into: str) -> None:
    """Let one reference be cited for two; both by id."""
    _merge(settings, lambda at: ReferenceMerged(id=UUID(gone), into=UUID(into), at=at))


def _merge(settings: Settings, event: Callable[[datetime], TagMerged | ReferenceMerged]) -> None:
    async def run() -> None:
        async with connect(settings) as database:
            async with database.session() as session:
                at = await wiring.changes.begin(session)
                await wiring.changes.record(session, event(at))
            await heard(settings, database)

    asyncio.run(run())


def body(received: Received) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(received.body)
    return parsed
