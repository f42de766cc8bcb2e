"""A change log that tests write to, and a store that follows it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar

import psycopg
from psycopg.conninfo import make_conninfo

from app.kit.changes import ChangeLog
from app.kit.db import Database, connect
from app.kit.front_answer import Answer
from app.kit.front_store import Store
from app.kit.listening import Invalidator
from app.kit.settings import Settings
from tests.kit.toy import until

CHANGES = """CREATE TABLE change (seq bigint GENERATED ALWAYS AS IDENTITY, kind text NOT NULL,
 subject text NOT NULL, version bigint NOT NULL, payload jsonb NOT NULL, at timestamptz NOT NULL)"""
INSERT = "INSERT INTO change (kind, subject, version, payload, at) VALUES ('x', %s, 1, '{}', now())"
LISTENERS = "FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'front'"


@dataclass(frozen=True)
class Happened:
    subject: str
    version: int = 1
    at: datetime = datetime(2026, 6, 25, tzinfo=UTC)
    kind: ClassVar[str] = "test.happened"

    def payload(self) -> dict[str, Any]:
        return {"tags": ["compute"]}


def touched(kind: str, subject: str, payload: Mapping[str, Any]) -> Iterable[str]:
    if kind == "broken":
        raise ZeroDivisionError
    return [subject, *(f"tag:{tag}" for tag in payload.get("tags", ()))]


def fill(store: Store, *names: str) -> None:
    for name in names:
        answer = Answer(200, [], b"x", keys=frozenset({name}), lifetime=10**6, now=0)
        store.put((name, ""), answer, store.clock)


def held(store: Store, *names: str) -> list[str]:
    """Which of the names have a fresh answer."""
    return [name for name in names if store.fresh((name, ""), (name, b""), 1) is not None]


async def record(database: Database, log: ChangeLog, subject: str) -> None:
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
    async with Invalidator(conninfo, store, touched, **options).running():
        await until(lambda: store.listening)
        yield store


def with_store(
    settings: Settings, test: Callable[[Store, Database], Awaitable[None]], **options: float
) -> None:
    async def run() -> None:
        async with following(settings, **options) as store, connect(settings) as database:
            await test(store, database)

    asyncio.run(run())
