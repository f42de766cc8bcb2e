"""Rows of the live tables as the API's schemas."""

from dataclasses import dataclass
from typing import Any, Literal

from pydantic import TypeAdapter

from app.bulletins import models, schemas
from app.bulletins.document import Block, Contact
from app.bulletins.taxonomy import TagKind

Part = Literal["sections", "citations", "contacts"]
PARTS: frozenset[Part] = frozenset({"sections", "citations", "contacts"})

_BLOCKS = TypeAdapter(list[Block])
_CONTACTS = TypeAdapter(list[Contact])


@dataclass(frozen=True, slots=True)
class Placed:
    """A bulletin with the slugs of its neighbours in time."""

    row: models.Bulletin
    previous: str | None
    next: str | None


def anchor(number: int) -> str:
    """The section's fragment on the website and in every rendering."""
    return f"section-{number}"


def tag_name(tag: models.Tag) -> schemas.TagName:
    return schemas.TagName(slug=tag.slug, name=tag.name, name_en=tag.name_en, kind=TagKind(tag.kind))


def bulletin_name(row: models.Bulletin) -> schemas.BulletinName:
    return schemas.BulletinName(slug=row.slug, title=row.title, date=row.date)


def section(row: models.Section) -> schemas.SectionInBulletin:
    return schemas.SectionInBulletin(
        number=row.number,
        numeral=row.numeral,
        heading=row.heading,
        anchor=anchor(row.number),
        page=row.page,
        body=_BLOCKS.validate_python(row.body),
        tags=[tag_name(tag) for tag in row.tags],
        citations=row.citations,
    )


def section_alone(row: models.Section) -> schemas.Section:
    inside = section(row)
    return schemas.Section(**dict(inside), bulletin=bulletin_name(row.bulletin))


def citation(row: models.Citation) -> schemas.Citation:
    return schemas.Citation(
        number=row.number,
        purpose=row.purpose,
        sections=row.sections,
        inferred=row.inferred,
        reference=schemas.ReferenceInCitation(id=row.reference_id, **row.item),
    )


def bulletin_item(placed: Placed, parts: frozenset[Part]) -> schemas.BulletinItem:
    """A bulletin as a list shows it, with ``parts`` of its content, which must be loaded."""
    row = placed.row
    content: dict[str, Any] = {}
    if "sections" in parts:
        content["sections"] = [section(each) for each in row.sections]
    if "citations" in parts:
        content["citations"] = [citation(each) for each in row.citations]
    if "contacts" in parts:
        content["contacts"] = _CONTACTS.validate_python(row.contacts)
    return schemas.BulletinItem(
        slug=row.slug,
        series=row.series,
        title=row.title,
        date=row.date,
        language=row.language,
        organisation=row.organisation,
        producers=row.producers,
        abstract=row.abstract,
        tags=[tag_name(tag) for tag in row.tags],
        version=row.version,
        content_hash=row.content_hash,
        published_at=row.published_at,
        updated_at=row.updated_at,
        previous=placed.previous,
        next=placed.next,
        **content,
    )


def bulletin(placed: Placed) -> schemas.Bulletin:
    """A whole bulletin; all its parts must be loaded."""
    return schemas.Bulletin(**dict(bulletin_item(placed, PARTS)))


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
