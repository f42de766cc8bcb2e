"""Connections of one process to one server of the database, bounded in every way."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from time import monotonic
from typing import LiteralString

from psycopg import AsyncConnection, OperationalError, connect
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool, PoolTimeout, TooManyRequests
from sqlalchemy import Engine, NullPool, create_engine
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

PATIENCE = 2.0
"""So many seconds a request waits for a connection."""
WAITING = 10
"""So many requests may wait for each connection; one more is refused at once."""

_REST_SECONDS = 5.0


def reaching(conninfo: str) -> str:
    """The connection string with our name and patience; of several hosts, the one that takes writes.

    Where ``target_session_attrs`` is given it stays.
    """
    several = "," in str(conninfo_to_dict(conninfo).get("host", ""))
    wanted = {"target_session_attrs": "read-write"} if several and "target_session" not in conninfo else {}
    return make_conninfo(conninfo, application_name="nqpf", connect_timeout=5, **wanted)


def synchronous(conninfo: str) -> Engine:
    """An engine for migrations; psycopg, not SQLAlchemy, reads the address: it may name several hosts."""
    reached = reaching(conninfo)
    return create_engine("postgresql+psycopg://", creator=lambda: connect(reached), poolclass=NullPool)


class Connections:
    """Sessions through SQLAlchemy, and single statements on a pool of psycopg's own."""

    def __init__(self, conninfo: str, size: int) -> None:
        """
        :param size: connections for sessions, and as many for single statements.
        """
        self.conninfo = reaching(conninfo)
        self.engine: AsyncEngine = create_async_engine(
            "postgresql+psycopg://",
            async_creator=self._connect,
            pool_size=size,
            max_overflow=0,
            pool_timeout=PATIENCE,
            pool_pre_ping=True,
            hide_parameters=True,  # An error is logged, and the words of a draft are nobody's to read there.
        )
        self._most = size * (1 + WAITING)
        self._inside = 0
        self._resting_until = 0.0
        self._pool = AsyncConnectionPool(
            self.conninfo,
            min_size=0,
            max_size=size,
            open=False,
            timeout=PATIENCE,
            max_waiting=size * WAITING,
            reconnect_timeout=PATIENCE,
            kwargs={"autocommit": True},
        )
        # One snapshot for all queries of a read: a publication between two of them is not seen by half.
        self._reading = self.engine.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )

    async def _connect(self) -> AsyncConnection[TupleRow]:
        return await AsyncConnection.connect(self.conninfo)

    @property
    def usable(self) -> bool:
        """Whether it is worth trying: it has not failed in the last seconds."""
        return monotonic() >= self._resting_until

    def rest(self) -> None:
        """Leave it alone for a while: it has failed."""
        self._resting_until = monotonic() + _REST_SECONDS

    @contextmanager
    def admitted(self) -> Iterator[None]:
        """One of those who have a session or wait for one.

        :raises TooManyRequests: there are too many already.
        """
        if self._inside >= self._most:
            raise TooManyRequests("too many wait for a session")
        self._inside += 1
        try:
            yield
        finally:
            self._inside -= 1

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[AsyncSession]:
        """A session for reading: one read-only snapshot."""
        with self.admitted():
            async with AsyncSession(self._reading, expire_on_commit=False) as session, session.begin():
                yield session

    async def first(self, query: LiteralString, parameters: Sequence[object]) -> TupleRow | None:
        """The first row of one statement."""
        try:
            return await self._first(query, parameters)
        except OperationalError as error:
            if isinstance(error, PoolTimeout | TooManyRequests):
                raise
        # The server has been restarted since: connections may be dead that nobody has tried.
        await self._pool.check()
        return await self._first(query, parameters)

    async def _first(self, query: LiteralString, parameters: Sequence[object]) -> TupleRow | None:
        async with self._pool.connection() as connection, connection.cursor(binary=True) as cursor:
            await cursor.execute(query, parameters)
            return await cursor.fetchone()

    async def open(self) -> None:
        await self._pool.open()

    async def close(self) -> None:
        await self._pool.close()
        await self.engine.dispose()
