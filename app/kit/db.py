"""The database: engine, sessions, the declarative base."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated, Any, LiteralString, NamedTuple
from uuid import UUID

from fastapi import Depends, Request
from psycopg import OperationalError
from psycopg.conninfo import make_conninfo
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool, PoolTimeout, TooManyRequests
from sqlalchemy import DateTime, MetaData
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import UUID as PG_UUID
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase
from uuid_utils.compat import uuid7

from app.kit.settings import Settings

_PATIENCE = 2.0
_WAITING = 10


class Base(DeclarativeBase):
    """Constraint names are fixed by rule, so that migrations can name them."""

    metadata = MetaData(
        naming_convention={
            "ix": "%(table_name)s_%(column_0_N_name)s_idx",
            "uq": "%(table_name)s_%(column_0_N_name)s_key",
            "ck": "%(table_name)s_%(constraint_name)s_check",
            "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
            "pk": "%(table_name)s_pkey",
        }
    )
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads it as a plain dict
        datetime: DateTime(timezone=True),
        UUID: PG_UUID(as_uuid=True),
        dict[str, Any]: JSONB,
        list[dict[str, Any]]: JSONB,
        list[str]: JSONB,
    }


def new_id() -> UUID:
    """A UUIDv7: sortable by time of creation."""
    return uuid7()


class Changed(NamedTuple):
    """A public change: its place in the log, and the surrogate keys that it touched."""

    seq: int
    keys: Sequence[str]


class Database:
    """Sessions of one process on one Postgres. ``engine`` is public for tests and tools that count.

    ``told`` hears of every change that this process commits before whoever committed it goes on.
    """

    told: Callable[[Changed], object] | None = None

    def __init__(self, settings: Settings) -> None:
        self.conninfo = make_conninfo(settings.conninfo, application_name="nqpf", connect_timeout=5)
        self.engine: AsyncEngine = create_async_engine(
            settings.sqlalchemy_url,
            pool_size=settings.pool_size,
            max_overflow=0,
            pool_timeout=5,
            pool_pre_ping=True,
            connect_args={"application_name": "nqpf", "connect_timeout": 5},
        )
        self._pool = AsyncConnectionPool(
            self.conninfo,
            min_size=0,
            max_size=settings.pool_size,
            open=False,
            timeout=_PATIENCE,
            max_waiting=_WAITING * settings.pool_size,
            reconnect_timeout=_PATIENCE,
            kwargs={"autocommit": True},
        )
        # One snapshot for all queries of a read: a publication between two of them is not seen by half.
        self._reading = self.engine.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )

    @asynccontextmanager
    async def session(self) -> AsyncIterator[AsyncSession]:
        """A session in one transaction, committed at the end, rolled back on an exception."""
        async with AsyncSession(self.engine, expire_on_commit=False) as session, session.begin():
            yield session
        for changed in session.info.get(Changed, ()):
            if self.told:
                self.told(changed)

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[AsyncSession]:
        """A session for reading: one read-only snapshot."""
        async with AsyncSession(self._reading, expire_on_commit=False) as session, session.begin():
            yield session

    async def lookup(self, query: LiteralString, parameters: Sequence[object]) -> TupleRow | None:
        """The first row of one statement, on a way of its own that is several times shorter than a session.

        :raises psycopg.OperationalError: the database does not answer, or too many wait already.
        """
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
        """Make it ready for :meth:`lookup`; no connection is made yet."""
        await self._pool.open()

    async def close(self) -> None:
        await self._pool.close()
        await self.engine.dispose()


@asynccontextmanager
async def connect(settings: Settings) -> AsyncIterator[Database]:
    """A database whose connections are closed at the end."""
    database = Database(settings)
    try:
        await database.open()
        yield database
    finally:
        await database.close()


async def _reader(request: Request) -> AsyncIterator[AsyncSession]:
    async with request.app.state.database.snapshot() as session:
        yield session


# scope="function": the transaction ends before the answer is sent.
Reader = Annotated[AsyncSession, Depends(_reader, scope="function")]
