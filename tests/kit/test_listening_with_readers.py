"""Fronts that listen, with a database behind them."""

import asyncio
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest
from sqlalchemy import text
from starlette.types import Receive, Scope, Send

from app.kit.db import Database, connect
from app.kit.embedded_postgres import Cluster, running
from app.kit.front import Front
from app.kit.settings import Settings
from tests.kit.change_log import CHANGES, INSERT, execute, following, record
from tests.kit.toy import PUBLIC, Toy, on_socket, until


@dataclass
class Versions:
    """An application whose only answer is the number of changes that its database knows."""

    database: Database

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            async with self.database.snapshot() as session:
                count = await session.scalar(text("SELECT count(*) FROM change"))
            toy = Toy(body=b"%d" % count)
        except Exception:
            toy = Toy(status=503, headers={})
        await toy(scope, receive, send)


def test_versions_never_go_back_and_the_process_that_changes_never_gives_the_old_one(
    settings: Settings,
) -> None:
    """Three processes, as far as stores and connections go, read while the first one publishes."""
    published = 0

    async def reading(client: httpx2.AsyncClient, *, publishes: bool) -> None:
        last = 0
        while last < 60:
            before = published
            version = int((await client.get("/a")).content)
            assert version >= last
            assert version >= before or not publishes
            last = version

    async def publishing(database: Database) -> None:
        nonlocal published
        for number in range(1, 61):
            await record(database, "thing")
            published = number

    async def run() -> None:
        async with (
            connect(settings) as database,
            following(settings) as first,
            following(settings) as second,
            following(settings) as third,
            on_socket(Front(Versions(database), first)) as publisher,
            on_socket(Front(Versions(database), second)) as reader,
            on_socket(Front(Versions(database), third)) as other,
            asyncio.timeout(60),
        ):
            database.told = lambda changed: first.drop(changed.keys, changed.seq)
            await asyncio.gather(
                publishing(database),
                *(
                    reading(client, publishes=client is publisher)
                    for client in (publisher, reader, other) * 2
                ),
            )

    asyncio.run(run())


@pytest.fixture
def own_cluster() -> Iterator[tuple[Cluster, Settings]]:
    """A server that the test may restart, with a change log."""
    with tempfile.TemporaryDirectory(prefix="nqpf-", ignore_cleanup_errors=True) as folder:
        data = Path(folder).resolve()
        with running(data, {"fsync": "off"}) as uri:
            settings = Settings(data=data).with_database(uri)
            execute(settings, CHANGES)
            yield Cluster(data), settings


def test_hot_answers_go_on_while_postgres_restarts_and_then_recover(
    own_cluster: tuple[Cluster, Settings],
) -> None:
    cluster, settings = own_cluster

    async def run() -> None:
        async with (
            following(settings) as store,
            connect(settings) as database,
            on_socket(Front(Versions(database), store, stale_if_error=60)) as client,
        ):
            fresh = await client.get("/a")
            assert (fresh.content, fresh.headers["cache-control"]) == (b"0", PUBLIC["Cache-Control"])
            await asyncio.to_thread(cluster.stop)
            await until(lambda: not store.listening)
            for _ in range(3):
                stale = await client.get("/a")
                assert (stale.status_code, stale.content) == (200, b"0")
                assert stale.headers["cache-control"] == "no-cache"
            assert (await client.get("/b")).status_code == 503, "it was never hot"
            await asyncio.to_thread(cluster.start, {"fsync": "off"})
            execute(settings, INSERT, "thing")
            await until(lambda: store.listening)
            recovered = await client.get("/a")
            assert (recovered.content, recovered.headers["age"]) == (b"1", "0")
            assert recovered.headers["cache-control"] == PUBLIC["Cache-Control"]

    asyncio.run(run())
