"""Reading tags, sources and references."""

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import Field, TypeAdapter
from sqlalchemy import (
    ColumnElement,
    ColumnExpressionArgument,
    exists,
    func,
    literal_column,
    or_,
    select,
    tuple_,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased, joinedload, selectinload
from sqlalchemy.sql.base import ExecutableOption

from app.bulletins import schemas, shapes, successors
from app.bulletins.document import normalised
from app.bulletins.filters import TagFilters, between, source_rows, tag_rows, words
from app.bulletins.models import Bulletin, BulletinTag, Citation, Reference, Source, Tag
from app.bulletins.taxonomy import TagKind
from app.kit import pagination
from app.kit.moved import Moved
from app.kit.pagination import PageQuery
from app.kit.parameters import Plain, Slug, is_slug
from app.kit.problems import invalid_parameter

SlugKey = TypeAdapter(tuple[Slug])
ReferenceKey = TypeAdapter(tuple[date, UUID])


class TagQuery(PageQuery):
    kind: Annotated[TagKind | None, Field(description="Only tags of this kind")] = None
    parent: Annotated[Slug | None, Field(description="Only tags right below this one")] = None
    q: Annotated[Plain | None, Field(description="Name or alias contains this text")] = None


class SourceQuery(PageQuery):
    q: Annotated[Plain | None, Field(description="Name contains this text")] = None


def _within(column: ColumnExpressionArgument[str], text: str) -> ColumnElement[bool]:
    """The column contains the text, without regard to case and width."""
    return func.strpos(func.lower(func.normalize(column, literal_column("NFKC"))), normalised(text)) > 0


async def tags(session: AsyncSession, query: TagQuery) -> tuple[list[Tag], str | None]:
    """A page of tags by slug."""
    rows = select(Tag).options(joinedload(Tag.parent)).order_by(Tag.slug).limit(query.limit + 1)
    if query.kind:
        rows = rows.where(Tag.kind == query.kind)
    if query.parent:
        parent = await session.scalar(select(Tag.id).where(Tag.slug == query.parent))
        if parent is None:
            raise invalid_parameter("parent", f"there is no tag {query.parent!r}")
        rows = rows.where(Tag.parent_id == parent)
    if query.q:
        alias = func.jsonb_array_elements_text(Tag.aliases).table_valued("value")
        named = exists(select(1).select_from(alias).where(_within(alias.c.value, query.q)))
        rows = rows.where(or_(_within(Tag.name, query.q), _within(Tag.name_en, query.q), named))
    owner = pagination.scope(query, "tags")
    if query.cursor:
        (last,) = pagination.decode(query.cursor, owner, SlugKey)
        rows = rows.where(Tag.slug > last)
    found = (await session.scalars(rows)).all()
    page, cursor = pagination.cut(found, query.limit, lambda tag: (tag.slug,), owner)
    return list(page), cursor


async def tag_row(session: AsyncSession, slug: str, *options: ExecutableOption) -> Tag | None:
    """The tag of that slug; or None.

    :raises Moved: it was merged into another one.
    """
    if not is_slug(slug):
        return None
    row: Tag | None = await session.scalar(select(Tag).where(Tag.slug == slug).options(*options))
    if row is None and (into := (await successors.of_tags(session)).get(slug)):
        raise Moved(into)
    return row


async def source_row(session: AsyncSession, slug: str) -> Source | None:
    """The source of that slug, if a published bulletin cites it; or None."""
    if not is_slug(slug):
        return None
    return await session.scalar(select(Source).where(Source.slug == slug, Source.reference_count > 0))


async def tag(session: AsyncSession, slug: str) -> tuple[Tag, schemas.TagDetail] | None:
    """A tag's row, and the tag with its children; or None.

    :raises Moved: it was merged into another one.
    """
    row = await tag_row(session, slug, joinedload(Tag.parent), selectinload(Tag.children))
    if row is None:
        return None
    children = [shapes.tag_name(child) for child in row.children]
    return row, schemas.TagDetail(**dict(shapes.tag(row)), children=children)


async def sources(session: AsyncSession, query: SourceQuery) -> tuple[list[Source], str | None]:
    """A page of the sources that are cited, by slug."""
    rows = select(Source).where(Source.reference_count > 0).order_by(Source.slug).limit(query.limit + 1)
    if query.q:
        rows = rows.where(_within(Source.name, query.q))
    owner = pagination.scope(query, "sources")
    if query.cursor:
        (last,) = pagination.decode(query.cursor, owner, SlugKey)
        rows = rows.where(Source.slug > last)
    found = (await session.scalars(rows)).all()
    page, cursor = pagination.cut(found, query.limit, lambda source: (source.slug,), owner)
    return list(page), cursor


async def references(session: AsyncSession, filters: TagFilters) -> tuple[list[Reference], str | None]:
    """A page of the references that are cited, newest first; tags are those of the citing bulletins."""
    tags = await tag_rows(session, filters)
    named = await source_rows(session, filters.source)

    def tagged(slugs: tuple[str, ...]) -> ColumnElement[bool]:
        cited, link = aliased(Citation), aliased(BulletinTag)
        return exists().where(
            cited.reference_id == Reference.id,
            link.bulletin_id == cited.bulletin_id,
            link.tag_id.in_([tags[slug].id for slug in slugs]),
        )

    query = (
        select(Reference)
        .options(joinedload(Reference.source))
        .where(
            Reference.citation_count > 0,
            *(Reference.source_id == source.id for source in named),
            *(tagged((slug,)) for slug in filters.tag),
            *([tagged(filters.tag_any)] if filters.tag_any else []),
            *([~tagged(filters.tag_not)] if filters.tag_not else []),
            *between(Reference.listed_on, filters.from_, filters.to),
            *([Reference.date.is_not(None)] if filters.from_ or filters.to else []),
            *words(Reference.text, filters.q),
        )
        .order_by(Reference.listed_on.desc(), Reference.id.desc())
        .limit(filters.limit + 1)
    )
    owner = pagination.scope(filters, "references")
    if filters.cursor:
        day, last = pagination.decode(filters.cursor, owner, ReferenceKey)
        query = query.where(tuple_(Reference.listed_on, Reference.id) < tuple_(day, last))
    found = (await session.scalars(query)).all()
    page, cursor = pagination.cut(found, filters.limit, lambda row: (row.listed_on, row.id), owner)
    return list(page), cursor


async def reference_row(session: AsyncSession, reference_id: UUID) -> Reference | None:
    """The reference with its source, if a published bulletin cites it; or None.

    :raises Moved: it was merged into another one.
    """
    query = select(Reference).where(Reference.id == reference_id, Reference.citation_count > 0)
    row: Reference | None = await session.scalar(query.options(joinedload(Reference.source)))
    if row is None and (merged := await successors.of_references(session, [reference_id])):
        raise Moved(str(merged[reference_id]))
    return row


async def reference(session: AsyncSession, reference_id: UUID) -> schemas.ReferenceDetail | None:
    """A reference that is cited, with every use of it, newest first; or None.

    :raises Moved: it was merged into another one.
    """
    row = await reference_row(session, reference_id)
    if row is None:
        return None
    uses = await session.scalars(
        select(Citation)
        .join(Citation.bulletin)
        .where(Citation.reference_id == reference_id)
        .options(joinedload(Citation.bulletin).selectinload(Bulletin.sections))
        .order_by(Bulletin.date.desc(), Citation.number)
    )
    return schemas.ReferenceDetail(
        **dict(shapes.reference(row)), cited_by=[shapes.cited_by(use) for use in uses.unique()]
    )
