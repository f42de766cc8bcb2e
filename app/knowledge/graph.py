"""The graph of citations: what is cited together, and for which topics."""

from collections.abc import Sequence
from datetime import date
from itertools import islice
from uuid import UUID

from sqlalchemy import distinct, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased, joinedload, selectinload

from app.bulletins import shapes
from app.bulletins.models import (
    Bulletin,
    BulletinSource,
    Citation,
    Reference,
    Section,
    SectionTag,
    Source,
    Tag,
)
from app.kit.changes import last_change
from app.knowledge import queries, schemas
from app.knowledge.days import YEAR, backwards, window
from app.knowledge.parameters import WindowQuery
from app.knowledge.queries import counted, lift

MOST = 20
"""So many neighbours are named of each kind."""


async def source_detail(session: AsyncSession, source: Source, query: WindowQuery) -> schemas.SourceDetail:
    """A source with its neighbours in the window."""
    day = BulletinSource.date
    ends = await session.execute(
        select(func.min(day), func.max(day)).where(BulletinSource.source_id == source.id)
    )
    first, last = ends.one()
    first_day, last_day = window(query.from_, query.to, last)
    beside, bulletins = await _beside(session, source.id, first_day, last_day)
    using, tags = await _tags_of_source(session, source.id, first_day, last_day)
    tags.sort(key=lambda item: (-item.sections, -item.lift, item.tag.slug))
    newest = await session.scalars(
        select(Reference)
        .options(joinedload(Reference.source))
        .where(Reference.source_id == source.id, Reference.citation_count > 0)
        .order_by(Reference.listed_on.desc(), Reference.id.desc())
        .limit(MOST)
    )
    return schemas.SourceDetail(
        **dict(shapes.source(source)),
        first_day=first_day,
        last_day=last_day,
        first_cited=first,
        last_cited=last,
        bulletins=bulletins,
        sections=using,
        tags=tags[:MOST],
        sources=beside[:MOST],
        references=[shapes.reference(row) for row in newest],
    )


async def _beside(
    session: AsyncSession, source_id: UUID, first: date, last: date
) -> tuple[list[schemas.RelatedSource], int]:
    """The sources that the same bulletins cite, and how many bulletins these are."""
    own, other = aliased(BulletinSource), aliased(BulletinSource)
    together = await counted(
        session,
        other.source_id,
        own.source_id == source_id,
        own.date.between(first, last),
        own.bulletin_id == other.bulletin_id,
    )
    everywhere = await counted(session, BulletinSource.source_id, BulletinSource.date.between(first, last))
    dated = select(func.count()).select_from(Bulletin).where(Bulletin.date.between(first, last))
    all_bulletins = await session.scalar(dated) or 0
    bulletins = together.pop(source_id, 0)
    rows = await session.scalars(select(Source).where(Source.id.in_(together)))
    items = [
        schemas.RelatedSource(
            source=shapes.source(row),
            bulletins=together[row.id],
            lift=lift(together[row.id], bulletins, everywhere[row.id], all_bulletins),
        )
        for row in rows
    ]
    items.sort(key=lambda item: (-item.bulletins, -item.lift, item.source.slug))
    return items, bulletins


async def _tags_of_source(
    session: AsyncSession, source_id: UUID, first: date, last: date
) -> tuple[int, list[schemas.RelatedTag]]:
    """How many sections use the source, and their tags."""
    using = (
        select(Section.id)
        .distinct()
        .join(Citation, (Citation.bulletin_id == Section.bulletin_id))
        .join(BulletinSource, BulletinSource.bulletin_id == Citation.bulletin_id)
        .join(Reference, Reference.id == Citation.reference_id)
        .where(
            BulletinSource.source_id == source_id,
            BulletinSource.date.between(first, last),
            Reference.source_id == source_id,
            Section.number == Citation.sections.any_(),
        )
        .cte()
    )
    count = await session.scalar(select(func.count()).select_from(using)) or 0
    together = await counted(session, SectionTag.tag_id, SectionTag.section_id == using.c.id)
    everywhere = await queries.tag_counts(session, first, last)
    sections = await queries.section_count(session, first, last)
    return count, await queries.related_tags(session, together, count, everywhere, sections)


async def related_references(session: AsyncSession, reference_id: UUID) -> schemas.RelatedReferences | None:
    """What the bulletins that cite a reference cite beside it, and what they cite it for; or None."""
    citing: Sequence[UUID] = (
        await session.scalars(
            select(Bulletin.id)
            .where(Bulletin.id.in_(select(Citation.bulletin_id).where(Citation.reference_id == reference_id)))
            .order_by(Bulletin.date.desc())
            .limit(YEAR)
        )
    ).all()
    if not citing:
        return None
    cited = func.count(distinct(Citation.bulletin_id))
    rows = await session.execute(
        select(Reference, cited)
        .options(selectinload(Reference.source))
        .join(Citation, Citation.reference_id == Reference.id)
        .where(Citation.bulletin_id.in_(citing), Reference.id != reference_id)
        .group_by(Reference.id)
        .order_by(cited.desc(), Reference.listed_on.desc(), Reference.id.desc())
        .limit(MOST)
    )
    return schemas.RelatedReferences(
        bulletins=len(citing),
        tags=await _tags_of_reference(session, reference_id, citing),
        items=[
            schemas.RelatedReference(reference=shapes.reference(row), bulletins=count) for row, count in rows
        ],
    )


async def _tags_of_reference(
    session: AsyncSession, reference_id: UUID, citing: Sequence[UUID]
) -> list[schemas.TagUse]:
    used = func.count(distinct(Section.id))
    rows = await session.execute(
        select(Tag, used)
        .join(SectionTag, SectionTag.tag_id == Tag.id)
        .join(Section, Section.id == SectionTag.section_id)
        .join(Citation, Citation.bulletin_id == Section.bulletin_id)
        .where(
            Citation.bulletin_id.in_(citing),
            Citation.reference_id == reference_id,
            Section.number == Citation.sections.any_(),
        )
        .group_by(Tag.id)
        .order_by(used.desc(), Tag.slug)
        .limit(MOST)
    )
    return [schemas.TagUse(tag=shapes.tag_name(row), sections=count) for row, count in rows]


async def stats(session: AsyncSession) -> schemas.Stats:
    """The archive in numbers."""
    ends = await session.execute(select(func.min(Bulletin.date), func.max(Bulletin.date)))
    first_day, last_day = ends.one()
    counts = {
        "bulletins": select(func.count()).select_from(Bulletin),
        "sections": select(func.count()).select_from(Section),
        "citations": select(func.count()).select_from(Citation),
        "references": select(func.count()).select_from(Reference).where(Reference.citation_count > 0),
        "sources": select(func.count()).select_from(Source).where(Source.reference_count > 0),
        "tags": select(func.count()).select_from(Tag).where(Tag.bulletin_count > 0),
    }
    columns = [query.scalar_subquery().label(name) for name, query in counts.items()]
    totals = (await session.execute(select(*columns))).mappings().one()
    return schemas.Stats(
        totals=schemas.Totals.model_validate(totals),
        growth=await _growth(session, last_day) if last_day else [],
        first_day=first_day,
        last_day=last_day,
        updated_at=await last_change(session),
    )


async def _growth(session: AsyncSession, last_day: date) -> list[schemas.Growth]:
    starts = list(islice(backwards(last_day, date.min, "month"), 12))
    bulletins = await queries.by_interval(session, Bulletin.date, "month", Bulletin.date >= starts[-1])
    sections = await queries.by_interval(session, Section.date, "month", Section.date >= starts[-1])
    return [
        schemas.Growth(start=start, bulletins=bulletins.get(start, 0), sections=sections.get(start, 0))
        for start in starts
    ]
