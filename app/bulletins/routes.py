"""The public reading API."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Request, Response
from fastapi import Query as QueryParameters
from pydantic import Field, ValidationInfo, field_validator
from sqlalchemy.ext.asyncio import AsyncSession

from app.bulletins import catalogue, examples, queries, schemas, shapes, versions
from app.bulletins.catalogue import SourceQuery, TagQuery
from app.bulletins.described import item, listed, sparse_fields
from app.bulletins.document import MAX_SECTIONS
from app.bulletins.filters import Order, TagFilters
from app.bulletins.shapes import PARTS
from app.kit.caching import PUBLIC, CachePolicy, reply
from app.kit.changes import last_change
from app.kit.db import Reader
from app.kit.pagination import Page, next_link
from app.kit.parameters import Digits, PastMoment, Query, chosen, once, one_of
from app.kit.problems import Problem

BulletinSlug = Annotated[str, Path(max_length=80, examples=["2026-06-25"])]

router = APIRouter(prefix="/v1", dependencies=[Depends(once)])


class BulletinsQuery(TagFilters):
    order: Annotated[Order, Field(description="`-date` newest first, `date` oldest first")] = "-date"
    include: Annotated[
        str | None,
        Field(
            pattern=one_of("sections", "citations", "contacts"),
            description="Add these parts of the content, separated by commas",
            examples=["sections,citations"],
        ),
    ] = None
    as_of: Annotated[
        PastMoment | None, Field(description="The list as it was then, without what was withdrawn since")
    ] = None
    fields: str | None = sparse_fields(schemas.BulletinItem)


class BulletinQuery(Query):
    fields: str | None = sparse_fields(schemas.Bulletin)


class VersionQuery(BulletinQuery):
    version: Annotated[
        int | None,
        Field(ge=1, le=versions.MAX_VERSION, description="This version of it", examples=[1]),
        Digits,
    ] = None
    as_of: Annotated[PastMoment | None, Field(description="The version that was public then")] = None

    @field_validator("as_of")
    @classmethod
    def _one_way(cls, as_of: datetime | None, info: ValidationInfo) -> datetime | None:
        if as_of is not None and info.data.get("version") is not None:
            raise ValueError("it cannot be combined with version")
        return as_of


class SectionsQuery(TagFilters):
    order: Annotated[Order, Field(description="`-date` newest first, `date` oldest first")] = "-date"
    fields: str | None = sparse_fields(schemas.Section)


class SectionQuery(Query):
    fields: str | None = sparse_fields(schemas.Section)


class TagsQuery(TagQuery):
    fields: str | None = sparse_fields(schemas.Tag)


class TagDetailQuery(Query):
    fields: str | None = sparse_fields(schemas.TagDetail)


class ReferencesQuery(TagFilters):
    fields: str | None = sparse_fields(schemas.Reference)


class ReferenceQuery(Query):
    fields: str | None = sparse_fields(schemas.ReferenceDetail)


class SourcesQuery(SourceQuery):
    fields: str | None = sparse_fields(schemas.Source)


def _page(
    request: Request,
    items: list[Any],
    cursor: str | None,
    fields: frozenset[str] | None,
    modified: datetime | None,
    policy: CachePolicy = PUBLIC,
) -> Response:
    content = Page[Any](items=items, next=cursor)
    headers = next_link(request, cursor)
    return reply(
        request, content, modified=modified, fields=fields, listed=True, headers=headers, policy=policy
    )


@router.get(
    "/bulletins",
    operation_id="listBulletins",
    response_model=schemas.BulletinPage,
    responses=listed(examples.BULLETIN_ITEM),
)
async def list_bulletins(
    request: Request, session: Reader, query: Annotated[BulletinsQuery, QueryParameters()]
) -> Response:
    """Published bulletins by date. Filters combine: a bulletin passes all of them."""
    included = chosen(query.include) or frozenset()
    fields = chosen(query.fields)
    parts = PARTS & (included | (fields or frozenset()))
    shown = None if fields is None else fields | included
    if query.as_of:
        then, cursor = await versions.bulletins(session, query, query.order, query.as_of)
        items = [versions.item(past, parts) for past in then]
        policy = versions.policy(query.as_of)
    else:
        rows, cursor = await queries.bulletins(session, query, query.order, parts)
        items = [shapes.bulletin_item(row, parts) for row in rows]
        policy = PUBLIC
    return _page(request, items, cursor, shown, await last_change(session), policy)


@router.get(
    "/bulletins/latest",
    operation_id="getLatestBulletin",
    response_model=schemas.Bulletin,
    responses=item(examples.BULLETIN),
)
async def get_latest_bulletin(
    request: Request, session: Reader, query: Annotated[BulletinQuery, QueryParameters()]
) -> Response:
    """The newest bulletin; `Content-Location` names its own address."""
    slug = await queries.latest_slug(session)
    if slug is None:
        raise Problem("not-found", "No bulletin is published yet.")
    return await _bulletin(request, session, slug, query.fields)


@router.get(
    "/bulletins/{slug}",
    operation_id="getBulletin",
    response_model=schemas.Bulletin,
    responses=item(examples.BULLETIN, "withdrawn"),
)
async def get_bulletin(
    request: Request, session: Reader, slug: BulletinSlug, query: Annotated[VersionQuery, QueryParameters()]
) -> Response:
    """One bulletin, whole: sections, tags, citations with their references, contacts.

    Former versions can be read as long as the bulletin has not been withdrawn since; tag names and
    neighbours are then those of that time.
    """
    if when := query.version or query.as_of:
        past = await versions.past(session, slug, when)
        return reply(
            request,
            versions.bulletin(past),
            modified=past.moment,
            fields=chosen(query.fields),
            policy=versions.policy(past.moment),
        )
    return await _bulletin(request, session, slug, query.fields)


async def _bulletin(request: Request, session: AsyncSession, slug: str, fields: str | None) -> Response:
    placed = await queries.bulletin(session, slug)
    if placed is None:
        raise await versions.absence(session, slug)
    headers = {"Content-Location": f"/v1/bulletins/{slug}"}
    modified = await last_change(session)
    return reply(request, shapes.bulletin(placed), modified=modified, fields=chosen(fields), headers=headers)


@router.get(
    "/bulletins/{slug}/sections/{number}",
    operation_id="getSection",
    response_model=schemas.Section,
    responses=item(examples.SECTION, "withdrawn"),
)
async def get_section(
    request: Request,
    session: Reader,
    slug: BulletinSlug,
    number: Annotated[int, Path(ge=1, le=MAX_SECTIONS, examples=[1])],
    query: Annotated[SectionQuery, QueryParameters()],
) -> Response:
    """One section with the name of its bulletin."""
    row = await queries.section(session, slug, number)
    if row is None:
        detail = f"No bulletin {slug} with a section {number} is published."
        raise await versions.absence(session, slug, detail)
    modified = await last_change(session)
    return reply(request, shapes.section_alone(row), modified=modified, fields=chosen(query.fields))


@router.get(
    "/sections",
    operation_id="listSections",
    response_model=schemas.SectionPage,
    responses=listed(examples.SECTION),
)
async def list_sections(
    request: Request, session: Reader, query: Annotated[SectionsQuery, QueryParameters()]
) -> Response:
    """Sections of all bulletins by date, within a day by number; the filters are the section's own."""
    rows, cursor = await queries.sections(session, query, query.order)
    items = [shapes.section_alone(row) for row in rows]
    return _page(request, items, cursor, chosen(query.fields), await last_change(session))


@router.get("/tags", operation_id="listTags", response_model=schemas.TagPage, responses=listed(examples.TAG))
async def list_tags(
    request: Request, session: Reader, query: Annotated[TagsQuery, QueryParameters()]
) -> Response:
    """Tags by slug, with how much is published under each."""
    rows, cursor = await catalogue.tags(session, query)
    items = [shapes.tag(row) for row in rows]
    return _page(request, items, cursor, chosen(query.fields), await last_change(session))


@router.get(
    "/tags/{slug}",
    operation_id="getTag",
    response_model=schemas.TagDetail,
    responses=item(examples.TAG_DETAIL),
)
async def get_tag(
    request: Request,
    session: Reader,
    slug: Annotated[str, Path(max_length=80, examples=["data-elements"])],
    query: Annotated[TagDetailQuery, QueryParameters()],
) -> Response:
    """One tag with the tags right below it."""
    found = await catalogue.tag(session, slug)
    if found is None:
        raise Problem("not-found", f"There is no tag {slug!r}.")
    return reply(request, found, modified=await last_change(session), fields=chosen(query.fields))


@router.get(
    "/references",
    operation_id="listReferences",
    response_model=schemas.ReferencePage,
    responses=listed(examples.REFERENCE),
)
async def list_references(
    request: Request, session: Reader, query: Annotated[ReferencesQuery, QueryParameters()]
) -> Response:
    """References that published bulletins cite, newest first. Tags are those of the citing bulletins."""
    rows, cursor = await catalogue.references(session, query)
    items = [shapes.reference(row) for row in rows]
    return _page(request, items, cursor, chosen(query.fields), await last_change(session))


@router.get(
    "/references/{id}",
    operation_id="getReference",
    response_model=schemas.ReferenceDetail,
    responses=item(examples.REFERENCE_DETAIL),
)
async def get_reference(
    request: Request,
    session: Reader,
    reference_id: Annotated[UUID, Path(alias="id", examples=[examples.REFERENCE["id"]])],
    query: Annotated[ReferenceQuery, QueryParameters()],
) -> Response:
    """One reference with every bulletin and section that cites it, and what for."""
    found = await catalogue.reference(session, reference_id)
    if found is None:
        raise Problem("not-found", f"No published bulletin cites a reference {reference_id}.")
    return reply(request, found, modified=await last_change(session), fields=chosen(query.fields))


@router.get(
    "/sources",
    operation_id="listSources",
    response_model=schemas.SourcePage,
    responses=listed(examples.SOURCE),
)
async def list_sources(
    request: Request, session: Reader, query: Annotated[SourcesQuery, QueryParameters()]
) -> Response:
    """Sources that published bulletins cite, by slug."""
    rows, cursor = await catalogue.sources(session, query)
    items = [shapes.source(row) for row in rows]
    return _page(request, items, cursor, chosen(query.fields), await last_change(session))
