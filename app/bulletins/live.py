"""Copies published documents into the live tables, and takes withdrawn ones out, inside the transaction."""

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.bulletins import keys, successors
from app.bulletins.counts import Counted, counted, recount
from app.bulletins.document import BulletinDocument, ReferenceItem, content_hash, normalised, section_text
from app.bulletins.events import BulletinPublished, BulletinWithdrawn
from app.bulletins.history import first_published
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
from app.kit.changes import touch
from app.kit.db import Base, new_id
from app.kit.pinyin import syllables

NO_DATE = date.min

_Rows = dict[type[Base], list[dict[str, Any]]]
"""Rows to be written, by table, in an order in which each finds what it refers to."""

_NOT_SLUG = re.compile(r"[^a-z0-9]+")


class UnknownTagError(Exception):
    """The document carries tags that do not exist; ``slugs`` names them."""

    def __init__(self, slugs: Iterable[str]) -> None:
        self.slugs = sorted(slugs)
        super().__init__(", ".join(self.slugs))


async def store(session: AsyncSession, events: Sequence[BulletinPublished]) -> None:
    """Make each event's document the live version of its bulletin (a handler).

    :raises UnknownTagError: nothing is stored.
    """
    documents = [event.document for event in events]
    tags = await _tag_ids(session, {slug for document in documents for slug in document.tag_slugs})
    references = await _references(
        session, [citation.reference for document in documents for citation in document.citations]
    )
    slugs = [document.slug for document in documents]
    known = {row.slug: row for row in await session.scalars(select(Bulletin).where(Bulletin.slug.in_(slugs)))}
    before = Counted()
    if former := [bulletin.id for bulletin in known.values()]:
        before = await counted(session, former)
        await _clear(session, former)
    first = await first_published(session, set(slugs) - set(known))
    bulletins = [
        known.get(slug) or Bulletin(id=new_id(), published_at=first.get(slug, event.at))
        for slug, event in zip(slugs, events, strict=True)
    ]
    for bulletin, event in zip(bulletins, events, strict=True):
        _describe(bulletin, event)
    session.add_all(bulletins)
    await session.flush()
    rows: _Rows = defaultdict(list)
    for bulletin, document in zip(bulletins, documents, strict=True):
        _add_sections(rows, bulletin, document, tags)
        _add_citations(rows, bulletin, document, references)
        rows[BulletinTag] += [
            {"tag_id": tags[slug], "bulletin_id": bulletin.id, "date": bulletin.date, "position": position}
            for position, slug in enumerate(document.tag_slugs)
        ]
    for table, values in rows.items():
        if values:
            await session.execute(insert(table), values)
    after = Counted(
        tags=frozenset(tags.values()),
        references=frozenset(reference.id for reference in references.values()),
        sources=frozenset(reference.source_id for reference in references.values()),
    )
    await recount(session, before, after)
    touch(session, keys.CONTENT, *before.keys(), *after.keys())


async def remove(session: AsyncSession, events: Sequence[BulletinWithdrawn]) -> None:
    """Take each event's bulletin out (a handler)."""
    slugs = [event.slug for event in events]
    bulletins = (await session.scalars(select(Bulletin.id).where(Bulletin.slug.in_(slugs)))).all()
    before = await counted(session, bulletins)
    await session.execute(delete(Bulletin).where(Bulletin.id.in_(bulletins)))
    await recount(session, before, Counted())
    touch(session, keys.CONTENT, *before.keys())


async def _tag_ids(session: AsyncSession, slugs: Set[str]) -> dict[str, UUID]:
    rows = await session.execute(select(Tag.slug, Tag.id).where(Tag.slug.in_(slugs)))
    found = dict(rows.all())
    if missing := slugs - set(found):
        raise UnknownTagError(missing)
    return found


def _describe(bulletin: Bulletin, event: BulletinPublished) -> None:
    document = event.document
    assert document.date is not None  # noqa: S101 - a slug has been made of it
    bulletin.slug = document.slug
    bulletin.date = document.date
    bulletin.series = document.series
    bulletin.title = document.title
    bulletin.language = document.language
    bulletin.organisation = document.organisation
    bulletin.producers = list(document.producers)
    bulletin.abstract = document.abstract
    bulletin.contacts = [contact.model_dump(mode="json") for contact in document.contacts]
    bulletin.text = normalised(
        "\n".join([document.title, document.abstract, *map(section_text, document.sections)])
    )
    bulletin.version = event.version
    bulletin.content_hash = content_hash(document)
    bulletin.updated_at = event.at


def _add_sections(
    rows: _Rows, bulletin: Bulletin, document: BulletinDocument, tags: Mapping[str, UUID]
) -> None:
    for section in document.sections:
        section_id = new_id()
        rows[Section].append(
            {
                "id": section_id,
                "bulletin_id": bulletin.id,
                "number": section.number,
                "date": bulletin.date,
                "numeral": section.numeral,
                "heading": section.heading,
                "page": section.page,
                "body": [block.model_dump(mode="json") for block in section.body],
                "citations": [c.number for c in document.citations if section.number in c.sections],
                "text": normalised(section_text(section)),
            }
        )
        rows[SectionTag] += [
            {
                "tag_id": tags[tag.slug],
                "section_id": section_id,
                "date": bulletin.date,
                "number": section.number,
                "position": position,
            }
            for position, tag in enumerate(section.tags)
        ]


def _add_citations(
    rows: _Rows,
    bulletin: Bulletin,
    document: BulletinDocument,
    references: Mapping[ReferenceItem, Reference],
) -> None:
    cited = [references[citation.reference] for citation in document.citations]
    rows[BulletinSource] += [
        {"source_id": source_id, "bulletin_id": bulletin.id, "date": bulletin.date}
        for source_id in sorted({reference.source_id for reference in cited})
    ]
    rows[Citation] += [
        {
            "bulletin_id": bulletin.id,
            "number": citation.number,
            "reference_id": reference.id,
            "purpose": citation.purpose,
            "sections": list(citation.sections),
            "inferred": citation.inferred,
            "item": citation.reference.model_dump(mode="json"),
        }
        for citation, reference in zip(document.citations, cited, strict=True)
    ]


async def _clear(session: AsyncSession, bulletins: Sequence[UUID]) -> None:
    for table in (Section, Citation, BulletinTag, BulletinSource):
        await session.execute(delete(table).where(table.bulletin_id.in_(bulletins)))


async def _references(
    session: AsyncSession, items: Sequence[ReferenceItem]
) -> dict[ReferenceItem, Reference]:
    """The shared rows of source items, made on their first use; a URL that was lacking is added."""
    prints = {item: fingerprint_of(item) for item in items}
    found = await session.scalars(select(Reference).where(Reference.fingerprint.in_(prints.values())))
    known = {each.fingerprint: each for each in found}
    merged = await successors.of_references(session, [each.id for each in known.values()])
    for print_, each in known.items():
        if each.id in merged:
            known[print_] = await session.get_one(Reference, merged[each.id])
    new = {item.source for item, fingerprint in prints.items() if fingerprint not in known}
    sources = await _source_ids(session, new)
    for item, fingerprint in prints.items():
        if fingerprint not in known:
            known[fingerprint] = Reference(
                id=new_id(),
                fingerprint=fingerprint,
                source_id=sources[item.source],
                title=item.title,
                date=item.date,
                url=item.url,
                text=normalised(f"{item.source} {item.title}"),
                listed_on=item.date or NO_DATE,
            )
            session.add(known[fingerprint])
        elif known[fingerprint].url is None:
            known[fingerprint].url = item.url
    return {item: known[fingerprint] for item, fingerprint in prints.items()}


def fingerprint_of(item: ReferenceItem) -> str:
    """What says that two source items are the same reference."""
    identity = "\n".join((normalised(item.source), normalised(item.title), str(item.date or "")))
    return hashlib.sha256(identity.encode()).hexdigest()


async def _source_ids(session: AsyncSession, names: set[str]) -> dict[str, UUID]:
    rows = await session.execute(select(Source.name, Source.id).where(Source.name.in_(names)))
    known = dict(rows.all())
    for name in sorted(names - set(known)):
        source = Source(id=new_id(), slug=await _free_slug(session, name), name=name)
        session.add(source)
        await session.flush()
        known[name] = source.id
    return known


async def _free_slug(session: AsyncSession, name: str) -> str:
    slug = _NOT_SLUG.sub("-", "-".join(syllables(normalised(name)))).strip("-")[:72].strip("-") or "source"
    taken = set(await session.scalars(select(Source.slug).where(Source.slug.startswith(slug))))
    return next(s for s in (slug, *(f"{slug}-{n}" for n in range(2, len(taken) + 3))) if s not in taken)
