"""How well each engine keeps up with the live tables."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from meilisearch.errors import MeilisearchError
from sqlalchemy import func, select

from app.kit.changes import Change, Position
from app.kit.db import Database
from app.search import postgres
from app.search.indexing import FOLLOWER, drift
from app.search.meilisearch_index import Index
from app.search.models import IndexedSection


@dataclass(frozen=True, slots=True)
class EngineStatus:
    """One engine's documents, the last change it has handled and how many it is behind (``lag``).

    ``drift`` names the bulletins whose documents differ from what is live; ``trouble`` says why
    nothing is known of the index.
    """

    engine: str
    last_change: int
    lag: int
    documents: int | None = None
    drift: Sequence[str] = ()
    trouble: str | None = None


async def status(database: Database, index: Index | None) -> list[EngineStatus]:
    """The engines that are in use, the preferred one first."""
    async with database.snapshot() as session:
        last = await session.scalar(select(func.coalesce(func.max(Change.seq), 0))) or 0
        position = await session.scalar(select(Position.seq).where(Position.follower == FOLLOWER)) or 0
        behind = await session.scalar(select(func.count()).where(Change.seq > position)) or 0
        sections = await session.scalar(select(func.count()).select_from(IndexedSection))
        differences = await postgres.drift(session)
    own = EngineStatus("postgres", last, 0, documents=sections, drift=differences)
    if index is None:
        return [own]
    return [await _meilisearch(database, index, position, behind), own]


async def _meilisearch(database: Database, index: Index, position: int, behind: int) -> EngineStatus:
    try:
        if await asyncio.to_thread(index.created) is None:
            trouble = f"there is no index {index.uid}: it is built by `nqpf search reconcile`"
            return EngineStatus("meilisearch", position, behind, trouble=trouble)
        documents = await asyncio.to_thread(index.count)
        differences = await drift(database, index)
    except MeilisearchError as error:
        return EngineStatus("meilisearch", position, behind, trouble=error.message)
    return EngineStatus("meilisearch", position, behind, documents=documents, drift=differences)
