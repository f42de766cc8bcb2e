"""Servers to measure: each in a process of its own, on a free port."""

import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import NamedTuple

import httpx2

CONNECTIONS = 32

_RATE = re.compile(r"Requests/sec:\s+([\d.]+)")
_BAD = re.compile(r"Non-2xx or 3xx responses: (\d+)|Socket errors: (.+)")
_NONE_FAILED = re.compile(r"requests: .* 0 failed, 0 errored, 0 timeout")
_RESIDENT = re.compile(r"VmRSS:\s+(\d+) kB")

_UVICORN = (sys.executable, "-m", "uvicorn", "--log-level", "warning", "--no-access-log")
_GRANIAN = (sys.executable, "-m", "granian", "--interface", "asgi", "--log-level", "warning", "--no-ws")


class Serving(NamedTuple):
    """A server's base address and process."""

    address: str
    process: "subprocess.Popen[bytes]"

    def memory(self) -> int:
        """The resident memory of its process, in bytes; Linux only."""
        found = _RESIDENT.search(Path(f"/proc/{self.process.pid}/status").read_text())
        return int(found[1]) * 1_024 if found else 0


def serving(environment: Mapping[str, str], *options: str) -> AbstractContextManager[Serving]:
    """The API as ``nqpf serve`` runs it, with one worker and no limits unless told otherwise."""
    return _running([str(Path(sys.executable).with_name("nqpf")), "serve", *options], environment)


def serving_on_uvicorn(
    target: str, environment: Mapping[str, str], *options: str
) -> AbstractContextManager[Serving]:
    """An application on uvicorn as it comes."""
    return _running([*_UVICORN, *options, target], environment)


def serving_on_granian(
    target: str, environment: Mapping[str, str], *options: str
) -> AbstractContextManager[Serving]:
    """An application on granian."""
    return _running([*_GRANIAN, *options, target], environment)


@contextmanager
def _running(command: Sequence[str], environment: Mapping[str, str]) -> Iterator[Serving]:
    """A command that serves, on a free port of 127.0.0.1."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    line = [*command, "--port", str(port)]
    given = {**os.environ, "NQPF_LIMITS_EXEMPT": "127.0.0.0/8", **environment}
    process = subprocess.Popen(line, env=given, stdout=subprocess.DEVNULL)  # noqa: S603 - our own program
    try:
        with httpx2.Client() as client:
            for _ in range(600):
                try:
                    client.get(f"http://127.0.0.1:{port}/health/live")
                    break
                except httpx2.TransportError:
                    time.sleep(0.1)
        yield Serving(f"http://127.0.0.1:{port}", process)
    finally:
        process.terminate()
        process.wait(20)


def rate(url: str, seconds: int, header: str | None = None) -> float:
    """Requests a second that wrk sees from ``url`` with keep-alive connections.

    :raises RuntimeError: an answer was an error.
    """
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout", "30s"]
    command += [*(("-H", header) if header else ()), url]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout  # noqa: S603
    if bad := _BAD.search(output):
        raise RuntimeError(f"{url}: {bad[0]}")
    found = _RATE.search(output)
    if found is None:
        raise RuntimeError(f"wrk gave no rate for {url}: {output}")
    return float(found[1])


def latencies(base: str, paths: Sequence[str], rate: float, seconds: int) -> list[float]:
    """Seconds that answers took while ``rate`` requests a second were sent for the paths in turn, in order.

    h2load counts from when it sends, and waits for the answer before. What should have been sent meanwhile
    is added as HdrHistogram does it (``recordValueWithExpectedInterval``).

    :raises RuntimeError: an answer was an error, or fewer than nine of ten requests could be sent.
    """
    each = max(1, round(rate / CONNECTIONS))
    interval = 1 / each
    with tempfile.NamedTemporaryFile("r") as log:
        command = ["h2load", "--h1", "-t1", f"-c{CONNECTIONS}", f"--rps={each}", f"-D{seconds}"]
        urls = [base + path for path in paths]
        command += [f"--log-file={log.name}", *urls]
        output = subprocess.run(command, capture_output=True, text=True, check=True).stdout  # noqa: S603
        rows = [line.split() for line in log]
    if not _NONE_FAILED.search(output) or any(status != "200" for _, status, _ in rows):
        raise RuntimeError(f"{base}: an answer at {rate:,.0f} requests a second was an error")
    if len(rows) < 0.9 * rate * seconds:
        raise RuntimeError(f"{base}: {len(rows) / seconds:,.0f} requests a second were sent, not {rate:,.0f}")
    seen = []
    for _, _, microseconds in rows:
        took = int(microseconds) / 1e6
        seen.append(took)
        while (took := took - interval) > 0:
            seen.append(took)
    return sorted(seen)
