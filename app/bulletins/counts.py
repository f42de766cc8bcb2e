"""The counts of tags, references and sources, and the answers that show them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from app.bulletins import keys
from app.bulletins.models import BulletinSource, BulletinTag, Citation, Reference, SectionTag, Source, Tag


@dataclass(frozen=True, slots=True)
class Counted:
    """The rows whose counts depend on some bulletins."""

    tags: frozenset[UUID] = frozenset()
    references: frozenset[UUID] = frozenset()
    sources: frozenset[UUID] = frozenset()

    def keys(self) -> Iterator[str]:
        """The surrogate keys of the answers that show the counts, or list by these rows."""
        yield from map(keys.tag, self.tags)
        yield from map(keys.reference, self.references)
        yield from map(keys.source, self.sources)


async def counted(session: AsyncSession, bulletins: Sequence[UUID]) -> Counted:
    """What some bulletins count for."""

    async def ids(column: InstrumentedAttribute[UUID], owner: InstrumentedAttribute[UUID]) -> frozenset[UUID]:
        return frozenset(await session.scalars(select(column).where(owner.in_(bulletins))))

    return Counted(
        tags=await ids(BulletinTag.tag_id, BulletinTag.bulletin_id),
        references=await ids(Citation.reference_id, Citation.bulletin_id),
        sources=await ids(BulletinSource.source_id, BulletinSource.bulletin_id),
    )


async def recount(session: AsyncSession, before: Counted, after: Counted) -> None:
    """Count again what may have changed, and nothing else."""

    async def count(model: type[Tag | Reference | Source], ids: frozenset[UUID], **counts: Any) -> None:
        values = {name: query.correlate(model).scalar_subquery() for name, query in counts.items()}
        await session.execute(update(model).where(model.id.in_(ids)).values(values))

    everything = select(func.count())
    await count(
        Tag,
        before.tags | after.tags,
        bulletin_count=everything.select_from(BulletinTag).where(BulletinTag.tag_id == Tag.id),
        section_count=everything.select_from(SectionTag).where(SectionTag.tag_id == Tag.id),
    )
    await count(
        Reference,
        before.references | after.references,
        citation_count=select(func.count(Citation.bulletin_id.distinct())).where(
            Citation.reference_id == Reference.id
        ),
    )
    await count(
        Source,
        before.sources | after.sources,
        reference_count=everything.select_from(Reference).where(
            Reference.source_id == Source.id, Reference.citation_count > 0
        ),
    )
