"""Brings the rows that the Postgres engine searches to what is live, a few bulletins at a time."""

from collections.abc import Sequence

from sqlalchemy import case, func, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.bulletins.events import TagMerged, TagsCurated
from app.kit.changes import ChangeLog
from app.kit.db import Database
from app.kit.jobs import defer
from app.search.models import IndexedSection, NextSection
from app.search.postgres_index import rewrite
from app.search.text import tokenizer

MEND = "mend-search-index"
"""The job that calls :func:`mend`."""

_BATCH = 20
"""So many bulletins are cut anew while publications wait."""

_DRIFT = text("""
WITH live AS (
    SELECT slug, 0 AS number, version FROM bulletin WHERE abstract <> ''
    UNION ALL
    SELECT slug, number, version FROM bulletin JOIN section ON section.bulletin_id = bulletin.id
)
SELECT DISTINCT slug FROM live FULL JOIN search_section AS indexed USING (slug, number)
WHERE live.version IS DISTINCT FROM indexed.version OR indexed.tokenizer IS DISTINCT FROM :tokenizer
ORDER BY slug DESC
""")


async def retag(session: AsyncSession, events: Sequence[TagsCurated | TagMerged]) -> None:
    """Have all sections with these tags cut anew by a job: they are found by their tags' names (a handler).

    Until then they are found by the former names.
    """
    slugs = sorted({slug for event in events for slug in event.slugs})
    for table in (IndexedSection, NextSection):
        await session.execute(update(table).where(table.tags.overlap(slugs)).values(tokenizer=""))
    await defer(session, MEND, lock=MEND)


async def rename(session: AsyncSession, events: Sequence[TagMerged]) -> None:
    """Find all sections that had the events' tags by the tags they are merged into, at once (a handler)."""
    for event in events:
        for table in (IndexedSection, NextSection):
            without = func.array_remove(table.tags, event.slug)
            tags = case(
                (table.tags.contains([event.into]), without),
                else_=func.array_append(without, event.into),
            )
            having = update(table).where(table.tags.contains([event.slug]))
            await session.execute(having.values(tags=tags))


async def drift(session: AsyncSession) -> Sequence[str]:
    """The bulletins whose rows differ from what is live, or were cut in a former way; the newest first."""
    return (await session.scalars(_DRIFT, {"tokenizer": tokenizer()})).all()


async def mend(database: Database) -> Sequence[str]:
    """Write the rows of the bulletins that have drifted anew; the bulletins."""
    async with database.snapshot() as session:
        slugs = await drift(session)
    for start in range(0, len(slugs), _BATCH):
        async with database.session() as session:
            await ChangeLog().begin(session)
            await rewrite(session, slugs[start : start + _BATCH])
    return slugs
