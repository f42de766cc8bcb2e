"""The change log: what happened to public content, in order, and those who follow it.

Whoever changes public content records an event: its handlers run inside the same transaction, one row
joins the log, and a job per follower is deferred. Each follower keeps its own position, so each can
stop, restart, replay and lose nothing.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar, Protocol

from sqlalchemy import BigInteger, Identity, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.db import Base, Changed, Database
from app.kit.jobs import defer

CHANNEL = "nqpf_change"
BATCH = 100

EVERYTHING = "everything"
"""The surrogate key of every public answer."""

_LOCK = 0x6E717066  # "nqpf"
_TOUCHED = "touched"


class Change(Base):
    """A row of the log. ``subject`` is the public name of what changed, ``version`` its new version.

    ``touched`` are the surrogate keys of the public answers that say something else since.
    """

    __tablename__ = "change"

    seq: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    kind: Mapped[str]
    subject: Mapped[str]
    version: Mapped[int]
    payload: Mapped[dict[str, Any]]
    touched: Mapped[list[str]] = mapped_column(server_default='["everything"]')
    at: Mapped[datetime]


class Position(Base):
    """The last change a follower has handled."""

    __tablename__ = "change_position"

    follower: Mapped[str] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger)
    moved_at: Mapped[datetime] = mapped_column(server_default=func.now(), onupdate=func.now())


class Event(Protocol):
    """Something that happened to public content at ``at``."""

    kind: ClassVar[str]

    @property
    def subject(self) -> str: ...
    @property
    def version(self) -> int: ...
    @property
    def at(self) -> datetime: ...
    def payload(self) -> dict[str, Any]:
        """What the log keeps, as JSON."""
        ...


Handler = Callable[[AsyncSession, Any], Awaitable[None]]
"""Takes events of one class, of different subjects, inside the transaction that records them."""
Follower = Callable[[AsyncSession, Sequence[Change]], Awaitable[None]]
"""Handles changes in order, each at least once; what it writes to the session is kept exactly once."""


@dataclass(frozen=True)
class ChangeLog:
    """The log with its handlers by event class and its followers by name (``app/wiring.py``)."""

    handlers: Mapping[type[Any], Sequence[Handler]] = field(default_factory=dict)
    followers: Mapping[str, Follower] = field(default_factory=dict)

    async def begin(self, session: AsyncSession) -> datetime:
        """Become the only writer until the transaction ends, and give the moment of the change.

        Rows of the log become visible in the order of ``seq`` only because writers wait here. The
        moment is after the last change's, even when the clock has gone back.
        """
        await session.execute(select(func.pg_advisory_xact_lock(_LOCK)))
        last = select(Change.at).order_by(Change.seq.desc()).limit(1).scalar_subquery()
        now = await session.scalar(select(func.greatest(func.clock_timestamp(), last + timedelta.resolution)))
        assert isinstance(now, datetime)  # noqa: S101 - greatest() of a timestamp is one
        return now

    async def record(self, session: AsyncSession, *events: Event) -> None:
        """Run the events' handlers and append them to the log; call :meth:`begin` first.

        What handlers :func:`touch` is kept with each of the events; when they touch nothing, nobody
        knows what changes, and it is everything.

        :param events: one or more of one class, no two of the same subject.
        """
        for handler in self.handlers.get(type(events[0]), ()):
            await handler(session, events)
        touched = sorted(session.info.pop(_TOUCHED, [EVERYTHING]))
        changes = [
            Change(
                kind=event.kind,
                subject=event.subject,
                version=event.version,
                payload=event.payload(),
                touched=touched,
                at=event.at,
            )
            for event in events
        ]
        session.add_all(changes)
        await session.flush()
        session.info.setdefault(Changed, []).append(Changed(changes[-1].seq, touched))
        await session.execute(select(func.pg_notify(CHANNEL, str(changes[-1].seq))))
        for name in self.followers:
            await defer(session, "follow", lock=f"follow:{name}", follower=name)


def touch(session: AsyncSession, *keys: str) -> None:
    """Say which answers the handlers of the event now being recorded change, by their surrogate keys."""
    session.info.setdefault(_TOUCHED, set()).update(keys)


async def catch_up(database: Database, name: str, follower: Follower) -> int:
    """Let a follower handle everything it has not handled yet; the number of changes it handled.

    Its position moves in the transaction that handled the batch: killed at any point, it starts
    again at the last batch that was handled whole. A second call for the same name waits.
    """
    handled = 0
    while True:
        async with database.session() as session:
            position = await _locked_position(session, name)
            later = select(Change).where(Change.seq > position).order_by(Change.seq).limit(BATCH)
            changes = (await session.scalars(later)).all()
            if not changes:
                return handled
            await follower(session, changes)
            row = await session.get_one(Position, name)
            row.seq = changes[-1].seq
            handled += len(changes)


async def _locked_position(session: AsyncSession, name: str) -> int:
    await session.execute(insert(Position).values(follower=name, seq=0).on_conflict_do_nothing())
    locked = select(Position).where(Position.follower == name).with_for_update()
    return (await session.scalars(locked)).one().seq


async def lag(session: AsyncSession) -> dict[str, int]:
    """How many changes each known follower is behind."""
    behind = select(func.count()).where(Change.seq > Position.seq).scalar_subquery()
    return dict((await session.execute(select(Position.follower, behind))).all())


async def overdue(session: AsyncSession, follower: str, after: timedelta) -> int:
    """How many changes a follower has not handled although they are older than ``after``."""
    position = select(Position.seq).where(Position.follower == follower).scalar_subquery()
    waiting = select(func.count()).where(
        Change.seq > func.coalesce(position, 0), Change.at < func.now() - after
    )
    return await session.scalar(waiting) or 0


async def last_change(session: AsyncSession) -> datetime | None:
    """When public content last changed; None while nothing has ever been published."""
    return await session.scalar(select(Change.at).order_by(Change.seq.desc()).limit(1))
