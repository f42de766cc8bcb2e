"""Every side effect of a public change, on one screen."""

from collections.abc import Sequence

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app.bulletins import finished, live
from app.bulletins.events import BulletinCorrected, BulletinPublished, TagsCurated
from app.kit import purging
from app.kit.changes import Change, ChangeLog
from app.search import indexing, postgres, suggest

log = structlog.get_logger(__name__)


async def journal(session: AsyncSession, changes: Sequence[Change]) -> None:  # noqa: ARG001 - a Follower
    """Tell operators of every public change."""
    for change in changes:
        log.info("change", seq=change.seq, kind=change.kind, subject=change.subject, version=change.version)


async def suggest_anew(session: AsyncSession, events: Sequence[TagsCurated]) -> None:  # noqa: ARG001 - a Handler
    """Offer the tags by their new names."""
    await suggest.rebuild(session)


changes = ChangeLog(
    # inside the publishing transaction, in this order
    handlers={
        BulletinPublished: (live.store, finished.keep, postgres.index, suggest.index),
        BulletinCorrected: (live.store, finished.keep, postgres.index, suggest.index),
        TagsCurated: (finished.forget, suggest_anew),
    },
    # after it, each at its own pace
    followers={
        "journal": journal,
        indexing.FOLLOWER: indexing.follower(),
        purging.FOLLOWER: purging.follower(),
    },
)
