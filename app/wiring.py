"""Every side effect of a public change, on one screen."""

from collections.abc import Sequence

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app.bulletins import live
from app.bulletins.events import BulletinCorrected, BulletinPublished
from app.kit.changes import Change, ChangeLog

log = structlog.get_logger(__name__)


async def journal(session: AsyncSession, changes: Sequence[Change]) -> None:  # noqa: ARG001 - a Follower
    """Tell operators of every public change."""
    for change in changes:
        log.info("change", seq=change.seq, kind=change.kind, subject=change.subject, version=change.version)


changes = ChangeLog(
    # inside the publishing transaction, in this order
    handlers={
        BulletinPublished: (live.store,),
        BulletinCorrected: (live.store,),
    },
    # after it, each at its own pace
    followers={
        "journal": journal,
    },
)
