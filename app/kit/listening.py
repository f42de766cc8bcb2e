"""Hearing of what other processes change: a store of answers is kept true, and those who wait are woken."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from psycopg import AsyncConnection
from psycopg.conninfo import make_conninfo
from psycopg.rows import TupleRow

from app.kit.background import running
from app.kit.changes import CHANNEL
from app.kit.front_store import Store
from app.kit.hub import Hub

log = structlog.get_logger(__name__)

HEARTBEAT = 1.0
PATIENCE = 2.0
RETRY = 0.25

_SOCKET = {
    "connect_timeout": 5,
    "keepalives": 1,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
}


class Invalidator:
    """Drops from ``store`` what other processes change, on a connection of its own.

    The store listens while the connection does. Every ``heartbeat`` seconds the log is asked without being
    notified; when it does not answer within ``patience`` seconds, the store is deaf.
    """

    def __init__(
        self,
        conninfo: str,
        store: Store,
        hub: Hub,
        *,
        heartbeat: float = HEARTBEAT,
        patience: float = PATIENCE,
    ) -> None:
        """
        :param conninfo: of the primary: replicas do not notify.
        :param hub: where others wait for the changes that are heard of here.
        """
        self._conninfo = make_conninfo(conninfo, **_SOCKET)
        self._store = store
        self._hub = hub
        self._heartbeat = heartbeat
        self._patience = patience

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Listen, and listen again whenever the connection is lost, as long as the context lasts."""
        async with running(self._run()):
            yield

    async def _run(self) -> None:
        told = ""
        while True:
            try:
                await self._listen()
            except Exception as error:  # whatever it was: be deaf, and start anew
                reason = f"{type(error).__name__}: {error}"
                if self._store.listening or reason != told:
                    log.warning("listening.lost", reason=reason)
                told = reason
            finally:
                self._store.lose()
            await asyncio.sleep(RETRY)

    async def _listen(self) -> None:
        connection = await AsyncConnection.connect(self._conninfo, autocommit=True)
        try:
            await connection.execute(f"LISTEN {CHANNEL}".encode())
            cursor = await connection.execute("SELECT coalesce(max(seq), 0) FROM change")
            ((seq,),) = await cursor.fetchall()
            self._store.listen(seq)
            self._hub.heard(seq)
            log.info("listening", seq=seq)
            while self._store.listening:
                async for _ in connection.notifies(timeout=self._heartbeat, stop_after=1):
                    pass
                seq = await self._catch_up(connection, seq)
        finally:
            await connection.close()

    async def _catch_up(self, connection: AsyncConnection[TupleRow], seq: int) -> int:
        # psycopg takes its time to give up a query: the store must be deaf before that.
        deaf = asyncio.get_running_loop().call_later(self._patience, self._store.lose)
        try:
            async with asyncio.timeout(self._patience):
                cursor = await connection.execute(
                    "SELECT seq, touched FROM change WHERE seq > %s ORDER BY seq", (seq,)
                )
                rows = await cursor.fetchall()
        finally:
            deaf.cancel()
        if rows:
            seq = rows[-1][0]
            self._store.drop({key for _, touched in rows for key in touched}, seq)
            self._hub.heard(seq)
        return seq
