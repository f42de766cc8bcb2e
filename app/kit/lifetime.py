"""No cache keeps an answer beyond the next planned change of what is public."""

import asyncio
import math
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from sqlalchemy.exc import SQLAlchemyError
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.kit.background import running

_SECONDS = re.compile(r"\b(max-age|s-maxage)=(\d+)")
_WHILE = re.compile(r", stale-(?:while-revalidate|if-error)=\d+")

_SAME = 0.5
"""Seconds by which two measurements of one time may differ."""

Ask = Callable[[], Awaitable[float | None]]
"""Gives the seconds until the next planned change, 0 or less when it is overdue; None without one."""


class Lifetime:
    """Cuts ``max-age`` and ``s-maxage`` of public answers to the time that is left.

    What is immutable stays as it is. A front that keeps answers stands outside of this and says their
    ``Age``, so that what is left shrinks with it.
    """

    def __init__(self, app: ASGIApp, plan: "Plan") -> None:
        self.app = app
        self.plan = plan

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def cut(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                header = headers.get("cache-control", "")
                if header.startswith("public") and "immutable" not in header:
                    headers["cache-control"] = shortened(header, self.plan.left())
            await send(message)

        await self.app(scope, receive, cut)


def shortened(header: str, left: float | None) -> str:
    """``Cache-Control`` with no lifetime longer than ``left`` seconds, and nothing stale after it."""
    if left is None:
        return header
    most = max(0, math.floor(left))

    def cut(found: re.Match[str]) -> str:
        return f"{found[1]}={min(int(found[2]), most)}"

    return _SECONDS.sub(cut, _WHILE.sub("", header))


class Plan:
    """Knows when the next planned change is, by asking every ``interval`` seconds while :meth:`watching`.

    An answer of the moment in which something is planned is like one given just before.
    """

    def __init__(self, interval: float = 1.0) -> None:
        self.interval = interval
        self._due: float | None = None

    def left(self) -> float | None:
        """The seconds until the change, 0 or less when it is overdue; None when none is planned."""
        return None if self._due is None else self._due - time.monotonic()

    @asynccontextmanager
    async def watching(self, ask: Ask, moved: Callable[[], None]) -> AsyncIterator[None]:
        """Ask while the context lasts; ``moved`` is called whenever something else is planned."""

        async def look() -> None:
            with suppress(SQLAlchemyError, OSError):
                left = await ask()
                due = None if left is None else time.monotonic() + left
                if self._differs(due):
                    self._due = due
                    moved()

        async def watch() -> None:
            while True:
                await asyncio.sleep(self.interval)
                await look()

        await look()
        async with running(watch()):
            yield

    def _differs(self, due: float | None) -> bool:
        if due is None or self._due is None:
            return due is not self._due
        return abs(due - self._due) > _SAME
