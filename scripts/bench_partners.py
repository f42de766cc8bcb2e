"""What partners cost and get: sync, webhooks, limits; ratios beside a reference of the same run."""

import asyncio
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any

import httpx2
import typer
from rich.console import Console

from app import wiring
from app.bulletins.document import BulletinDocument
from app.bulletins.events import BulletinCorrected
from app.kit import migrate
from app.kit.db import Database, connect
from app.kit.embedded_postgres import running
from app.kit.settings import Settings
from app.worker import catch_up_all
from scripts.archive import generate
from scripts.keys import new_key
from scripts.load import load
from scripts.serving import rate, serving

SENT = 40
ENDPOINTS = 50
BATCH = 100

console = Console(stderr=True)


@dataclass
class Sink:
    """Takes HTTP requests as fast as it can, and notes when each came."""

    came: list[tuple[float, bytes]] = field(default_factory=list)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[str]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=512)
        async with server:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                length = int(head.partition(b"content-length:")[2].split(b"\r\n")[0])
                body = await reader.readexactly(length)
                self.came.append((perf_counter(), body))
                writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def wait(self, count: int) -> None:
        async with asyncio.timeout(120):
            while len(self.came) < count:  # noqa: ASYNC110 - the sink is to do as little as it can
                await asyncio.sleep(0.01)


async def correct(database: Database, documents: list[BulletinDocument], version: int) -> None:
    """Publish a next version of each, in one transaction."""
    async with database.session() as session:
        at = await wiring.changes.begin(session)
        events = [
            BulletinCorrected(
                document=each.model_copy(update={"abstract": f"{each.abstract}{version}"}),
                version=version,
                at=at,
            )
            for each in documents
        ]
        await wiring.changes.record(session, *events)


def sync(base: str, key: str) -> tuple[int, float]:
    """Items of the whole state, and the seconds it took."""
    items, query, began = 0, {"limit": "200"}, perf_counter()
    with httpx2.Client(base_url=base, headers={"Authorization": f"Bearer {key}"}, timeout=60) as client:
        client.headers["Accept-Encoding"] = "identity"
        while True:
            page = client.get("/v1/sync", params=query).raise_for_status().json()
            items += len(page["items"])
            if not page["more"]:
                return items, perf_counter() - began
            query = {"limit": "200", "token": page["token"]}


def listed(base: str, pages: int) -> float:
    """Bulletins a second that the list with all its parts gives, over some pages."""
    query = {"limit": "200", "include": "sections,citations,contacts"}
    count, began = 0, perf_counter()
    with httpx2.Client(base_url=base, headers={"Accept-Encoding": "identity"}, timeout=60) as client:
        for _ in range(pages):
            page = client.get("/v1/bulletins", params=query).raise_for_status().json()
            count += len(page["items"])
            query["cursor"] = page["next"]
    return count / (perf_counter() - began)


@contextmanager
def worker(environment: dict[str, str]) -> Iterator[None]:
    command = [sys.executable, "-m", "app.cli", "worker"]
    process = subprocess.Popen(command, env={**os.environ, **environment})  # noqa: S603 - our own program
    try:
        yield
    finally:
        process.terminate()
        process.wait(20)


async def webhooks(
    settings: Settings, base: str, key: str, documents: list[BulletinDocument]
) -> Iterator[str]:
    """The delay from publishing to a webhook, and how many a second go to many endpoints."""
    sink = Sink()
    client = httpx2.AsyncClient(base_url=base, headers={"Authorization": f"Bearer {key}"})
    async with connect(settings) as database, sink.open() as url, client:
        await catch_up_all(database, wiring.changes)  # What was loaded is not for the endpoint.
        await client.post("/v1/partners/webhooks", json={"url": f"{url}/0"})
        published = {}
        for document in documents[:SENT]:
            await correct(database, [document], 2)
            published[document.slug] = perf_counter()
            await asyncio.sleep(0.25)
        await sink.wait(SENT)
        delays = [at - published[json.loads(body)["data"]["id"]] for at, body in sink.came]
        for number in range(1, ENDPOINTS):
            answer = await client.post("/v1/partners/webhooks", json={"url": f"{url}/{number}"})
            answer.raise_for_status()
        count = len(sink.came)
        await correct(database, documents[-BATCH:], 2)
        await sink.wait(count + ENDPOINTS * BATCH)
        sent = ENDPOINTS * BATCH / (sink.came[-1][0] - sink.came[count][0])
        bare = await _posts(url, sink.came[-1][1], 2_000)
    delays.sort()
    p95 = delays[int(len(delays) * 0.95)]
    return iter(
        (
            (
                f"| publish to webhook, 3 s of settling included | p50 {statistics.median(delays):.2f} s, "
                f"p95 {p95:.2f} s |"
            ),
            (
                f"| webhooks to {ENDPOINTS} endpoints / bare POSTs by the same client | "
                f"{sent / bare:.2f} ({sent:,.0f}/s) |"
            ),
        )
    )


async def _posts(url: str, body: bytes, count: int) -> float:
    limits = httpx2.Limits(max_connections=200, max_keepalive_connections=200)
    async with httpx2.AsyncClient(limits=limits, trust_env=False) as client:
        room = asyncio.Semaphore(200)

        async def post() -> None:
            async with room:
                await client.post(url, content=body)

        began = perf_counter()
        await asyncio.gather(*(post() for _ in range(count)))
        return count / (perf_counter() - began)


@contextmanager
def _archive(size: int) -> Iterator[Settings]:
    """The database that DATABASE_URL names, filled by ``scripts.load``, or one made for this run."""
    settings = Settings.load()
    if settings.database_url:
        yield settings
        return
    with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as url:
        made = settings.with_database(url)
        migrate.upgrade(made)
        asyncio.run(load(made, size))
        yield made


def main(
    size: Annotated[int, typer.Option(help="Bulletins in the archive, without DATABASE_URL")] = 20_000,
    seconds: Annotated[int, typer.Option(min=1, help="Length of one measurement of the limits")] = 2,
) -> None:
    """Print what sync, webhooks and limits do, as rows of a Markdown table."""
    with ExitStack() as stack:
        settings = stack.enter_context(_archive(size))
        key = asyncio.run(new_key(settings))
        console.print("measuring")
        environment: dict[str, Any] = {
            "DATABASE_URL": settings.conninfo,
            "NQPF_WEBHOOK_ALLOW": "127.0.0.1/32",
            "NQPF_LIMITS_ANONYMOUS": "1000000000/minute;1000000000/day",
            "NQPF_LIMITS_INTERNAL": "1000000000/minute;1000000000/day",
        }
        limited = {**environment, "NQPF_LIMITS_EXEMPT": ""}
        counted = stack.enter_context(serving(limited)).address
        exempt = stack.enter_context(serving(environment)).address
        items, took = sync(exempt, key)
        rows = [
            (
                f"| sync of {items:,} items / the list with all parts | "
                f"{items / took / listed(exempt, 10):.2f} ({items / took:,.0f} items/s) |"
            )
        ]
        path = "/v1/tags?limit=1"
        seen: list[list[float]] = []
        for _ in range(3):
            reads = rate(exempt + path, seconds), rate(counted + path, seconds)
            seen.append([*reads, rate(counted + path, seconds, f"Authorization: Bearer {key}")])
        bare, limits, both = (statistics.median(column) for column in zip(*seen, strict=True))
        rows.append(f"| read with limits / without | {limits / bare:.2f} |")
        rows.append(f"| read with limits and key / without | {both / bare:.2f} |")
        with worker(environment):
            documents = list(generate(200, seed=1))
            rows += asyncio.run(webhooks(settings, exempt, key, documents))
    print(f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, {platform.machine()},", end=" ")
    print(f"Python {platform.python_version()}\n\n| partners | |\n|---|---|")
    print("\n".join(rows))


if __name__ == "__main__":
    typer.run(main)
