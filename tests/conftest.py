"""A real PostgreSQL, a real server on a socket, and bulletins to read."""

import asyncio
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any, LiteralString, Protocol
from uuid import uuid4

import httpx2
import psycopg
import pytest
import structlog
from fastapi import APIRouter, FastAPI
from psycopg import sql
from sqlalchemy import event, func, select

from app import wiring
from app.bulletins.curate import curate
from app.bulletins.document import BulletinDocument
from app.bulletins.taxonomy import curated
from app.editorial import commands
from app.editorial.commands import Published, Withdrawn
from app.ingest.report import ImportReport, ImportResult
from app.kit import migrate
from app.kit.changes import Change
from app.kit.db import Database, connect
from app.kit.embedded_postgres import running
from app.kit.front import Front
from app.kit.front_store import Store
from app.kit.settings import Settings
from app.main import create_app
from tests.kit.wire import client_of, served

# As the programs log. The default shows local values too, and takes seconds in the server's own loop.
structlog.configure(
    processors=[structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
)

RUNNING: list["Server"] = []
"""The servers of this process."""

SAMPLES = Path(__file__).parent / "samples"
LOOPBACK = (ip_network("127.0.0.0/8"),)


@pytest.fixture(scope="session")
def samples() -> Path:
    """The folder of inputs and golden outputs."""
    return SAMPLES


@dataclass(frozen=True)
class Cluster:
    """A PostgreSQL server of this test process; ``settings`` are for one of its databases."""

    settings: Settings

    def named(self, database: str) -> Settings:
        uri = self.settings.conninfo.replace("/nqpf?", f"/{database}?")
        return self.settings.with_database(uri)

    def execute(self, statement: sql.Composed) -> None:
        with psycopg.connect(self.settings.conninfo, autocommit=True) as connection:
            connection.execute(statement)

    @contextmanager
    def database(self, template: str | None = None) -> Iterator[Settings]:
        """A new database, a copy of ``template`` if one is named, dropped at the end."""
        name = f"t{uuid4().hex}"
        create = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY").format(
            sql.Identifier(name), sql.Identifier(template or "template0")
        )
        self.execute(create)
        try:
            yield self.named(name)
        finally:
            self.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def in_memory() -> str | None:
    """A folder in memory, where there is room: nearly every test makes a database and drops it."""
    memory = Path("/dev/shm")  # noqa: S108 - a folder of our own is made there
    return str(memory) if memory.is_dir() and shutil.disk_usage(memory).free > 2 * 2**30 else None


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    fast = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "200"}
    # Not below pytest's own folder: another run as root would close it to the server's account.
    with (
        tempfile.TemporaryDirectory(prefix="nqpf-", dir=in_memory()) as folder,
        running(Path(folder), fast) as uri,
    ):
        base = Settings(data=Path(folder), meili_url=None, limits_exempt=LOOPBACK)
        yield Cluster(base.with_database(uri))


@pytest.fixture(scope="session")
def template(cluster: Cluster) -> Iterator[str]:
    """The name of a migrated database with the curated tags, to copy from."""
    with cluster.database() as settings:
        migrate.upgrade(settings)

        async def fill() -> None:
            async with connect(settings) as database, database.session() as session:
                await curate(session, curated())

        asyncio.run(fill())
        yield settings.conninfo.partition("@/")[2].partition("?")[0]


@pytest.fixture
def empty_settings(cluster: Cluster) -> Iterator[Settings]:
    """Settings for an empty database: no table, no migration."""
    with cluster.database() as settings:
        yield settings


@pytest.fixture
def settings(cluster: Cluster, template: str) -> Iterator[Settings]:
    """Settings for a migrated database of the test's own."""
    with cluster.database(template) as settings:
        yield settings


class Publish(Protocol):
    def __call__(self, *documents: BulletinDocument, note: str = "") -> list[Published]: ...


def publish_into(
    settings: Settings, documents: Sequence[BulletinDocument], note: str = ""
) -> list[Published]:
    """Import and publish documents as the command line does."""

    async def run() -> list[Published]:
        published = []
        async with connect(settings) as database:
            for document in documents:
                report = ImportReport(file="test.txt", format="text", sha256=uuid4().hex)
                async with database.session() as session:
                    result = ImportResult(document=document, report=report)
                    await commands.import_file(session, result, b"test", author="test")
                async with database.session() as session:
                    published.append(
                        await commands.publish(session, wiring.changes, document.slug, note=note)
                    )
            await heard(settings, database)
        return published

    return asyncio.run(run())


async def heard(settings: Settings, database: Database) -> None:
    """Wait until the servers of this process have heard of all that is published."""
    async with database.snapshot() as session:
        last = await session.scalar(select(func.max(Change.seq))) or 0
    async with asyncio.timeout(20):
        for server in [server for server in RUNNING if server.settings == settings]:
            while server.store.listening and server.store.seq < last:  # noqa: ASYNC110 - in another thread
                await asyncio.sleep(0.001)


@pytest.fixture
def publish(settings: Settings) -> Publish:
    """Publishes documents into the test's own database."""
    return lambda *documents, note="": publish_into(settings, documents, note)


class Withdraw(Protocol):
    def __call__(self, slug: str, note: str = "已撤回。") -> Withdrawn: ...


@pytest.fixture
def withdraw(settings: Settings) -> Withdraw:
    """Withdraws a bulletin from the test's own database."""

    async def run(slug: str, note: str) -> Withdrawn:
        async with connect(settings) as database:
            async with database.session() as session:
                withdrawn = await commands.withdraw(session, wiring.changes, slug, note)
            await heard(settings, database)
        return withdrawn

    return lambda slug, note="已撤回。": asyncio.run(run(slug, note))


@dataclass(frozen=True)
class Server:
    """The API on a socket of 127.0.0.1; ``app`` is what stands behind the front with its ``store``."""

    settings: Settings
    app: FastAPI
    store: Store
    client: httpx2.Client
    port: int

    @contextmanager
    def counting(self) -> Iterator[list[str]]:
        """The SQL statements executed while the context lasts; nothing is hot at its beginning."""
        self.forget()
        database = self.app.state.database
        engine = database.engine.sync_engine
        lookup = database.lookup
        statements: list[str] = []

        async def look_up(query: LiteralString, parameters: Sequence[object]) -> Any:
            statements.append(query)
            return await lookup(query, parameters)

        def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
            if "publication_schedule" not in statement:  # The server looks there each second by itself.
                statements.append(statement)

        event.listen(engine, "before_cursor_execute", note)
        database.lookup = look_up
        try:
            yield statements
        finally:
            event.remove(engine, "before_cursor_execute", note)
            database.lookup = lookup

    def forget(self) -> None:
        """Let nothing be hot, after the database was changed behind the server's back."""
        self.store.clear()


@contextmanager
def serving(settings: Settings, *routers: APIRouter) -> Iterator[Server]:
    """The API, with further routers if some are given."""
    gate = create_app(settings)
    front = gate.app
    assert isinstance(front, Front)
    app = front.app
    assert isinstance(app, FastAPI)
    for router in routers:
        app.include_router(router)
    with served(gate, lifespan="on") as port, client_of(port) as client:
        client.get("/health/live")  # the socket listens already: the answer waits for the start
        # A database that has not been migrated has nothing to listen to.
        deadline = time.monotonic() + (20 if client.get("/health/ready").is_success else 0)
        while not front.store.listening and time.monotonic() < deadline:
            time.sleep(0.001)
        server = Server(settings, app, front.store, client, port)
        RUNNING.append(server)
        yield server
        RUNNING.remove(server)


@pytest.fixture
def serve() -> Callable[[Settings], object]:
    """Starts the API for given settings: ``with serve(settings) as server``."""
    return serving


@pytest.fixture
def server(settings: Settings) -> Iterator[Server]:
    """The API on the test's own database."""
    with serving(settings) as server:
        yield server


@pytest.fixture
def api(server: Server) -> httpx2.Client:
    """A client of the API on the test's own database."""
    return server.client


@pytest.fixture(scope="session")
def library_server(cluster: Cluster, template: str) -> Iterator[Server]:
    """The API on a database that tests only read: the real bulletin and a month before it."""
    from app.ingest.reader import read_bulletin
    from scripts.archive import generate

    with cluster.database(template) as settings:
        seed = read_bulletin(SAMPLES / "2026-06-25.txt", curated(), date(2026, 6, 26)).document
        archive = list(generate(30, seed=1, until=date(2026, 6, 25) - timedelta(days=1)))
        publish_into(settings, [*reversed(archive), seed])
        with psycopg.connect(settings.conninfo) as connection:
            # Content younger than two seconds has no Last-Modified.
            connection.execute("UPDATE change SET at = at - interval '1 hour'")
            connection.execute("UPDATE published_version SET at = at - interval '1 hour'")
        with serving(settings) as server:
            yield server


@pytest.fixture
def library(library_server: Server) -> httpx2.Client:
    """A client of the API on the shared database; read only."""
    return library_server.client
