"""Reading speed as ratios beside other applications on the same server, in one run."""

import asyncio
import json
import multiprocessing
import os
import platform
import shutil
import statistics
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, NamedTuple

import httpx2
import typer
from rich.console import Console

from app.kit import migrate
from app.kit.db import connect
from app.kit.embedded_postgres import running
from app.kit.settings import Settings
from scripts.archive import UNTIL, generate
from scripts.keys import new_key
from scripts.load import load, publish_all
from scripts.serving import (
    CONNECTIONS,
    Serving,
    latencies,
    rate,
    serving,
    serving_on_granian,
    serving_on_uvicorn,
)

ONE = f"/v1/bulletins/{UNTIL}"
LIST = "/v1/bulletins?limit=20"
TAG_LIST = "/v1/bulletins?tag=compute&limit=20"
PATHS = (ONE, LIST, TAG_LIST)
GRANIAN = "ours on granian"
_MUCH = "1000000000/minute;1000000000/day"
COUNTED = {"NQPF_LIMITS_EXEMPT": "", "NQPF_LIMITS_ANONYMOUS": _MUCH, "NQPF_LIMITS_INTERNAL": _MUCH}
"""Everybody has limits, that are never reached."""

console = Console(stderr=True)


class Side(NamedTuple):
    """What is asked: a server by its name, a path, and a header."""

    server: str
    path: str
    header: str | None = None


class Read(NamedTuple):
    """A ratio of two rates. ``goal`` is its least, None where it is for information."""

    name: str
    goal: float | None
    ours: Side
    beside: Side


class Late(NamedTuple):
    """Seconds that answers took at a rate."""

    rate: float
    p50: float
    p99: float


class Result(NamedTuple):
    """Of one archive: ratios by name, lateness at half the peak rate by server, bytes of our memory."""

    ratios: Mapping[str, float]
    late: Mapping[str, Late]
    memory: int


def reads(etag: str, key: str) -> Iterator[Read]:
    """What is measured. ``cold`` is ours without memory: each read is a miss; ``counted`` has limits."""
    known = f"If-None-Match: {etag}"
    same = f"/unchanged{ONE}"
    with_key = Side("counted", ONE, f"Authorization: Bearer {key}")
    yield Read("hot bulletin / bare ASGI", 0.90, Side("ours", ONE), Side("bare", ONE))
    yield Read("hot list of 20 / bare ASGI", 0.90, Side("ours", LIST), Side("bare", LIST))
    yield Read("hot 304 / bare ASGI 304", 0.95, Side("ours", ONE, known), Side("bare", same, known))
    yield Read("hot bulletin with key and limit / bare ASGI", 0.60, with_key, Side("bare", ONE))
    yield Read("hot bulletin with limit alone / bare ASGI", None, Side("counted", ONE), Side("bare", ONE))
    yield Read(
        "hot bulletin / bare ASGI with two headers", None, Side("ours", ONE), Side("bare", f"/few{ONE}")
    )
    yield Read("miss, bulletin / FastAPI + ORM", 8.0, Side("cold", ONE), Side("plain", ONE))
    yield Read("miss, bulletin / bare ASGI", None, Side("cold", ONE), Side("bare", ONE))
    yield Read("miss, list by tag / bare ASGI", None, Side("cold", TAG_LIST), Side("bare", TAG_LIST))
    yield Read("hot bulletin, two workers / one", None, Side("two", ONE), Side("ours", ONE))
    bare = "bare on granian"
    yield Read("granian: hot bulletin / bare ASGI", None, Side(GRANIAN, ONE), Side(bare, ONE))
    yield Read("granian: hot list of 20 / bare ASGI", None, Side(GRANIAN, LIST), Side(bare, LIST))
    yield Read("granian: hot 304 / bare ASGI 304", None, Side(GRANIAN, ONE, known), Side(bare, same, known))
    yield Read("bare ASGI, granian / uvicorn", None, Side(bare, ONE), Side("bare", ONE))


def bare_answers(address: str) -> Iterator[tuple[str, tuple[int, dict[str, str], str]]]:
    """What the bare application sends: the bytes that we do; below ``/few`` with as few headers as can be."""
    yield "/health/live", (200, {}, "{}")
    for path in PATHS:
        plain = {"Accept-Encoding": "identity"}
        answer = httpx2.get(address + path, headers=plain).raise_for_status()
        yield path, (200, _headers(answer), answer.text)
        yield f"/few{path}", (200, {"content-type": "application/json"}, answer.text)
        unchanged = httpx2.get(address + path, headers={**plain, "If-None-Match": answer.headers["etag"]})
        yield f"/unchanged{path}", (304, _headers(unchanged), "")


def _headers(answer: httpx2.Response) -> dict[str, str]:
    """Those of an answer that its server does not add by itself."""
    return {
        name: value
        for name, value in answer.headers.items()
        if name not in {"content-length", "date", "server"}
    }


@contextmanager
def serving_all(settings: Settings) -> Iterator[dict[str, Serving]]:
    """Every server that a row needs, by name; ``ours`` is what ``nqpf serve`` runs."""
    database = {"DATABASE_URL": settings.conninfo}
    with ExitStack() as stack:
        ours = stack.enter_context(serving(database))
        file = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "answers.json"
        file.write_text(json.dumps(dict(bare_answers(ours.address))), "utf-8")
        answers = {"BARE_ANSWERS": str(file)}
        others = {
            "bare": serving_on_uvicorn("scripts.bare:app", answers),
            "bare on granian": serving_on_granian("scripts.bare:app", answers),
            "counted": serving({**database, **COUNTED}),
            "cold": serving({**database, "NQPF_CACHE_BYTES": "0"}),
            "plain": serving_on_uvicorn("scripts.plain:create_app", database, "--factory"),
            "two": serving(database, "--workers", "2"),
            GRANIAN: serving_on_granian("app.cli.server:application", database, "--factory"),
        }
        yield {"ours": ours, **{name: stack.enter_context(each) for name, each in others.items()}}


def measure(settings: Settings, size: int, rounds: int, seconds: int) -> Result:
    """Medians of interleaved rounds, then latency while bulletins are published."""
    with serving_all(settings) as servers:
        etag = httpx2.get(servers["ours"].address + ONE, headers={"Accept-Encoding": "identity"}).headers[
            "etag"
        ]
        rows = list(reads(etag, asyncio.run(new_key(settings))))
        seen: dict[Side, list[float]] = {side: [] for row in rows for side in (row.ours, row.beside)}
        for _ in range(rounds):
            for side, rates in seen.items():
                rates.append(rate(servers[side.server].address + side.path, seconds, side.header))
        medians = {side: statistics.median(rates) for side, rates in seen.items()}
        late = {}
        with publishing(settings, size):
            for name in ("ours", GRANIAN):
                half = medians[Side(name, ONE)] / 2
                took = latencies(servers[name].address, [ONE, LIST], half, seconds * 2)
                late[name] = Late(half, *(took[len(took) * percent // 100] for percent in (50, 99)))
        ratios = {row.name: medians[row.ours] / medians[row.beside] for row in rows}
        return Result(ratios, late, servers["ours"].memory())


@contextmanager
def publishing(settings: Settings, size: int) -> Iterator[None]:
    """Twice a second a process of its own publishes a bulletin older than the archive.

    :raises RuntimeError: it has ended before the context did.
    """
    process = multiprocessing.get_context("spawn").Process(target=_publish, args=(settings, size))
    process.start()
    try:
        yield
        if not process.is_alive():
            raise RuntimeError("nothing was published meanwhile, see above")
    finally:
        process.terminate()
        process.join()


def _publish(settings: Settings, size: int) -> None:
    async def run() -> None:
        async with connect(settings) as database:
            for document in generate(10_000, seed=2, until=UNTIL - timedelta(days=size)):
                await publish_all(database, iter([document]))
                await asyncio.sleep(0.5)

    asyncio.run(run())


def table(results: Mapping[int, Result]) -> Iterator[str]:
    """The results as a Markdown table: ratios by size of the archive, and growth over the smallest."""
    sizes = sorted(results)
    yield (
        "| read | at least | "
        + " | ".join(f"{size:,} bulletins" for size in sizes)
        + " | largest / smallest |"
    )
    yield "|---" * (len(sizes) + 3) + "|"
    for name, goal in ((row.name, row.goal) for row in reads("", "")):
        ratios = [result.ratios[name] for _, result in sorted(results.items())]
        cells = " | ".join(f"{ratio:.2f}" if ratio >= 0.1 else f"{ratio:.4f}" for ratio in ratios)
        yield f"| {name} | {goal or ''} | {cells} | {ratios[-1] / ratios[0]:.2f} |"


def latency(results: Mapping[int, Result]) -> Iterator[str]:
    """What else was seen, a line for each archive."""
    for size, seen in sorted(results.items()):
        for name, late in seen.late.items():
            yield (
                f"{size:,} bulletins, {name}: at half of the peak rate ({late.rate:,.0f}/s),"
                f" with two publications a second, p50 {late.p50 * 1000:.1f} ms, p99 {late.p99 * 1000:.1f} ms"
            )
        yield f"{size:,} bulletins: the worker then had {seen.memory / 1e6:.0f} MB"


def run(sizes: Sequence[int], rounds: int, seconds: int) -> Iterator[str]:
    """Measure, and tell the results in Markdown."""
    results: dict[int, Result] = {}
    for size in sorted(sizes):
        with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as url:
            settings = Settings(data=Path(folder)).with_database(url)
            migrate.upgrade(settings)
            asyncio.run(load(settings, size))
            console.print(f"measuring {size:,} bulletins")
            results[size] = measure(settings, size, rounds, seconds)
    yield (
        f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, {platform.machine()},"
        f" Python {platform.python_version()}, {CONNECTIONS} connections,"
        f" medians of {rounds} rounds of {seconds} s"
    )
    yield ""
    yield from table(results)
    yield ""
    yield from latency(results)


def main(
    sizes: Annotated[str, typer.Option(help="Archives to measure, in bulletins")] = "2000,20000",
    rounds: Annotated[int, typer.Option(min=1)] = 3,
    seconds: Annotated[int, typer.Option(min=1, help="Length of one measurement")] = 4,
) -> None:
    """Print how fast reading is beside applications that are faster, slower and the same."""
    for program, package in (("wrk", "wrk"), ("h2load", "nghttp2-client")):
        if shutil.which(program) is None:
            console.print(f"bench: {program} is not installed: apt-get install {package}")
            raise typer.Exit(1)
    for line in run([int(part) for part in sizes.split(",")], rounds, seconds):
        print(line)


if __name__ == "__main__":
    typer.run(main)
