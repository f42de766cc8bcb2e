"""Reading speed as ratios beside a bare ASGI application, at growing archives, in one run."""

import asyncio
import json
import os
import platform
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import httpx2
import typer
from rich.console import Console

from app.kit import migrate
from app.kit.embedded_postgres import running
from app.kit.settings import Settings
from scripts.archive import UNTIL
from scripts.load import load

CONNECTIONS = 32
READS = {
    "one bulletin": f"/v1/bulletins/{UNTIL}",
    "list of 20": "/v1/bulletins?limit=20",
    "list by tag": "/v1/bulletins?tag=compute&limit=20",
}
_RATE = re.compile(r"Requests/sec:\s+([\d.]+)")
_BAD = re.compile(r"Non-2xx or 3xx responses: (\d+)|Socket errors: (.+)")

console = Console(stderr=True)


@contextmanager
def serving(target: str, environment: Mapping[str, str], *options: str) -> Iterator[str]:
    """uvicorn with one worker on a free port of 127.0.0.1, without limits; the base address."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "uvicorn", target, "--port", str(port), "--log-level", "warning"]
    given = {**os.environ, "NQPF_LIMITS_EXEMPT": "127.0.0.0/8", **environment}
    server = subprocess.Popen([*command, "--no-access-log", *options], env=given)  # noqa: S603 - our own
    try:
        with httpx2.Client() as client:
            for _ in range(200):
                try:
                    client.get(f"http://127.0.0.1:{port}/health/live")
                    break
                except httpx2.TransportError:
                    time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(20)


def rate(url: str, seconds: int) -> float:
    """Requests a second that wrk sees from ``url`` with keep-alive connections.

    :raises RuntimeError: an answer was an error.
    """
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout", "30s", url]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout  # noqa: S603
    if bad := _BAD.search(output):
        raise RuntimeError(f"{url}: {bad[0]}")
    found = _RATE.search(output)
    if found is None:
        raise RuntimeError(f"wrk gave no rate for {url}: {output}")
    return float(found[1])


def measure(settings: Settings, rounds: int, seconds: int) -> dict[str, tuple[float, float]]:
    """For each read the medians of ours and of the bare application's rate, in interleaved rounds."""
    with ExitStack() as stack:
        url = settings.conninfo
        ours = stack.enter_context(serving("app.main:create_app", {"DATABASE_URL": url}, "--factory"))
        bodies = {path: httpx2.get(ours + path).raise_for_status().text for path in READS.values()}
        file = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "bodies.json"
        file.write_text(json.dumps({**bodies, "/health/live": "{}"}), "utf-8")
        bare = stack.enter_context(serving("scripts.bare:app", {"BARE_BODIES": str(file)}))
        seen: dict[str, list[tuple[float, float]]] = {name: [] for name in READS}
        for _ in range(rounds):
            for name, path in READS.items():
                seen[name].append((rate(ours + path, seconds), rate(bare + path, seconds)))
        return {
            name: (statistics.median(a for a, _ in pairs), statistics.median(b for _, b in pairs))
            for name, pairs in seen.items()
        }


def table(results: Mapping[int, Mapping[str, tuple[float, float]]]) -> Iterator[str]:
    """The results as a Markdown table: ratios to the bare application, and growth over the smallest."""
    sizes = sorted(results)
    yield "| read | " + " | ".join(f"{size:,} bulletins" for size in sizes) + " | largest / smallest |"
    yield "|---" * (len(sizes) + 2) + "|"
    for name in READS:
        ratios = [results[size][name][0] / results[size][name][1] for size in sizes]
        cells = " | ".join(f"{ratio:.4f}" for ratio in ratios)
        yield f"| {name} / bare ASGI | {cells} | {ratios[-1] / ratios[0]:.2f} |"


def main(
    sizes: Annotated[str, typer.Option(help="Archives to measure, in bulletins")] = "200,2000,20000",
    rounds: Annotated[int, typer.Option(min=1)] = 3,
    seconds: Annotated[int, typer.Option(min=1, help="Length of one measurement")] = 4,
) -> None:
    """Print how fast reading is beside a bare ASGI application that returns the same bytes."""
    if shutil.which("wrk") is None:
        console.print("bench: wrk is not installed: apt-get install wrk")
        raise typer.Exit(1)
    results: dict[int, dict[str, tuple[float, float]]] = {}
    for size in sorted(int(part) for part in sizes.split(",")):
        with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as url:
            settings = Settings(data=Path(folder)).with_database(url)
            migrate.upgrade(settings)
            asyncio.run(load(settings, size))
            console.print(f"measuring {size:,} bulletins")
            results[size] = measure(settings, rounds, seconds)
    print(f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, {platform.machine()},", end=" ")
    print(f"Python {platform.python_version()}, {CONNECTIONS} connections, medians of {rounds} rounds")
    print("\n".join(table(results)))


if __name__ == "__main__":
    typer.run(main)
