"""Published bulletins as values, read from the live tables."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased, selectinload

from app.bulletins.document import BulletinDocument
from app.bulletins.models import Bulletin, Section, Tag


@dataclass(frozen=True, slots=True)
class Standing:
    """What a document does not know of itself: its version, and its place among all that is published.

    ``previous`` and ``next`` are the slugs of its neighbours in time, ``tags`` its tags by slug,
    ``references`` the shared references of its citations in their order.
    """

    version: int
    published_at: datetime
    updated_at: datetime
    previous: str | None
    next: str | None
    tags: Mapping[str, Tag]
    references: Sequence[UUID]


async def published(session: AsyncSession, slugs: Iterable[str]) -> list[tuple[BulletinDocument, Standing]]:
    """Those of the bulletins that are public, by date; a fixed number of queries."""
    before, after = neighbours()
    rows = await session.execute(
        select(Bulletin, before.scalar_subquery(), after.scalar_subquery())
        .where(Bulletin.slug.in_(slugs))
        .options(
            selectinload(Bulletin.tags),
            selectinload(Bulletin.sections).selectinload(Section.tags),
            selectinload(Bulletin.citations),
        )
        .order_by(Bulletin.date)
        .execution_options(populate_existing=True)
    )
    return [
        (
            _document(row),
            Standing(
                version=row.version,
                published_at=row.published_at,
                updated_at=row.updated_at,
                previous=previous,
                next=following,
                tags={tag.slug: tag for tag in row.tags},
                references=[citation.reference_id for citation in row.citations],
            ),
        )
        for row, previous, following in rows
    ]


def neighbours(of: Any = Bulletin.date) -> tuple[Select[str], Select[str]]:
    """The slugs of the bulletins right before and right after a date."""
    other = aliased(Bulletin)
    before = select(other.slug).where(other.date < of).order_by(other.date.desc()).limit(1)
    after = select(other.slug).where(other.date > of).order_by(other.date).limit(1)
    return before, after


def _document(row: Bulletin) -> BulletinDocument:
    sections = [
        {
            "number": section.number,
            "numeral": section.numeral,
            "heading": section.heading,
            "page": section.page,
            "body": section.body,
            "tags": [{"slug": tag.slug} for tag in section.tags],
        }
        for section in row.sections
    ]
    citations = [
        {
            "number": citation.number,
            "purpose": citation.purpose,
            "sections": citation.sections,
            "inferred": citation.inferred,
            "reference": citation.item,
        }
        for citation in row.citations
    ]
    return BulletinDocument.model_validate(
        {
            "series": row.series,
            "title": row.title,
            "date": row.date,
            "language": row.language,
            "organisation": row.organisation,
            "producers": row.producers,
            "abstract": row.abstract,
            "sections": sections,
            "citations": citations,
            "contacts": row.contacts,
        }
    )
