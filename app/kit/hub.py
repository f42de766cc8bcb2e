"""Waiting for changes without a connection for each who waits: the process hears of them once for all."""

import asyncio
from contextlib import suppress


class Hub:
    """Knows the last change of the log, and wakes those who wait for a later one."""

    def __init__(self) -> None:
        self.seq = 0
        self._news = asyncio.Event()

    async def after(self, seq: int, seconds: float) -> bool:
        """Wait for a change after ``seq``; whether one has come in time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self.seq <= seq:
                    await self._news.wait()
        return self.seq > seq

    def heard(self, seq: int) -> None:
        """The log has come to ``seq``; in the thread of those who wait."""
        if seq > self.seq:
            self.seq = seq
            self._news.set()
            self._news = asyncio.Event()
