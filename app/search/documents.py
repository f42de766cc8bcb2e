"""A bulletin as the sections that engines index."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from pydantic import TypeAdapter
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from app.bulletins import models
from app.bulletins.document import Block, BulletinDocument, block_text
from app.search.contract import SectionDocument

_BLOCKS = TypeAdapter(list[Block])


@dataclass(frozen=True, slots=True)
class _Bulletin:
    """What the sections of one bulletin share; ``kinds`` by tag, ``cited`` by the sections that use it."""

    slug: str
    version: int
    series: str
    title: str
    date: date
    published_at: datetime
    kinds: Mapping[str, str]
    cited: Sequence[tuple[Sequence[int], str]]

    def section(self, number: int, heading: str, body: str, tags: Sequence[str]) -> SectionDocument:
        sources = (source for sections, source in self.cited if number == 0 or number in sections)
        return SectionDocument(
            slug=self.slug,
            number=number,
            version=self.version,
            title=self.title,
            date=self.date,
            published_at=self.published_at,
            heading=heading,
            body=body,
            tags=tuple(tags),
            kinds=tuple(dict.fromkeys(self.kinds[tag] for tag in tags)),
            sources=tuple(dict.fromkeys(sources)),
        )

    def abstract(self, text: str, tags: Sequence[str]) -> Iterator[SectionDocument]:
        """Section 0, unless there is no abstract. Its heading lacks the series, which is in every title."""
        if text:
            yield self.section(0, self.title.removeprefix(self.series).strip(), text, tags)


def of(
    document: BulletinDocument, version: int, published_at: datetime, kinds: Mapping[str, str]
) -> list[SectionDocument]:
    """The sections of a document, its abstract first; ``kinds`` gives the kind of each tag by slug."""
    bulletin = _Bulletin(
        slug=document.slug,
        version=version,
        series=document.series,
        title=document.title,
        date=date.fromisoformat(document.slug),
        published_at=published_at,
        kinds=kinds,
        cited=[(citation.sections, citation.reference.source) for citation in document.citations],
    )
    return [
        *bulletin.abstract(document.abstract, document.tag_slugs),
        *(
            bulletin.section(s.number, s.heading, _text(s.body), [tag.slug for tag in s.tags])
            for s in document.sections
        ),
    ]


async def live(session: AsyncSession, slug: str) -> list[SectionDocument]:
    """The sections of a live bulletin, its abstract first; none if it is not public."""
    row = await session.scalar(
        select(models.Bulletin)
        .where(models.Bulletin.slug == slug)
        .options(
            selectinload(models.Bulletin.sections).selectinload(models.Section.tags),
            selectinload(models.Bulletin.tags),
            selectinload(models.Bulletin.citations),
        )
        .execution_options(populate_existing=True)
    )
    if row is None:
        return []
    bulletin = _Bulletin(
        slug=row.slug,
        version=row.version,
        series=row.series,
        title=row.title,
        date=row.date,
        published_at=row.published_at,
        kinds={tag.slug: tag.kind for tag in row.tags},
        cited=[(citation.sections, citation.item["source"]) for citation in row.citations],
    )
    return [
        *bulletin.abstract(row.abstract, [tag.slug for tag in row.tags]),
        *(
            bulletin.section(
                s.number, s.heading, _text(_BLOCKS.validate_python(s.body)), [tag.slug for tag in s.tags]
            )
            for s in row.sections
        ),
    ]


def _text(blocks: Sequence[Block]) -> str:
    return "\n".join(map(block_text, blocks))
