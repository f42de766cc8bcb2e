"""Documents, and rows of the live tables, as the API's schemas."""

from typing import Literal
from uuid import UUID

from app.bulletins import models, schemas
from app.bulletins.document import BulletinDocument, Citation, Section, content_hash
from app.bulletins.published import Standing
from app.bulletins.taxonomy import TagKind

Part = Literal["sections", "citations", "contacts"]
PARTS: frozenset[Part] = frozenset({"sections", "citations", "contacts"})


def anchor(number: int) -> str:
    """The section's fragment on the website and in every rendering."""
    return f"section-{number}"


def tag_name(tag: models.Tag) -> schemas.TagName:
    return schemas.TagName(slug=tag.slug, name=tag.name, name_en=tag.name_en, kind=TagKind(tag.kind))


def bulletin_name(row: models.Bulletin) -> schemas.BulletinName:
    return schemas.BulletinName(slug=row.slug, title=row.title, date=row.date)


def bulletin(document: BulletinDocument, standing: Standing) -> schemas.Bulletin:
    """A whole bulletin, of a dated document, as it is or would be public."""
    assert document.date is not None  # noqa: S101 - a slug is made of it
    return schemas.Bulletin(
        slug=document.slug,
        series=document.series,
        title=document.title,
        date=document.date,
        language=document.language,
        organisation=document.organisation,
        producers=list(document.producers),
        abstract=document.abstract,
        tags=[tag_name(standing.tags[slug]) for slug in document.tag_slugs],
        version=standing.version,
        content_hash=content_hash(document),
        published_at=standing.published_at,
        updated_at=standing.updated_at,
        previous=standing.previous,
        next=standing.next,
        sections=[_section(section, document, standing) for section in document.sections],
        citations=[_citation(*pair) for pair in zip(document.citations, standing.references, strict=True)],
        contacts=list(document.contacts),
    )


def _section(section: Section, document: BulletinDocument, standing: Standing) -> schemas.SectionInBulletin:
    return schemas.SectionInBulletin(
        number=section.number,
        numeral=section.numeral,
        heading=section.heading,
        anchor=anchor(section.number),
        page=section.page,
        body=list(section.body),
        tags=[tag_name(standing.tags[tag.slug]) for tag in section.tags],
        citations=[each.number for each in document.citations if section.number in each.sections],
    )


def _citation(citation: Citation, reference: UUID) -> schemas.CitationInBulletin:
    return schemas.CitationInBulletin(
        number=citation.number,
        purpose=citation.purpose,
        sections=list(citation.sections),
        inferred=citation.inferred,
        reference=schemas.ReferenceInCitation(id=reference, **dict(citation.reference)),
    )


def sections(bulletin: schemas.Bulletin) -> list[schemas.Section]:
    """Each section by itself, with the name of its bulletin."""
    name = schemas.BulletinName(slug=bulletin.slug, title=bulletin.title, date=bulletin.date)
    return [schemas.Section(**dict(section), bulletin=name) for section in bulletin.sections]


def tag(row: models.Tag) -> schemas.Tag:
    return schemas.Tag(
        **dict(tag_name(row)),
        aliases=row.aliases,
        parent=row.parent.slug if row.parent else None,
        bulletin_count=row.bulletin_count,
        section_count=row.section_count,
    )


def reference(row: models.Reference) -> schemas.Reference:
    return schemas.Reference(
        id=row.id,
        source=row.source.name,
        title=row.title,
        date=row.date,
        url=row.url,
        source_slug=row.source.slug,
        citation_count=row.citation_count,
    )


def source(row: models.Source) -> schemas.Source:
    return schemas.Source(slug=row.slug, name=row.name, reference_count=row.reference_count)


def cited_by(row: models.Citation) -> schemas.CitedBy:
    """A use of a reference; the bulletin and its sections must be loaded."""
    used = set(row.sections)
    return schemas.CitedBy(
        bulletin=bulletin_name(row.bulletin),
        number=row.number,
        purpose=row.purpose,
        inferred=row.inferred,
        sections=[
            schemas.CitingSection(number=each.number, heading=each.heading, anchor=anchor(each.number))
            for each in row.bulletin.sections
            if each.number in used
        ],
    )
