"""A change log that tests write to, and a store that follows it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar

import psycopg
from psycopg.conninfo import make_conninfo
from sqlalchemy.ext.asyncio import AsyncSession

from app.kit.changes import ChangeLog, touch
from app.kit.db import Database, connect
from app.kit.front_answer import Answer
from app.kit.front_store import Store
from app.kit.hub import Hub
from app.kit.listening import Invalidator
from app.kit.settings import Settings
from tests.kit.toy import until

CHANGES = """CREATE TABLE change (seq bigint GENERATED ALWAYS AS IDENTITY, kind text NOT NULL,
 subject text NOT NULL, version bigint NOT NULL, payload jsonb NOT NULL, touched jsonb NOT NULL,
 at timestamptz NOT NULL)"""
INSERT = """INSERT INTO change (kind, subject, version, payload, touched, at)
 VALUES ('x', 'x', 1, '{}', jsonb_build_array(%s::text), now())"""
LISTENERS = "FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'front'"


@dataclass(frozen=True)
class Happened:
    subject: str
    version: int = 1
    at: datetime = datetime(2026, 6, 25, tzinfo=UTC)
    kind: ClassVar[str] = "test.happened"

    def payload(self) -> dict[str, Any]:
        return {}


async def touches(session: AsyncSession, events: Sequence[Happened]) -> None:
    """A handler: the subject's answer is another one, and its tag's."""
    touch(session, "tag:compute", *(event.subject for event in events))


LOG = ChangeLog(handlers={Happened: (touches,)})


def fill(store: Store, *names: str) -> None:
    for name in names:
        answer = Answer(200, [], b"x", keys=frozenset({name}), lifetime=10**6, now=0)
        store.put((name, ""), answer, store.clock)


def held(store: Store, *names: str) -> list[str]:
    """Which of the names have a fresh answer."""
    return [name for name in names if store.fresh((name, ""), (name, b""), 1) is not None]


async def record(database: Database, subject: str, log: ChangeLog = LOG) -> None:
    async with database.session() as session:
        await log.begin(session)
        await log.record(session, Happened(subject))


def execute(settings: Settings, statement: str, *values: object) -> list[Any]:
    with psycopg.connect(settings.conninfo, autocommit=True) as connection:
        cursor = connection.execute(statement.encode(), values)
        return cursor.fetchall() if cursor.description else []


@asynccontextmanager
async def following(settings: Settings, **options: float) -> AsyncIterator[Store]:
    """A store that listens to the database of the settings."""
    store = Store()
    conninfo = make_conninfo(settings.conninfo, application_name="front")
    async with Invalidator(conninfo, store, Hub(), **options).running():
        await until(lambda: store.listening)
        yield store


def with_store(
    settings: Settings, test: Callable[[Store, Database], Awaitable[None]], **options: float
) -> None:
    async def run() -> None:
        async with following(settings, **options) as store, connect(settings) as database:
            await test(store, database)

    asyncio.run(run())
