"""Latency at a fixed rate: requests are due by the clock, whether or not earlier ones are answered."""

import asyncio
import re
from collections import deque
from collections.abc import Sequence
from time import perf_counter
from typing import cast
from urllib.parse import urlsplit

_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)", re.IGNORECASE)
_TICK = 0.001


class _Connection(asyncio.Protocol):
    """A keep-alive connection with one request under way at most."""

    def __init__(self, late: "Latencies") -> None:
        self._late = late
        self._received = b""
        self._missing = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's own class is none of asyncio's

    def ask(self, request: bytes, due: float) -> None:
        self._due = due
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        if self._missing:
            self._missing -= len(data)
        else:
            self._received += data
            end = self._received.find(b"\r\n\r\n")
            if end < 0:
                return
            length = _LENGTH.search(self._received, 0, end)
            if length is None or not self._received.startswith(b"HTTP/1.1 200"):
                raise RuntimeError(f"no answer of a known length: {self._received[:end]!r}")
            self._missing = end + 4 + int(length[1]) - len(self._received)
            self._received = b""
        if not self._missing:
            self._late.seconds.append(perf_counter() - self._due)
            self._late.idle.append(self)

    def connection_lost(self, error: Exception | None) -> None:
        self._late.lost = error or ConnectionResetError("closed by the server")


class Latencies:
    """Seconds from the moment when each request was due until its answer was there."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.idle: deque[_Connection] = deque()
        self.lost: Exception | None = None

    def percentile(self, percent: int) -> float:
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]


async def latencies(
    base: str, paths: Sequence[str], rate: float, seconds: float, connections: int
) -> Latencies:
    """Ask for the paths in turn, ``rate`` times a second; what cannot be sent in time counts as late.

    :raises RuntimeError: an answer was an error.
    """
    host = urlsplit(base).netloc
    requests = [f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode() for path in paths]
    late, loop = Latencies(), asyncio.get_running_loop()
    address, port = host.split(":")
    opened = [
        await loop.create_connection(lambda: _Connection(late), address, int(port))
        for _ in range(connections)
    ]
    late.idle.extend(connection for _, connection in opened)
    began, sent, count = perf_counter(), 0, int(rate * seconds)
    while len(late.seconds) < count and late.lost is None:
        due = min(count, int((perf_counter() - began) * rate) + 1)
        while sent < due and late.idle:
            late.idle.popleft().ask(requests[sent % len(requests)], began + sent / rate)
            sent += 1
        await asyncio.sleep(0 if sent < due else _TICK)
    if late.lost is not None:
        raise RuntimeError(str(late.lost))
    for transport, _ in opened:
        transport.close()
    return late
