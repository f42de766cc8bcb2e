"""Waiting for changes without a connection for each who waits: the process hears of them once for all."""

import asyncio
from contextlib import suppress

STOP = "nqpf.stop"
"""In the lifespan's state: what the server calls, for each open connection, when it begins to stop."""


class Hub:
    """Knows the last change of the log, and wakes those who wait for a later one."""

    def __init__(self) -> None:
        self.seq = 0
        self.stopped = False
        """Nobody waits here any more: the process ends."""
        self._news = asyncio.Event()

    async def after(self, seq: int, seconds: float) -> bool:
        """Wait for a change after ``seq``; whether one has come in time, and before the end."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self.seq <= seq and not self.stopped:
                    await self._news.wait()
        return self.seq > seq

    def heard(self, seq: int) -> None:
        """The log has come to ``seq``; in the thread of those who wait."""
        if seq > self.seq:
            self.seq = seq
            self._wake()

    def stop(self) -> None:
        """Let everybody go, in the thread of those who wait: the process ends."""
        self.stopped = True
        self._wake()

    def _wake(self) -> None:
        self._news.set()
        self._news = asyncio.Event()
