"""Every side effect of a public change, on one screen."""

import re
from collections.abc import Sequence
from html import unescape

import structlog
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from app.bulletins import finished, history, live, merging, pictures
from app.bulletins.events import (
    BulletinCorrected,
    BulletinPublished,
    BulletinWithdrawn,
    ReferenceMerged,
    TagMerged,
    TagsCurated,
)
from app.kit import purging
from app.kit.changes import Change, ChangeLog
from app.kit.db import Database
from app.kit.problems import Problem
from app.kit.settings import Settings
from app.search import indexing, postgres, suggest
from app.search.ask import SearchQuery, ask
from app.search.contract import SearchEngine
from app.search.schemas import Hit
from app.wechat import wishes
from app.wechat.accounts import load as wechat_accounts
from app.wechat.answering import Passage, Search

log = structlog.get_logger(__name__)


async def journal(session: AsyncSession, changes: Sequence[Change]) -> None:  # noqa: ARG001 - a Follower
    """Tell operators of every public change."""
    for change in changes:
        log.info("change", seq=change.seq, kind=change.kind, subject=change.subject, version=change.version)


async def unindex(session: AsyncSession, events: Sequence[BulletinWithdrawn]) -> None:
    """Take what was withdrawn out of the search index."""
    await postgres.remove(session, [event.slug for event in events])


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
        wishes.FOLLOWER: wishes.follower(lambda: wechat_accounts(Settings.load())),
        purging.FOLLOWER: purging.follower(),
    },
)
