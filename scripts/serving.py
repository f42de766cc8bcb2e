"""Servers to measure: each in a process of its own, on a free port."""

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import httpx2

CONNECTIONS = 32

_RATE = re.compile(r"Requests/sec:\s+([\d.]+)")
_BAD = re.compile(r"Non-2xx or 3xx responses: (\d+)|Socket errors: (.+)")
_RESIDENT = re.compile(r"VmRSS:\s+(\d+) kB")

_COMMANDS = {
    "uvicorn": ["uvicorn", "--log-level", "warning", "--no-access-log"],
    "granian": ["granian", "--interface", "asgi", "--log-level", "warning", "--no-ws"],
}


class Serving(NamedTuple):
    """A server's base address and process."""

    address: str
    process: "subprocess.Popen[bytes]"

    def memory(self) -> int:
        """The resident memory of its process, in bytes; Linux only."""
        found = _RESIDENT.search(Path(f"/proc/{self.process.pid}/status").read_text())
        return int(found[1]) * 1_024 if found else 0


@contextmanager
def serving(
    target: str, environment: Mapping[str, str], *options: str, server: str = "uvicorn"
) -> Iterator[Serving]:
    """An application on a free port of 127.0.0.1, with one worker and no limits unless told otherwise."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", *_COMMANDS[server], "--port", str(port), *options, target]
    given = {**os.environ, "NQPF_LIMITS_EXEMPT": "127.0.0.0/8", **environment}
    process = subprocess.Popen(command, env=given)  # noqa: S603 - our own program
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
