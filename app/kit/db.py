"""The database: engine, sessions, the declarative base."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Request
from psycopg.conninfo import make_conninfo
from sqlalchemy import DateTime, MetaData
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import UUID as PG_UUID
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase
from uuid_utils.compat import uuid7

from app.kit.settings import Settings


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


class Database:
    """Sessions of one process on one Postgres. ``engine`` is public for tests and tools that count."""

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
        # One snapshot for all queries of a read: a publication between two of them is not seen by half.
        self._reading = self.engine.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )

    @asynccontextmanager
    async def session(self) -> AsyncIterator[AsyncSession]:
        """A session in one transaction, committed at the end, rolled back on an exception."""
        async with AsyncSession(self.engine, expire_on_commit=False) as session, session.begin():
            yield session

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[AsyncSession]:
        """A session for reading: one read-only snapshot."""
        async with AsyncSession(self._reading, expire_on_commit=False) as session, session.begin():
            yield session

    async def close(self) -> None:
        await self.engine.dispose()


@asynccontextmanager
async def connect(settings: Settings) -> AsyncIterator[Database]:
    """A database whose connections are closed at the end."""
    database = Database(settings)
    try:
        yield database
    finally:
        await database.close()


async def _reader(request: Request) -> AsyncIterator[AsyncSession]:
    async with request.app.state.database.snapshot() as session:
        yield session


# scope="function": the transaction ends before the answer is sent.
Reader = Annotated[AsyncSession, Depends(_reader, scope="function")]
