"""Every side effect of a public change, on one screen."""

from collections.abc import Sequence

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app.bulletins import finished, history, live, pictures
from app.bulletins.events import BulletinCorrected, BulletinPublished, BulletinWithdrawn, TagsCurated
from app.kit import purging
from app.kit.changes import Change, ChangeLog
from app.search import indexing, postgres, suggest

log = structlog.get_logger(__name__)


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


_PUBLISHED = (live.store, finished.keep, history.keep, pictures.show, postgres.index, suggest.index)

changes = ChangeLog(
    # inside the publishing transaction, in this order
    handlers={
        BulletinPublished: _PUBLISHED,
        BulletinCorrected: _PUBLISHED,
        # Suggestions of headings go with their sections, those of tags and sources with their counts.
        BulletinWithdrawn: (unindex, live.remove, finished.close_ranks, history.forget, pictures.hide),
        TagsCurated: (finished.forget, postgres.retag, suggest_anew),
    },
    # after it, each at its own pace
    followers={
        "journal": journal,
        indexing.FOLLOWER: indexing.follower(),
        purging.FOLLOWER: purging.follower(),
    },
)
