"""Counts requests for several processes, in Redis or Valkey."""

from collections.abc import Sequence
from time import monotonic
from typing import Any

import structlog
from limits.aio.storage import RedisStorage
from limits.errors import StorageError
from redis.asyncio import ConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from app.partners.counting import Memory
from app.partners.plans import Rate

log = structlog.get_logger(__name__)

_RETRY_SECONDS = 5.0
_PATIENCE_SECONDS = 0.5


class Shared:
    """Counts on a server for all processes; in this process alone while the server does not answer."""

    def __init__(self, url: str) -> None:
        """
        :param url: ``redis://`` or ``valkey://``; they speak the same protocol.
        """
        address = url.replace("valkey", "redis", 1)
        # Requests wait for an answer: no retries here, memory stands in at once.
        self._pool = ConnectionPool.from_url(
            address,
            retry=Retry(NoBackoff(), 0),
            socket_timeout=_PATIENCE_SECONDS,
            socket_connect_timeout=_PATIENCE_SECONDS,
        )
        options: dict[str, Any] = {"connection_pool": self._pool}
        self._storage = RedisStorage(
            f"async+{address}", wrap_exceptions=True, implementation="redispy", **options
        )
        self._instead = Memory()
        self._away_until = 0.0
        self._trouble: str | None = None

    async def add(self, who: str, rates: Sequence[Rate], amount: int, at: int) -> list[int]:
        if monotonic() < self._away_until:
            return await self._instead.add(who, rates, amount, at)
        try:
            counts = [
                await self._storage.incr(
                    f"nqpf:{rate.seconds}:{at // rate.seconds}:{who}", rate.seconds, amount
                )
                for rate in rates
            ]
        except StorageError as error:
            self._away(error)
            return await self._instead.add(who, rates, amount, at)
        if self._trouble:
            log.info("limits.shared", reason="the server that counts answers again")
            self._trouble = None
        return counts

    def ask_again(self) -> None:
        """Try the server at the next request, however short it has been away."""
        self._away_until = 0.0

    def _away(self, error: StorageError) -> None:
        reason = str(error.storage_error) or type(error.storage_error).__name__
        if self._trouble is None:
            log.warning("limits.alone", reason=reason, meaning="each process counts for itself")
        self._trouble = f"the server that counts does not answer, each process counts for itself: {reason}"
        self._away_until = monotonic() + _RETRY_SECONDS

    async def trouble(self) -> str | None:
        return self._trouble

    async def close(self) -> None:
        await self._pool.aclose()
