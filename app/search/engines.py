"""Which engine answers: the first one that can."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, nullcontext
from datetime import timedelta
from typing import Protocol

import structlog

from app.kit.changes import overdue
from app.kit.db import Database
from app.kit.settings import Settings
from app.search import meilisearch
from app.search.breaker import Breaker
from app.search.contract import Answer, EngineUnavailableError, Query, Search, SearchEngine
from app.search.postgres import PostgresEngine

log = structlog.get_logger(__name__)

PROBE = Search(Query(typed="", terms=()), limit=0)
"""The least that can be asked."""

LATE = timedelta(minutes=2)
"""A change that an engine's index lacks for longer is trouble; its follower has the engine's name."""


class Opening(Protocol):
    """Opens an engine; None where the settings do not ask for it."""

    def __call__(
        self, settings: Settings, database: Database, /
    ) -> AbstractAsyncContextManager[SearchEngine] | None: ...


ENGINES: Mapping[str, Opening] = {
    "meilisearch": lambda settings, _database: meilisearch.connect(settings) if settings.meili_url else None,
    "postgres": lambda _settings, database: nullcontext(PostgresEngine(database)),
}
"""Every engine by its name, the preferred one first; the last one is always there."""


async def _nothing(_engine: str) -> int:
    return 0


class Engines:
    """Several engines as one: the first that can answer does; the last one is asked whatever happens.

    An engine that fails three times in a row is left alone for a while (:class:`Breaker`). ``overdue``
    tells of an engine how many changes its index should have had long ago.
    """

    name = "engines"

    def __init__(
        self, engines: Sequence[SearchEngine], overdue: Callable[[str], Awaitable[int]] = _nothing
    ) -> None:
        *preferred, self._last = engines
        self._overdue = overdue
        self._preferred = [(engine, Breaker()) for engine in preferred]

    async def search(self, search: Search) -> Answer:
        """Answer one request.

        :raises EngineUnavailableError: not even the last engine can, or not the one that must.
        """
        for engine, breaker in self._preferred:
            if search.engine in {None, engine.name}:
                answer = await self._tried(engine, breaker, search)
                if answer is not None:
                    return answer
        if search.engine in {None, self._last.name}:
            return await self._last.search(search)
        raise EngineUnavailableError(f"{search.engine} does not answer")

    async def trouble(self) -> str | None:
        """What is wrong with the preferred engines, in one line; it asks those that are not left alone."""
        failing = []
        for engine, breaker in self._preferred:
            if await self._tried(engine, breaker, PROBE) is None:
                failing.append(f"{engine.name}: {breaker.reason}")
            elif waiting := await self._overdue(engine.name):
                failing.append(f"{engine.name}: {waiting} changes wait for its index")
        return "; ".join(failing) or None

    async def _tried(self, engine: SearchEngine, breaker: Breaker, search: Search) -> Answer | None:
        if not breaker.lets_through():
            return None
        try:
            answer = await engine.search(search)
        except EngineUnavailableError as error:
            breaker.failed(str(error))
            log.warning("search.engine-unavailable", engine=engine.name, reason=str(error))
            return None
        breaker.succeeded()
        return answer


@asynccontextmanager
async def connect(
    settings: Settings, database: Database, names: Iterable[str] = ENGINES
) -> AsyncIterator[Engines]:
    """Those of the named engines that the settings ask for, closed at the end."""

    async def late(engine: str) -> int:
        async with database.snapshot() as session:
            return await overdue(session, engine, LATE)

    async with AsyncExitStack() as stack:
        openings = [ENGINES[name](settings, database) for name in names]
        yield Engines([await stack.enter_async_context(opening) for opening in openings if opening], late)
