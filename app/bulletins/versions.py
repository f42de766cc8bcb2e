"""Reading the versions that were made public."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.bulletins.models import PublishedVersion
from app.kit.parameters import is_slug
from app.kit.problems import Problem


async def absence(session: AsyncSession, slug: str, detail: str | None = None) -> Problem:
    """Why something of a bulletin cannot be read: it was withdrawn, or there is nothing (``detail``)."""
    if is_slug(slug):
        latest = select(PublishedVersion).where(PublishedVersion.slug == slug)
        row = await session.scalar(latest.order_by(PublishedVersion.version.desc()).limit(1))
        if row and row.kind == "withdrawn":
            return withdrawn(row)
    return Problem("not-found", detail or f"No bulletin {slug} is published.")


def withdrawn(row: PublishedVersion) -> Problem:
    """What readers are told of a withdrawal."""
    return Problem(
        "withdrawn",
        f"Bulletin {row.slug} has been withdrawn.",
        members={"note": row.note, "withdrawn_at": row.at},
    )
