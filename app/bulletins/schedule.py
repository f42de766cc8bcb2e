"""When something will next be published: the one thing that readers' caches must know of the future."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.db import Base


class PublicationSchedule(Base):
    """A publication to come: whoever plans it writes its time here, and removes it when it is over."""

    __tablename__ = "publication_schedule"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)


async def plan(session: AsyncSession, key: UUID, at: datetime | None) -> None:
    """Set the time of the publication ``key``, or remove it with None."""
    if at is None:
        await session.execute(delete(PublicationSchedule).where(PublicationSchedule.id == key))
        return
    planned = insert(PublicationSchedule).values(id=key, at=at)
    await session.execute(planned.on_conflict_do_update(index_elements=["id"], set_={"at": at}))


async def seconds_left(session: AsyncSession) -> float | None:
    """Until the next publication by the database's clock, 0 or less when it is overdue; None without one."""
    left = func.extract("epoch", func.min(PublicationSchedule.at) - func.clock_timestamp())
    seconds = await session.scalar(select(left))
    return None if seconds is None else float(seconds)
