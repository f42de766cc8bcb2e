"""Every side effect of a public change, on one screen."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import date
from typing import cast

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app.bulletins import history, live, queries
from app.bulletins.events import BulletinCorrected, BulletinPublished, BulletinWithdrawn, TagsCurated
from app.bulletins.filters import TagFilters
from app.kit.changes import Change, ChangeLog
from app.kit.db import Database
from app.partners import messages
from app.partners.topics import TopicQuery
from app.search import indexing, postgres, suggest
from app.search.ask import SearchQuery, ask
from app.search.contract import Sort

log = structlog.get_logger(__name__)

PAGE = 200
"""So many bulletins, the newest, a topic finds when it is saved."""


async def journal(session: AsyncSession, changes: Sequence[Change]) -> None:  # noqa: ARG001 - a Follower
    """Tell operators of every public change."""
    for change in changes:
        log.info("change", seq=change.seq, kind=change.kind, subject=change.subject, version=change.version)


async def unindex(session: AsyncSession, events: Sequence[BulletinWithdrawn]) -> None:
    """Take what was withdrawn out of the search index."""
    await postgres.remove(session, [event.slug for event in events])


async def suggest_anew(session: AsyncSession, events: Sequence[TagsCurated]) -> None:  # noqa: ARG001 - a Handler
    """Offer the tags by their new names."""
    await suggest.rebuild(session)


async def find(session: AsyncSession, query: TopicQuery, day: date | None) -> set[str]:
    """The bulletins that a saved topic finds (a :data:`app.partners.topics.Find`).

    PostgreSQL is asked, within the session: its index is written with what it describes.
    """
    asked = query if day is None else query.model_copy(update={"from_": day, "to": day})
    if day and not (query.from_ or day) <= day <= (query.to or day):
        return set()
    filters = asked.model_dump(by_alias=True, exclude_none=True)
    if query.q is None:
        page, _ = await queries.bulletins(session, TagFilters(limit=PAGE, **filters), "-date", frozenset())
        return {placed.row.slug for placed in page}
    within = cast("Database", _Within(session))
    searched = SearchQuery(limit=PAGE, sort=Sort.date, group="bulletin", **filters)
    found = await ask(within, postgres.PostgresEngine(within), searched)
    return set() if found.relaxed else {hit.bulletin.slug for hit in found.items}


class _Within:
    """A database whose snapshots are a session that is open already."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[AsyncSession]:
        yield self._session


changes = ChangeLog(
    # inside the publishing transaction, in this order
    handlers={
        BulletinPublished: (live.store, history.keep, postgres.index, suggest.index),
        BulletinCorrected: (live.store, history.keep, postgres.index, suggest.index),
        # Suggestions of headings go with their sections, those of tags and sources with their counts.
        BulletinWithdrawn: (unindex, live.remove, history.forget),
        TagsCurated: (suggest_anew,),
    },
    # after it, each at its own pace
    followers={
        "journal": journal,
        indexing.FOLLOWER: indexing.follower(),
        messages.FOLLOWER: messages.follower(find),
    },
)
