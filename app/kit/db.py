"""The database: engine, sessions, the declarative base."""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import datetime
from itertools import cycle
from typing import Annotated, Any, LiteralString, NamedTuple
from uuid import UUID

from fastapi import Depends, Request
from psycopg import OperationalError
from psycopg.rows import TupleRow
from sqlalchemy import DateTime, MetaData, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import UUID as PG_UUID
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase
from uuid_utils.compat import uuid7

from app.kit.connections import Connections
from app.kit.settings import Settings

_LAST: LiteralString = "SELECT coalesce(max(seq), 0) FROM change"


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
    ``heard`` gives the last change that this process knows of: no replica is read that lacks it.
    """

    told: Callable[[Changed], object] | None = None
    heard: Callable[[], int] = staticmethod(lambda: 0)

    def __init__(self, settings: Settings) -> None:
        self._primary = Connections(settings.conninfo, settings.pool_size)
        self._replicas = [Connections(each, settings.pool_size) for each in settings.replicas]
        self._turn = cycle(self._replicas)
        self.conninfo = self._primary.conninfo
        self.engine = self._primary.engine

    @asynccontextmanager
    async def session(self) -> AsyncIterator[AsyncSession]:
        """A session in one transaction, committed at the end, rolled back on an exception.

        :raises TooManyRequests: so many wait for a connection that one more would wait too long.
        """
        with self._primary.admitted():
            async with AsyncSession(self.engine, expire_on_commit=False) as session, session.begin():
                yield session
        for changed in session.info.get(Changed, ()):
            if self.told:
                self.told(changed)

    @asynccontextmanager
    async def snapshot(self, *, public: bool = False) -> AsyncIterator[AsyncSession]:
        """A session for reading: one read-only snapshot.

        :param public: only what the change log tells of is read, so a replica will do that is there
            and has the last change this process knows of.
        """
        async with AsyncExitStack() as stack:
            for replica in self._nearest() if public else ():
                if session := await self._current(stack, replica):
                    yield session
                    return
            yield await stack.enter_async_context(self._primary.snapshot())

    async def lookup(
        self, query: LiteralString, parameters: Sequence[object], *, primary: bool = False
    ) -> TupleRow | None:
        """The first row of one statement on public content, much faster than a session would give it.

        :raises psycopg.OperationalError: the database does not answer, or too many wait already.
        """
        for replica in () if primary else self._nearest():
            with suppress(OperationalError):
                behind = await replica.first(_LAST, ())
                if behind and behind[0] >= self.heard():
                    return await replica.first(query, parameters)
                continue
            replica.rest()
        return await self._primary.first(query, parameters)

    def _nearest(self) -> Iterator[Connections]:
        """The replicas that are not known to be away, another one first each time."""
        for _ in self._replicas:
            if (replica := next(self._turn)).usable:
                yield replica

    async def _current(self, stack: AsyncExitStack, replica: Connections) -> AsyncSession | None:
        """A snapshot of the replica, unless it is away or behind."""
        try:
            async with AsyncExitStack() as own:
                session = await own.enter_async_context(replica.snapshot())
                if (await session.scalar(text(_LAST)) or 0) < self.heard():
                    return None
                stack.push_async_exit(own.pop_all())
        except (DBAPIError, OperationalError, PoolTimeoutError):
            replica.rest()
            return None
        return session

    async def open(self) -> None:
        """Make it ready for :meth:`lookup`; no connection is made yet."""
        for connections in (self._primary, *self._replicas):
            await connections.open()

    async def close(self) -> None:
        for connections in (self._primary, *self._replicas):
            await connections.close()


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
    async with request.app.state.database.snapshot(public=True) as session:
        yield session


# scope="function": the transaction ends before the answer is sent.
Reader = Annotated[AsyncSession, Depends(_reader, scope="function")]
