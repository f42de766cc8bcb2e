"""Published bulletins as values, read from the live tables."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute, aliased

from app.bulletins.document import BulletinDocument
from app.bulletins.models import Bulletin, Citation, Section, SectionTag, Tag


@dataclass(frozen=True, slots=True)
class Standing:
    """What a document does not know of itself: its version, and its place among all that is published.

    ``previous`` and ``next`` are the slugs of its neighbours in time, ``tags`` its tags by slug, others
    perhaps among them, ``references`` the shared references of its citations in their order.
    """

    version: int
    published_at: datetime
    updated_at: datetime
    previous: str | None
    next: str | None
    tags: Mapping[str, Tag]
    references: Sequence[UUID]


async def published(session: AsyncSession, slugs: Iterable[str]) -> list[tuple[BulletinDocument, Standing]]:
    """Those of the bulletins that are public, by date; a fixed number of queries.

    Columns are read, not entities: making these takes longer than all else here.
    """
    before, after = (query.scalar_subquery() for query in neighbours())
    query = select(*_BULLETIN, Bulletin.id, *_STANDING, before.label("previous"), after.label("next"))
    rows = (await session.execute(query.where(Bulletin.slug.in_(slugs)).order_by(Bulletin.date))).all()
    ids = [row.id for row in rows]
    sections, tags = await _sections(session, ids)
    citations = await _grouped(session, Citation.bulletin_id, ids, *_CITATION, order=Citation.number)
    return [
        (
            _document(row, sections[row.id], citations[row.id]),
            Standing(
                version=row.version,
                published_at=row.published_at,
                updated_at=row.updated_at,
                previous=row.previous,
                next=row.next,
                tags=tags,
                references=[citation.reference_id for citation in citations[row.id]],
            ),
        )
        for row in rows
    ]


_BULLETIN = (
    Bulletin.series,
    Bulletin.title,
    Bulletin.date,
    Bulletin.language,
    Bulletin.organisation,
    Bulletin.producers,
    Bulletin.abstract,
    Bulletin.contacts,
)
_STANDING = (Bulletin.version, Bulletin.published_at, Bulletin.updated_at)
_SECTION = (Section.number, Section.numeral, Section.heading, Section.page, Section.body)
_CITATION = (
    Citation.number,
    Citation.purpose,
    Citation.sections,
    Citation.inferred,
    Citation.item,
    Citation.reference_id,
)


async def _sections(
    session: AsyncSession, bulletins: Sequence[UUID]
) -> tuple[Mapping[UUID, list[dict[str, Any]]], Mapping[str, Tag]]:
    """The sections of each bulletin, as their document has them, and all their tags by slug."""
    found = await _grouped(
        session, Section.bulletin_id, bulletins, Section.id, *_SECTION, order=Section.number
    )
    ids = [section.id for sections in found.values() for section in sections]
    links = await _grouped(session, SectionTag.section_id, ids, SectionTag.tag_id, order=SectionTag.position)
    used = {link.tag_id for of_section in links.values() for link in of_section}
    query = select(Tag).where(Tag.id.in_(used)).execution_options(populate_existing=True)
    tags = {tag.id: tag for tag in await session.scalars(query)}
    sections: dict[UUID, list[dict[str, Any]]] = defaultdict(list)
    for bulletin, rows in found.items():
        for row in rows:
            carried = [{"slug": tags[link.tag_id].slug} for link in links[row.id]]
            sections[bulletin].append(
                {column.key: getattr(row, column.key) for column in _SECTION} | {"tags": carried}
            )
    return sections, {tag.slug: tag for tag in tags.values()}


async def _grouped(
    session: AsyncSession,
    owner: InstrumentedAttribute[UUID],
    ids: Sequence[UUID],
    *columns: InstrumentedAttribute[Any],
    order: InstrumentedAttribute[int],
) -> Mapping[UUID, list[Row[Any]]]:
    """What belongs to each of the owners, in order."""
    query = select(owner.label("owner"), *columns).where(owner.in_(ids)).order_by(owner, order)
    found: dict[UUID, list[Row[Any]]] = defaultdict(list)
    for row in await session.execute(query):
        found[row.owner].append(row)
    return found


def neighbours(of: Any = Bulletin.date) -> tuple[Select[str], Select[str]]:
    """The slugs of the bulletins right before and right after a date."""
    other = aliased(Bulletin)
    before = select(other.slug).where(other.date < of).order_by(other.date.desc()).limit(1)
    after = select(other.slug).where(other.date > of).order_by(other.date).limit(1)
    return before, after


def _document(
    row: Row[Any], sections: Sequence[Mapping[str, Any]], citations: Sequence[Row[Any]]
) -> BulletinDocument:
    return BulletinDocument.model_validate(
        {column.key: getattr(row, column.key) for column in _BULLETIN}
        | {
            "sections": sections,
            "citations": [
                {
                    "number": citation.number,
                    "purpose": citation.purpose,
                    "sections": citation.sections,
                    "inferred": citation.inferred,
                    "reference": citation.item,
                }
                for citation in citations
            ],
        }
    )
