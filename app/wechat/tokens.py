"""Tokens that all processes share: kept in the database, fetched by one of them at a time."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.kit.db import Database
from app.wechat.models import WechatToken

EARLY = timedelta(minutes=4)
"""A token is renewed so long before its end; WeChat lets the old one live on for five minutes."""
FORCED_APART = timedelta(seconds=31)
"""WeChat forces a new token at most every 30 seconds and 20 times a day."""


@dataclass(frozen=True, slots=True)
class Fetched:
    value: str
    seconds: int


Fetch = Callable[[bool], Awaitable[Fetched]]
"""Asks WeChat for a token; True forces a new one, which ends the old one at once."""


class Tokens(Protocol):
    """Where a client has its token from."""

    async def current(self) -> str: ...
    async def instead_of(self, rejected: str) -> str:
        """A token that is not the one that WeChat has just rejected, if there can be one."""
        ...


@dataclass
class SharedToken:
    """One token of one account in the database."""

    database: Database
    account: str
    kind: str
    fetch: Fetch
    _one: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def current(self) -> str:
        async with self.database.session() as session:
            row = await self._row(session)
        return row.value if row and _lives(row) else await self._renewed(rejected=None)

    async def instead_of(self, rejected: str) -> str:
        return await self._renewed(rejected)

    async def _renewed(self, rejected: str | None) -> str:
        """A living token other than the rejected one; whoever comes second finds it here."""
        async with self._one, self.database.session() as session:
            await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(self._name, 0))))
            row = await self._row(session)
            if row and _lives(row) and row.value != rejected:
                return row.value
            fetched = await self.fetch(False)
            forced_at = row.forced_at if row else None
            if fetched.value == rejected and _may_force(forced_at):
                fetched, forced_at = await self.fetch(True), datetime.now(UTC)
            token = WechatToken(
                account=self.account,
                kind=self.kind,
                value=fetched.value,
                expires_at=datetime.now(UTC) + timedelta(seconds=fetched.seconds),
                forced_at=forced_at,
            )
            await session.merge(token)
            return fetched.value

    async def _row(self, session: AsyncSession) -> WechatToken | None:
        return await session.get(WechatToken, (self.account, self.kind))

    @property
    def _name(self) -> str:
        return f"wechat-token:{self.account}:{self.kind}"


def _lives(row: WechatToken) -> bool:
    return row.expires_at - EARLY > datetime.now(UTC)


def _may_force(forced_at: datetime | None) -> bool:
    return forced_at is None or datetime.now(UTC) - forced_at > FORCED_APART
