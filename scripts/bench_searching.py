"""Searching speed on growing archives: both engines bare and behind the API, in one run, as ratios."""

import asyncio
import os
import platform
import tempfile
from collections.abc import AsyncIterator, Awaitable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import quantiles
from time import perf_counter
from typing import Annotated

import httpx2
import typer
import uvloop
from fastapi import FastAPI
from rich.console import Console
from sqlalchemy import text

from app.kit import migrate
from app.kit.db import Database
from app.kit.embedded_postgres import running
from app.kit.front_store import Store
from app.kit.settings import Settings
from app.main import create_api
from app.search import indexing, meilisearch, postgres
from app.search.contract import Facet, Filters, Search, SearchEngine
from app.search.meilisearch_index import Index
from app.search.vocabulary import understand
from scripts.load import REPEATED, load, repeat, vacuum

SECTIONS_A_BULLETIN = 7
"""About, its abstract included."""
SUGGESTING = 20_000
"""Bulletins that suggestions are measured at."""
QUERIES = 24
UID = "nqpf_bench"
SECTIONS = "SELECT count(*) FROM search_section"
SIZE = "SELECT pg_total_relation_size('search_section') + pg_total_relation_size('search_term')"

TYPED = (
    "s",
    "shu",
    "shuju",
    "sjys",
    "数",
    "数据要",
    "guojia",
    "gj",
    "国家",
    "ai",
    "AI",
    "suanli",
    "算力",
    "xcy",
    "量子",
    "zzz",
)

console = Console(stderr=True)


@dataclass(frozen=True, slots=True)
class Times:
    """Middle and slow times, in milliseconds."""

    p50: float
    p95: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> "Times":
        cuts = quantiles(seconds, n=20)
        return cls(cuts[9] * 1_000, cuts[18] * 1_000)


@dataclass(slots=True)
class Measured:
    """An engine at one size; times by kind of query, the engine's own and the API's."""

    sections: int
    bare: dict[str, Times] = field(default_factory=dict)
    api: dict[str, Times] = field(default_factory=dict)
    rate: float | None = None
    size: int = 0


Results = dict[str, list[Measured]]


async def queries(database: Database) -> dict[str, list[str]]:
    """Queries of each kind about what the archive's sections are tagged with."""
    statement = text(
        "SELECT array_agg(name ORDER BY position) FROM section_tag JOIN tag ON tag.id = tag_id"
        " GROUP BY section_id HAVING count(*) > 2 ORDER BY md5(section_id::text) LIMIT :limit"
    )
    async with database.snapshot() as session:
        tagged = list(await session.scalars(statement, {"limit": QUERIES}))
    return {
        "one word": [names[0] for names in tagged],
        "three words": [" ".join(names[:3]) for names in tagged],
        "sentence": ["{}为什么要与{}一起发展{}？".format(*names[:3]) for names in tagged],
        "with facets": [names[0] for names in tagged],
    }


async def timed(work: Awaitable[object]) -> float:
    """Seconds that it takes."""
    start = perf_counter()
    await work
    return perf_counter() - start


@dataclass(frozen=True, slots=True)
class Bench:
    """An archive with the API before it, in this process: what is timed is all Python and its database."""

    database: Database
    app: FastAPI
    client: httpx2.AsyncClient
    rounds: int

    async def scalar(self, statement: str) -> int:
        async with self.database.snapshot() as session:
            return await session.scalar(text(statement)) or 0

    async def get(self, path: str, **parameters: str) -> None:
        (await self.client.get(path, params=parameters)).raise_for_status()

    async def measure(self, engine: SearchEngine, into: Measured) -> None:
        """Ask every query of the engine and of the API before it, in turns, one at a time."""
        self.app.state.search = engine
        filters = Filters(published_until=datetime.now(UTC))
        for kind, texts in (await queries(self.database)).items():
            facets = frozenset(Facet) if kind == "with facets" else frozenset()
            wanted = {"facets": ",".join(facets)} if facets else {}
            bare, api = [], []
            for turn in range(self.rounds + 1):
                for q in texts:
                    async with self.database.snapshot() as session:
                        query = await understand(session, q)
                    search = Search(query, filters, facets=facets, limit=21)
                    took = (
                        await timed(engine.search(search)),
                        await timed(self.get("/v1/search", q=q, **wanted)),
                    )
                    if turn:  # The first one warms up.
                        bare.append(took[0])
                        api.append(took[1])
            into.bare[kind], into.api[kind] = Times.of(bare), Times.of(api)

    async def postgres(self, *, rate: bool) -> Measured:
        """The Postgres engine; the rate is that of building its index anew."""
        measured = Measured(await self.scalar(SECTIONS))
        if rate:
            measured.rate = measured.sections / await timed(postgres.reindex(self.database))
            await vacuum(self.database)
        measured.size = await self.scalar(SIZE)
        await self.measure(postgres.PostgresEngine(self.database), measured)
        return measured

    async def meilisearch(self, settings: Settings) -> Measured:
        index = Index(settings, UID)
        measured = Measured(await self.scalar(SECTIONS))
        if await asyncio.to_thread(index.created):
            await asyncio.to_thread(index.drop)
        before = await used(settings)
        try:
            measured.rate = measured.sections / await timed(indexing.reindex(self.database, index))
            measured.size = await used(settings) - before
            async with meilisearch.connect(settings, UID) as engine:
                await self.measure(engine, measured)
        finally:
            await asyncio.to_thread(index.drop)
        return measured

    async def suggestions(self) -> Times:
        took = []
        for turn in range(self.rounds + 1):
            for q in TYPED:
                once = await timed(self.get("/v1/search/suggest", q=q))
                took += [once] if turn else []
        return Times.of(took)

    async def grow(self, bulletins: int, times: int, tables: Sequence[str] = REPEATED) -> int:
        """Repeat the archive until it has ``times`` as many bulletins; how many it has then."""
        if times > 1:
            async with self.database.session() as session:
                await repeat(session, times - 1, bulletins, tables)
            await vacuum(self.database)
        return bulletins * times


async def used(settings: Settings) -> int:
    """Bytes that Meilisearch's indexes use."""
    key = settings.meili_key.get_secret_value() if settings.meili_key else ""
    async with httpx2.AsyncClient(headers={"Authorization": f"Bearer {key}"}) as client:
        stats = (
            (await client.get(f"{(settings.meili_url or '').rstrip('/')}/stats")).raise_for_status().json()
        )
    return int(stats["usedDatabaseSize"])


@asynccontextmanager
async def benching(settings: Settings, rounds: int) -> AsyncIterator[Bench]:
    app = create_api(settings, Store())
    transport = httpx2.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=transport, base_url="http://bench") as client,
    ):
        yield Bench(app.state.database, app, client, rounds)


async def run(settings: Settings, sizes: Sequence[int], rounds: int) -> tuple[Results, int, Times]:
    """Both engines at every size, then suggestions at their own."""
    bulletins = round(sizes[0] / SECTIONS_A_BULLETIN)
    await load(settings, bulletins)
    results: Results = {"postgres": []}
    async with benching(settings, rounds) as bench:
        for size in sizes:
            bulletins = await bench.grow(bulletins, round(size / await bench.scalar(SECTIONS)))
            console.print(f"measuring {size:,} sections on Postgres")
            results["postgres"].append(await bench.postgres(rate=size == sizes[0]))
            if settings.meili_url:
                console.print(f"measuring {size:,} sections on Meilisearch")
                results.setdefault("meilisearch", []).append(await bench.meilisearch(settings))
        tables = ("bulletin", "section", "section_suggestion")
        bulletins = await bench.grow(bulletins, -(-SUGGESTING // bulletins), tables)
        console.print(f"measuring suggestions at {bulletins:,} bulletins")
        return results, bulletins, await bench.suggestions()


def table(results: Results) -> Iterator[str]:
    """Times in units of the first one, as Markdown; growth and the API's share as ratios."""
    first = results["postgres"]
    unit = first[0].bare["one word"].p50
    yield f"Times are p50 / p95, 1.00 is {unit:.1f} ms."
    yield ""
    heads = [f"{measured.sections:,} sections" for measured in first]
    yield f"| search | engine | {' | '.join(heads)} | p95 largest / smallest | API / engine, p50 |"
    yield "|---" * (len(heads) + 4) + "|"
    for kind in first[0].bare:
        for engine, measured in results.items():
            times = [one.bare[kind] for one in measured]
            cells = " | ".join(f"{each.p50 / unit:.2f} / {each.p95 / unit:.2f}" for each in times)
            shares = " · ".join(f"{one.api[kind].p50 / one.bare[kind].p50:.2f}" for one in measured)
            yield f"| {kind} | {engine} | {cells} | {times[-1].p95 / times[0].p95:.2f} | {shares} |"
    yield ""
    yield f"| index | engine | {' | '.join(heads)} |"
    yield "|---" * (len(heads) + 2) + "|"
    for engine, measured in results.items():
        rates = [f"{one.rate:,.0f}" if one.rate else "" for one in measured]
        yield f"| sections a second | {engine} | {' | '.join(rates)} |"
        sizes = [f"{one.size / one.sections / 1_000:.1f}" for one in measured]
        yield f"| kB a section | {engine} | {' | '.join(sizes)} |"


def main(
    sizes: Annotated[str, typer.Option(help="Archives to measure, in sections")] = "2000,20000,100000",
    rounds: Annotated[int, typer.Option(min=1, help="How often every query is asked")] = 3,
) -> None:
    """Print how fast both engines search, bare and behind the API, and how that grows with the archive."""
    ordered = sorted(int(part) for part in sizes.split(","))
    with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as url:
        settings = Settings(data=Path(folder)).with_database(url)
        migrate.upgrade(settings)
        results, bulletins, suggesting = uvloop.run(run(settings, ordered, rounds))
    print(f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, {platform.machine()},", end=" ")
    print(f"Python {platform.python_version()}, {QUERIES} queries of each kind, {rounds} rounds\n")
    print("\n".join(table(results)))
    print(f"\nSuggestions at {bulletins:,} bulletins, behind the API:", end=" ")
    print(f"p50 {suggesting.p50:.1f} ms, p95 {suggesting.p95:.1f} ms")


if __name__ == "__main__":
    typer.run(main)
