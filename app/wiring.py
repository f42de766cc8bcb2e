"""Every side effect of a public change, on one screen."""

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import date
from html import unescape
from typing import cast

import structlog
from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.bulletins import finished, history, live, merging, pictures, successors
from app.bulletins.events import (
    BulletinCorrected,
    BulletinPublished,
    BulletinWithdrawn,
    ReferenceMerged,
    TagMerged,
    TagsCurated,
)
from app.bulletins.models import PublishedVersion
from app.kit import purging
from app.kit.changes import Change, ChangeLog
from app.kit.db import Database
from app.kit.problems import Problem
from app.kit.settings import Settings
from app.partners import messages
from app.partners.selection import Selection
from app.partners.topics import TopicQuery
from app.search import indexing, postgres, suggest
from app.search.ask import SearchQuery, ask
from app.search.contract import SearchEngine, Sort
from app.search.schemas import Hit
from app.wechat import wishes
from app.wechat.accounts import load as wechat_accounts
from app.wechat.answering import Passage, Search

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


async def find(session: AsyncSession, query: TopicQuery, day: date | None) -> set[str]:
    """The bulletins that a saved topic finds (a :data:`app.partners.topics.Find`).

    PostgreSQL is asked, within the session: its index is written with what it describes.
    """
    asked = query if day is None else query.model_copy(update={"from_": day, "to": day})
    if day and not (query.from_ or day) <= day <= (query.to or day):
        return set()
    if query.q is None:
        row, selected = PublishedVersion, await Selection.of(session, asked)
        passes = selected.condition(await successors.of_tags(session))
        standing = row.until.is_(None), row.document.is_not(None), passes
        newest = select(row.slug).where(*standing).order_by(row.date.desc()).limit(PAGE)
        return set(await session.scalars(newest))
    filters = asked.model_dump(by_alias=True, exclude_none=True)
    within = cast("Database", _Within(session))
    searched = SearchQuery(limit=PAGE, sort=Sort.date, group="bulletin", **filters)
    found = await ask(within, postgres.PostgresEngine(within), searched)
    return set() if found.relaxed else {hit.bulletin.slug for hit in found.items}


class _Within:
    """A database whose snapshots are a session that is open already."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    @asynccontextmanager
    async def snapshot(self, *, public: bool = False) -> AsyncIterator[AsyncSession]:  # noqa: ARG002 - a Database
        yield self._session


_PUBLISHED = (live.store, finished.keep, history.keep, pictures.show, postgres.index, suggest.index)


def passages(database: Database, engine: SearchEngine) -> Search:
    """The search as readers of the official account use it: packages side by side do not know each other."""

    async def find(q: str, limit: int) -> list[Passage]:
        try:
            page = await ask(database, engine, SearchQuery(q=q, limit=limit))
        except (Problem, ValidationError) as error:
            if isinstance(error, Problem) and error.kind == "unavailable":
                raise
            return []  # There is no word in it to search for.
        return [_passage(hit) for hit in page.items]

    return find


def _passage(hit: Hit) -> Passage:
    number, day = hit.section.number, hit.bulletin.date
    return Passage(hit.bulletin.slug, day, number, hit.section.heading, _plain(hit.highlight.body))


def _plain(html: str) -> str:
    return unescape(re.sub("</?mark>", "", html))


changes = ChangeLog(
    # inside the publishing transaction, in this order
    handlers={
        BulletinPublished: _PUBLISHED,
        BulletinCorrected: _PUBLISHED,
        # Suggestions of headings go with their sections, those of tags and sources with their counts.
        BulletinWithdrawn: (unindex, live.remove, finished.close_ranks, history.forget, pictures.hide),
        TagsCurated: (finished.forget, postgres.retag, suggest.retag),
        # What names the tag that goes is found by it, so it goes after that.
        TagMerged: (finished.forget, postgres.retag, postgres.rename, merging.merge_tags, suggest.retag),
        ReferenceMerged: (merging.merge_references,),
    },
    # after it, each at its own pace
    followers={
        "journal": journal,
        indexing.FOLLOWER: indexing.follower(),
        messages.FOLLOWER: messages.follower(find),
        wishes.FOLLOWER: wishes.follower(lambda: wechat_accounts(Settings.load())),
        purging.FOLLOWER: purging.follower(),
    },
)
