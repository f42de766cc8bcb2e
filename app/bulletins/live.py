"""Copies a published document into the live tables; runs inside the publishing transaction."""

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from pypinyin import lazy_pinyin
from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from app.bulletins.document import BulletinDocument, ReferenceItem, block_text, content_hash, normalised
from app.bulletins.document import Section as SectionValue
from app.bulletins.events import BulletinPublished
from app.bulletins.models import (
    Bulletin,
    BulletinSource,
    BulletinTag,
    Citation,
    Reference,
    Section,
    SectionTag,
    Source,
    Tag,
)
from app.kit.db import new_id

NO_DATE = date.min

_NOT_SLUG = re.compile(r"[^a-z0-9]+")


class UnknownTagError(Exception):
    """The document carries tags that do not exist; ``slugs`` names them."""

    def __init__(self, slugs: Iterable[str]) -> None:
        self.slugs = sorted(slugs)
        super().__init__(", ".join(self.slugs))


async def store(session: AsyncSession, event: BulletinPublished) -> None:
    """Make the event's document the live version of its bulletin.

    :raises UnknownTagError: nothing is stored.
    """
    document = event.document
    tags = await _tag_ids(session, document.tag_slugs)
    references = [await _reference(session, citation.reference) for citation in document.citations]
    bulletin = await _bulletin(session, event)
    before = await _counted(session, bulletin.id)
    await _clear(session, bulletin.id)
    for section in document.sections:
        _add_section(session, bulletin, section, document, tags)
    for citation, reference in zip(document.citations, references, strict=True):
        session.add(
            Citation(
                bulletin_id=bulletin.id,
                number=citation.number,
                reference_id=reference.id,
                purpose=citation.purpose,
                sections=list(citation.sections),
                inferred=citation.inferred,
            )
        )
    for position, slug in enumerate(document.tag_slugs):
        session.add(
            BulletinTag(tag_id=tags[slug], bulletin_id=bulletin.id, date=bulletin.date, position=position)
        )
    for source_id in {reference.source_id for reference in references}:
        session.add(BulletinSource(source_id=source_id, bulletin_id=bulletin.id, date=bulletin.date))
    await session.flush()
    await _recount(session, [before, await _counted(session, bulletin.id)])


async def _tag_ids(session: AsyncSession, slugs: Sequence[str]) -> dict[str, UUID]:
    rows = await session.execute(select(Tag.slug, Tag.id).where(Tag.slug.in_(slugs)))
    found = dict(rows.all())
    if missing := set(slugs) - set(found):
        raise UnknownTagError(missing)
    return found


async def _bulletin(session: AsyncSession, event: BulletinPublished) -> Bulletin:
    document = event.document
    bulletin = await session.scalar(select(Bulletin).where(Bulletin.slug == document.slug))
    if bulletin is None:
        bulletin = Bulletin(id=new_id(), slug=document.slug, published_at=event.at)
        session.add(bulletin)
    assert document.date is not None  # noqa: S101 - a slug has been made of it
    bulletin.date = document.date
    bulletin.series = document.series
    bulletin.title = document.title
    bulletin.language = document.language
    bulletin.organisation = document.organisation
    bulletin.producers = list(document.producers)
    bulletin.abstract = document.abstract
    bulletin.contacts = [contact.model_dump(mode="json") for contact in document.contacts]
    bulletin.text = normalised(
        "\n".join([document.title, document.abstract, *map(_words, document.sections)])
    )
    bulletin.version = event.version
    bulletin.content_hash = content_hash(document)
    bulletin.updated_at = event.at
    await session.flush()
    return bulletin


def _words(section: SectionValue) -> str:
    return "\n".join([section.heading, *map(block_text, section.body)])


def _add_section(
    session: AsyncSession,
    bulletin: Bulletin,
    section: SectionValue,
    document: BulletinDocument,
    tags: dict[str, UUID],
) -> None:
    row = Section(
        id=new_id(),
        bulletin_id=bulletin.id,
        number=section.number,
        date=bulletin.date,
        numeral=section.numeral,
        heading=section.heading,
        page=section.page,
        body=[block.model_dump(mode="json") for block in section.body],
        citations=[c.number for c in document.citations if section.number in c.sections],
        text=normalised(_words(section)),
    )
    session.add(row)
    for position, tag in enumerate(section.tags):
        session.add(
            SectionTag(
                tag_id=tags[tag.slug],
                section_id=row.id,
                date=bulletin.date,
                number=section.number,
                position=position,
            )
        )


async def _clear(session: AsyncSession, bulletin_id: UUID) -> None:
    for table in (Section, Citation, BulletinTag, BulletinSource):
        await session.execute(delete(table).where(table.bulletin_id == bulletin_id))


async def _reference(session: AsyncSession, item: ReferenceItem) -> Reference:
    """The shared row of a source item, made on its first use; a URL that was lacking is added."""
    identity = "\n".join((normalised(item.source), normalised(item.title), str(item.date or "")))
    fingerprint = hashlib.sha256(identity.encode()).hexdigest()
    found = await session.scalar(select(Reference).where(Reference.fingerprint == fingerprint))
    if found is None:
        found = Reference(
            id=new_id(),
            fingerprint=fingerprint,
            source_id=await _source_id(session, item.source),
            title=item.title,
            date=item.date,
            url=item.url,
            text=normalised(f"{item.source} {item.title}"),
            listed_on=item.date or NO_DATE,
        )
        session.add(found)
        await session.flush()
    elif found.url is None:
        found.url = item.url
    return found


async def _source_id(session: AsyncSession, name: str) -> UUID:
    known = await session.scalar(select(Source.id).where(Source.name == name))
    if known is not None:
        return known
    slug = _NOT_SLUG.sub("-", "-".join(lazy_pinyin(normalised(name)))).strip("-")[:72].strip("-") or "source"
    taken = set(await session.scalars(select(Source.slug).where(Source.slug.startswith(slug))))
    free = next(s for s in (slug, *(f"{slug}-{n}" for n in range(2, len(taken) + 3))) if s not in taken)
    source = Source(id=new_id(), slug=free, name=name)
    session.add(source)
    await session.flush()
    return source.id


@dataclass(frozen=True, slots=True)
class _Counted:
    """The rows whose counts depend on one bulletin."""

    tags: frozenset[UUID]
    references: frozenset[UUID]
    sources: frozenset[UUID]


async def _counted(session: AsyncSession, bulletin_id: UUID) -> _Counted:
    async def ids(column: InstrumentedAttribute[UUID], owner: InstrumentedAttribute[UUID]) -> frozenset[UUID]:
        return frozenset(await session.scalars(select(column).where(owner == bulletin_id)))

    return _Counted(
        tags=await ids(BulletinTag.tag_id, BulletinTag.bulletin_id),
        references=await ids(Citation.reference_id, Citation.bulletin_id),
        sources=await ids(BulletinSource.source_id, BulletinSource.bulletin_id),
    )


async def _recount(session: AsyncSession, touched: Sequence[_Counted]) -> None:
    """Count again what may have changed, and nothing else."""

    async def count(model: type[Tag | Reference | Source], ids: set[UUID], **counts: Any) -> None:
        values = {name: query.correlate(model).scalar_subquery() for name, query in counts.items()}
        await session.execute(update(model).where(model.id.in_(ids)).values(values))

    everything = select(func.count())
    await count(
        Tag,
        {id_ for counted in touched for id_ in counted.tags},
        bulletin_count=everything.select_from(BulletinTag).where(BulletinTag.tag_id == Tag.id),
        section_count=everything.select_from(SectionTag).where(SectionTag.tag_id == Tag.id),
    )
    await count(
        Reference,
        {id_ for counted in touched for id_ in counted.references},
        citation_count=everything.select_from(Citation).where(Citation.reference_id == Reference.id),
    )
    await count(
        Source,
        {id_ for counted in touched for id_ in counted.sources},
        reference_count=everything.select_from(Reference).where(
            Reference.source_id == Source.id, Reference.citation_count > 0
        ),
    )
