"""Waiting for changes without a connection for each who waits: one listens for all of a process."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import structlog
from psycopg import AsyncConnection, Error
from psycopg.conninfo import make_conninfo

from app.kit.changes import CHANNEL

log = structlog.get_logger(__name__)

_RETRY_SECONDS = 0.5
_PATIENCE_SECONDS = 10.0
_SOCKET = {"connect_timeout": 5, "keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3}


class Hub:
    """Knows the last change of the log, and wakes those who wait for a later one."""

    def __init__(self) -> None:
        self.seq = 0
        self._news = asyncio.Condition()

    async def after(self, seq: int, seconds: float) -> bool:
        """Wait for a change after ``seq``; whether one has come in time. It needs no connection."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds), self._news:
                await self._news.wait_for(lambda: self.seq > seq)
        return self.seq > seq

    async def heard(self, seq: int) -> None:
        """The log has come to ``seq``."""
        async with self._news:
            self.seq = max(self.seq, seq)
            self._news.notify_all()

    @asynccontextmanager
    async def listening(self, conninfo: str) -> AsyncIterator[None]:
        """Hear of changes as long as the context lasts, on one connection, which is made anew when lost."""
        task = asyncio.create_task(self._run(make_conninfo(conninfo, **_SOCKET)))
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _run(self, conninfo: str) -> None:
        while True:
            try:
                await self._listen(conninfo)
            except (Error, OSError, TimeoutError) as error:
                log.warning("hub.lost", reason=type(error).__name__)
            await asyncio.sleep(_RETRY_SECONDS)

    async def _listen(self, conninfo: str) -> None:
        async with await AsyncConnection.connect(conninfo, autocommit=True) as connection:
            await connection.execute(f"LISTEN {CHANNEL}".encode())
            while True:
                # Asked after every silence too: a connection that died without a word is found out.
                async with asyncio.timeout(_PATIENCE_SECONDS):
                    cursor = await connection.execute("SELECT coalesce(max(seq), 0) FROM change")
                    ((seq,),) = await cursor.fetchall()
                await self.heard(seq)
                async for _ in connection.notifies(timeout=_PATIENCE_SECONDS, stop_after=1):
                    pass
