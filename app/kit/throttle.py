"""Counts attempts in windows of time, in the database, so that all processes count together."""

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import case, delete, func
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.db import Base


class Attempts(Base):
    """How often something was tried since its window opened."""

    __tablename__ = "attempts"

    key: Mapped[str] = mapped_column(primary_key=True)
    count: Mapped[int]
    until: Mapped[datetime] = mapped_column(index=True)


async def attempt(session: AsyncSession, key: str, most: int, window: timedelta) -> timedelta | None:
    """Count one attempt before it is made, so that many at once cannot slip through.

    :returns: None while there are at most ``most`` in a window, else the time until it ends.
    """
    until = func.now() + window
    statement = insert(Attempts).values(key=key, count=1, until=until)
    over = Attempts.until <= func.now()
    counted = statement.on_conflict_do_update(
        index_elements=[Attempts.key],
        set_={
            "count": case((over, 1), else_=Attempts.count + 1),
            "until": case((over, until), else_=Attempts.until),
        },
    ).returning(Attempts.count, func.extract("epoch", Attempts.until - func.now()))
    count, left = (await session.execute(counted)).one()
    return timedelta(seconds=float(left)) if count > most else None


async def forgive(session: AsyncSession, keys: Collection[str]) -> None:
    """Forget the attempts under these keys."""
    await session.execute(delete(Attempts).where(Attempts.key.in_(keys)))


async def forget_old(session: AsyncSession) -> None:
    """Delete windows that have ended."""
    await session.execute(delete(Attempts).where(Attempts.until <= func.now()))
