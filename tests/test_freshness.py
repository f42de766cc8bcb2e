"""Four processes are read during corrections; the full size is `python -m tests.test_freshness 1000`."""

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx2

from app.bulletins.curate import curate
from app.bulletins.taxonomy import curated
from app.editorial import commands
from app.ingest.report import ImportReport, ImportResult
from app.kit import migrate
from app.kit.db import Database, connect
from app.kit.embedded_postgres import running
from app.kit.settings import Settings
from app.wiring import changes
from scripts.serving import serving
from tests.bulletins.conftest import on_the_shelf
from tests.conftest import publish_into

PROCESSES = 4
BOUND = 2.0
"""Seconds after which no process may give an older version, on a machine with much else to do."""


@contextmanager
def processes(settings: Settings) -> Iterator[list[str]]:
    with ExitStack() as stack:
        environment = {"DATABASE_URL": settings.conninfo, "NQPF_DATA": str(settings.data)}
        servers = [stack.enter_context(serving(environment)) for _ in range(PROCESSES)]
        yield [server.address for server in servers]


async def correct(database: Database, number: int) -> int:
    document = on_the_shelf(0).model_copy(update={"abstract": f"第 {number} 次更正"})
    report = ImportReport(file="test.txt", format="text", sha256=f"{number}-{os.getpid()}")
    async with database.session() as session:
        result = ImportResult(document=document, report=report)
        await commands.import_file(session, result, b"test", author="test")
        return (await commands.publish(session, changes, document.slug)).version


async def hammer(settings: Settings, addresses: list[str], publishes: int) -> list[float]:
    """Seconds from each commit until all processes have answered with that version or a newer one."""
    committed: dict[int, float] = {1: time.monotonic()}
    seen: dict[int, list[float]] = {}
    slug = on_the_shelf(0).slug

    async def read(address: str) -> None:
        last = 0
        async with httpx2.AsyncClient(base_url=address, timeout=20) as client:
            while last <= publishes:
                asked = time.monotonic()
                version = (await client.get(f"/v1/bulletins/{slug}")).json()["version"]
                assert version >= last, "a version went back"
                due = max(known for known, at in committed.items() if at <= asked - BOUND or known == 1)
                assert version >= due, "an answer is older than its bound"
                for known in range(last + 1, version + 1):
                    seen.setdefault(known, []).append(time.monotonic())
                last = version

    async def publish() -> None:
        async with connect(settings) as database:
            for number in range(publishes):
                version = await correct(database, number)
                committed[version] = time.monotonic()

    await asyncio.gather(publish(), *map(read, addresses))
    return sorted(max(times) - committed[version] for version, times in seen.items() if version > 1)


def run(settings: Settings, publishes: int) -> list[float]:
    publish_into(settings, [on_the_shelf(0)])
    with processes(settings) as addresses:
        return asyncio.run(hammer(settings, addresses, publishes))


def test_no_process_answers_with_a_version_older_than_its_bound(settings: Settings) -> None:
    assert len(run(settings, 40)) == 40


async def _curate(settings: Settings) -> None:
    async with connect(settings) as database, database.session() as session:
        await curate(session, curated())


def main(publishes: int) -> None:
    """Run it by itself, and say how late versions are seen everywhere."""
    with tempfile.TemporaryDirectory(prefix="nqpf-") as folder, running(Path(folder)) as uri:
        settings = Settings(data=Path(folder)).with_database(uri)
        migrate.upgrade(settings)
        asyncio.run(_curate(settings))
        late = run(settings, publishes)
    sys.stdout.write(
        f"p50 {late[len(late) // 2] * 1000:.0f} ms, p95 {late[len(late) * 95 // 100] * 1000:.0f} ms"
    )


if __name__ == "__main__":
    main(int(sys.argv[1]))
