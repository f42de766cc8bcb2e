"""Keeping a store of answers true: what changes is dropped, here at once, elsewhere when it is heard."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

import structlog
from psycopg import AsyncConnection
from psycopg.conninfo import make_conninfo
from psycopg.rows import TupleRow
from sqlalchemy import event as hooks
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from app.kit.changes import CHANNEL, Event, Handler
from app.kit.front_store import Store

log = structlog.get_logger(__name__)

Keys = Callable[[str, str, Mapping[str, Any]], Iterable[str]]
"""From the kind, subject and payload of a change to the surrogate keys that it touches."""

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


def dropping(store: Store, keys: Keys) -> Handler:
    """A handler of the change log by which the process that makes a change drops what it touches.

    It does so as soon as the transaction is committed, before anybody hears of that.
    """

    async def handle(session: AsyncSession, event: Event) -> None:
        touched = frozenset(keys(event.kind, event.subject, event.payload()))

        def drop(committed: Session) -> None:
            if not committed.in_nested_transaction():  # A savepoint says "commit" too.
                store.drop(touched)

        hooks.listen(session.sync_session, "after_commit", drop)

    return handle


class Invalidator:
    """Drops from ``store`` what other processes change, on a connection of its own.

    The store listens while the connection does. Every ``heartbeat`` seconds the log is asked without being
    notified; when it does not answer within ``patience`` seconds, the store is deaf.
    """

    def __init__(
        self,
        conninfo: str,
        store: Store,
        keys: Keys,
        *,
        heartbeat: float = HEARTBEAT,
        patience: float = PATIENCE,
    ) -> None:
        """
        :param conninfo: of the primary: replicas do not notify.
        """
        self._conninfo = make_conninfo(conninfo, **_SOCKET)
        self._store = store
        self._keys = keys
        self._heartbeat = heartbeat
        self._patience = patience

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Listen, and listen again whenever the connection is lost, as long as the context lasts."""
        task = asyncio.create_task(self._run())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

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
            self._store.listen()
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
                    "SELECT seq, kind, subject, payload FROM change WHERE seq > %s ORDER BY seq", (seq,)
                )
                rows = await cursor.fetchall()
        finally:
            deaf.cancel()
        if rows:
            self._store.drop({key for _, *change in rows for key in self._keys(*change)})
            seq = rows[-1][0]
        return seq
