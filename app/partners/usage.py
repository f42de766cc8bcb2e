"""What each key has asked for, by day and route: counted in memory, written every few seconds."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import date, datetime
from functools import lru_cache
from time import time
from uuid import UUID
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.kit.background import running
from app.kit.db import Database
from app.kit.problems import DATABASE_AWAY
from app.partners.models import Key, Usage

log = structlog.get_logger(__name__)

SHANGHAI = ZoneInfo("Asia/Shanghai")
WRITE_SECONDS = 5.0


class Tally:
    """Counts of this process that have not been written yet."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._counts: dict[tuple[UUID, date, str], list[int]] = {}
        self._writing = asyncio.Lock()

    def note(self, key_id: UUID, path: str, status: int) -> None:
        """Count an answer to a key; ``path`` is under ``/v1``."""
        if status == 404:  # Whatever somebody types is no route.
            return
        counts = self._counts.setdefault((key_id, _today(int(time()) // 60), _route(path)), [0, 0, 0])
        counts[1 if status == 304 else 2 if status == 429 else 0] += 1

    async def write(self) -> None:
        """Add the counts to the database; they are kept where that fails."""
        async with self._writing:
            counts, self._counts = self._counts, {}
            if not counts:
                return
            try:
                async with self._database.session() as session:
                    await _add(session, counts)
            except BaseException:
                merged = defaultdict(lambda: [0, 0, 0], counts)
                for row, more in self._counts.items():
                    merged[row] = [a + b for a, b in zip(merged[row], more, strict=True)]
                self._counts = dict(merged)
                raise

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[None]:
        """Write from time to time, and at the end."""
        try:
            async with running(self._run()):
                yield
        finally:
            await self._try()

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(WRITE_SECONDS)
            await self._try()

    async def _try(self) -> None:
        try:
            await self.write()
        except DATABASE_AWAY as error:
            log.warning("usage.waits", error=type(error).__name__)


@lru_cache(maxsize=2)
def _today(minute: int) -> date:
    """The day of a minute since 1970: to reckon it for each request would take as long as to answer."""
    return datetime.fromtimestamp(minute * 60, SHANGHAI).date()


@lru_cache(maxsize=1_000)
def _route(path: str) -> str:
    return "/".join(path.split("/", 3)[:3])


async def _add(session: AsyncSession, counts: dict[tuple[UUID, date, str], list[int]]) -> None:
    # Sorted, so that two processes never wait for each other's rows.
    rows = [
        {"key_id": key, "day": day, "route": route, "requests": asked, "unchanged": same, "refused": refused}
        for (key, day, route), (asked, same, refused) in sorted(counts.items())
    ]
    new = insert(Usage).values(rows)
    figures = ("requests", "unchanged", "refused")
    more = new.on_conflict_do_update(
        index_elements=[Usage.key_id, Usage.day, Usage.route],
        set_={name: getattr(Usage, name) + new.excluded[name] for name in figures},
    )
    await session.execute(more)
    keys = sorted({key for key, _, _ in counts})
    await session.execute(update(Key).where(Key.id.in_(keys)).values(last_used_at=func.now()))


async def between(
    session: AsyncSession, partner_id: UUID, first: date, last: date
) -> Sequence[tuple[Usage, str]]:
    """A partner's figures with the prefixes of its keys, the newest day first."""
    query = select(Usage, Key.prefix).join(Key, Key.id == Usage.key_id)
    query = query.where(Key.partner_id == partner_id, Usage.day.between(first, last))
    rows = await session.execute(query.order_by(Usage.day.desc(), Key.prefix, Usage.route))
    return [(usage, prefix) for usage, prefix in rows]
