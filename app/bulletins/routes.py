"""The public reading API."""

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request, Response
from fastapi import Query as QueryParameters
from pydantic import BaseModel, Field

from app.bulletins import catalogue, examples, finished, keys, queries, schemas, shapes
from app.bulletins.catalogue import SourceQuery, TagQuery
from app.bulletins.document import MAX_SECTIONS
from app.bulletins.examples import Example
from app.bulletins.filters import Order, TagFilters
from app.bulletins.queries import List
from app.bulletins.shapes import PARTS
from app.kit.caching import JSON, SPARSE, reply, sparse, without
from app.kit.changes import last_change
from app.kit.db import Reader
from app.kit.pagination import next_link
from app.kit.parameters import Id, Query, chosen, once, one_of
from app.kit.problems import Problem, responses

BulletinSlug = Annotated[str, Path(max_length=80, examples=["2026-06-25"])]

router = APIRouter(prefix="/v1", dependencies=[Depends(once)])


def _fields(model: type[schemas.Output]) -> tuple[Any, ...]:
    described = Field(
        description="Only these fields, separated by commas. The answer is then `" + SPARSE + "`."
    )
    return *one_of(*model.model_fields), described


class BulletinsQuery(TagFilters):
    order: Annotated[Order, Field(description="`-date` newest first, `date` oldest first")] = "-date"
    include: Annotated[
        str | None,
        *one_of("sections", "citations", "contacts"),
        Field(description="Add these parts of the content, separated by commas"),
    ] = None
    fields: Annotated[str | None, *_fields(schemas.BulletinItem)] = None


class BulletinQuery(Query):
    fields: Annotated[str | None, *_fields(schemas.Bulletin)] = None


class SectionsQuery(TagFilters):
    order: Annotated[Order, Field(description="`-date` newest first, `date` oldest first")] = "-date"
    fields: Annotated[str | None, *_fields(schemas.Section)] = None


class SectionQuery(Query):
    fields: Annotated[str | None, *_fields(schemas.Section)] = None


class TagsQuery(TagQuery):
    fields: Annotated[str | None, *_fields(schemas.Tag)] = None


class TagDetailQuery(Query):
    fields: Annotated[str | None, *_fields(schemas.TagDetail)] = None


class ReferencesQuery(TagFilters):
    fields: Annotated[str | None, *_fields(schemas.Reference)] = None


class ReferenceQuery(Query):
    fields: Annotated[str | None, *_fields(schemas.ReferenceDetail)] = None


class SourcesQuery(SourceQuery):
    fields: Annotated[str | None, *_fields(schemas.Source)] = None


_VALIDATORS = {
    "ETag": {"description": "Strong; for `If-None-Match`", "schema": {"type": "string"}},
    "Last-Modified": {
        "description": "When public content last changed; left out for two seconds after a change",
        "schema": {"type": "string"},
    },
}
_LINK = {"Link": {"description": 'The next page, `rel="next"`', "schema": {"type": "string"}}}


def _answers(example: Example, *kinds: str, headers: Any = _VALIDATORS) -> dict[int | str, dict[str, Any]]:
    content = {JSON: {"example": example}, SPARSE: {"schema": {"type": "object"}}}
    return {
        200: {"description": "Found", "content": content, "headers": headers},
        304: {"description": "Unchanged since the `ETag` or the time that the request names"},
        **responses("invalid-parameter", *kinds, "unavailable"),
    }


def _item(example: Example, *kinds: str) -> dict[int | str, dict[str, Any]]:
    return _answers(example, "not-found", *kinds)


def _list(example: Example) -> dict[int | str, dict[str, Any]]:
    return _answers(examples.page(example), "invalid-cursor", headers=_VALIDATORS | _LINK)


def _page(request: Request, page: List, fields: frozenset[str] | None, modified: datetime | None) -> Response:
    content = b'{"items":[%b],"next":%b}' % (b",".join(page.items), json.dumps(page.next).encode())
    return reply(
        request,
        sparse(content, fields, listed=True),
        keys=page.keys,
        modified=modified,
        headers=next_link(request, page.next),
    )


def _models(items: Iterable[BaseModel]) -> list[bytes]:
    return [item.model_dump_json().encode() for item in items]


@router.get(
    "/bulletins",
    operation_id="listBulletins",
    response_model=schemas.BulletinPage,
    responses=_list(examples.BULLETIN_ITEM),
)
async def list_bulletins(
    request: Request, session: Reader, query: Annotated[BulletinsQuery, QueryParameters()]
) -> Response:
    """Published bulletins by date. Filters combine: a bulletin passes all of them."""
    included = chosen(query.include) or frozenset()
    fields = chosen(query.fields)
    parts = PARTS & (included | (fields or frozenset()))
    page = await queries.bulletins(session, query, query.order, "bulletin" if parts else "item")
    if fields is None and parts:
        page = page._replace(items=[without(item, PARTS - parts) for item in page.items])
    shown = None if fields is None else fields | included
    return _page(request, page, shown, await last_change(session))


@router.get(
    "/bulletins/latest",
    operation_id="getLatestBulletin",
    response_model=schemas.Bulletin,
    responses=_item(examples.BULLETIN, "not-acceptable"),
)
async def get_latest_bulletin(
    request: Request, query: Annotated[BulletinQuery, QueryParameters()]
) -> Response:
    """The newest bulletin; `Content-Location` names its own address."""
    slug = await queries.latest_slug(request.app.state.database)
    if slug is None:
        raise Problem("not-found", "No bulletin is published yet.")
    return await _bulletin(request, slug, query.fields, keys.CONTENT)


@router.get(
    "/bulletins/{slug}",
    operation_id="getBulletin",
    response_model=schemas.Bulletin,
    responses=_item(examples.BULLETIN, "not-acceptable"),
)
async def get_bulletin(
    request: Request, slug: BulletinSlug, query: Annotated[BulletinQuery, QueryParameters()]
) -> Response:
    """One bulletin, whole: sections, tags, citations with their references, contacts.

    With an `Accept` that prefers HTML, Markdown or plain text it comes as such; see `getBulletinAs`.
    """
    return await _bulletin(request, slug, query.fields)


async def _bulletin(request: Request, slug: str, fields: str | None, *more_keys: str) -> Response:
    found = await finished.find(request.app.state.database, slug, "bulletin")
    if found is None:
        raise Problem("not-found", f"No bulletin {slug} is published.")
    return reply(
        request,
        found.shown(chosen(fields)),
        keys=[keys.bulletin(slug), *more_keys],
        modified=found.modified,
        headers={"Content-Location": f"/v1/bulletins/{slug}", "Vary": "Accept, Accept-Encoding"},
    )


@router.get(
    "/bulletins/{slug}/sections/{number}",
    operation_id="getSection",
    response_model=schemas.Section,
    responses=_item(examples.SECTION),
)
async def get_section(
    request: Request,
    slug: BulletinSlug,
    number: Annotated[int, Path(ge=1, le=MAX_SECTIONS, examples=[1])],
    query: Annotated[SectionQuery, QueryParameters()],
) -> Response:
    """One section with the name of its bulletin."""
    found = await finished.find(request.app.state.database, slug, "section", number)
    if found is None:
        raise Problem("not-found", f"No bulletin {slug} with a section {number} is published.")
    body = found.shown(chosen(query.fields))
    return reply(request, body, keys=[keys.bulletin(slug)], modified=found.modified)


@router.get(
    "/sections",
    operation_id="listSections",
    response_model=schemas.SectionPage,
    responses=_list(examples.SECTION),
)
async def list_sections(
    request: Request, session: Reader, query: Annotated[SectionsQuery, QueryParameters()]
) -> Response:
    """Sections of all bulletins by date, within a day by number; the filters are the section's own."""
    page = await queries.sections(session, query, query.order)
    return _page(request, page, chosen(query.fields), await last_change(session))


@router.get("/tags", operation_id="listTags", response_model=schemas.TagPage, responses=_list(examples.TAG))
async def list_tags(
    request: Request, session: Reader, query: Annotated[TagsQuery, QueryParameters()]
) -> Response:
    """Tags by slug, with how much is published under each."""
    rows, cursor = await catalogue.tags(session, query)
    page = List(_models(map(shapes.tag, rows)), cursor, [keys.CONTENT])
    return _page(request, page, chosen(query.fields), await last_change(session))


@router.get(
    "/tags/{slug}",
    operation_id="getTag",
    response_model=schemas.TagDetail,
    responses=_item(examples.TAG_DETAIL),
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
    row, detail = found
    body = sparse(detail.model_dump_json().encode(), chosen(query.fields))
    return reply(request, body, keys=[keys.tag(row.id)], modified=await last_change(session))


@router.get(
    "/references",
    operation_id="listReferences",
    response_model=schemas.ReferencePage,
    responses=_list(examples.REFERENCE),
)
async def list_references(
    request: Request, session: Reader, query: Annotated[ReferencesQuery, QueryParameters()]
) -> Response:
    """References that published bulletins cite, newest first. Tags are those of the citing bulletins."""
    rows, cursor = await catalogue.references(session, query)
    page = List(_models(map(shapes.reference, rows)), cursor, [keys.CONTENT])
    return _page(request, page, chosen(query.fields), await last_change(session))


@router.get(
    "/references/{id}",
    operation_id="getReference",
    response_model=schemas.ReferenceDetail,
    responses=_item(examples.REFERENCE_DETAIL),
)
async def get_reference(
    request: Request,
    session: Reader,
    reference_id: Annotated[Id, Path(alias="id", examples=[examples.REFERENCE["id"]])],
    query: Annotated[ReferenceQuery, QueryParameters()],
) -> Response:
    """One reference with every bulletin and section that cites it, and what for."""
    found = await catalogue.reference(session, reference_id)
    if found is None:
        raise Problem("not-found", f"No published bulletin cites a reference {reference_id}.")
    body = sparse(found.model_dump_json().encode(), chosen(query.fields))
    return reply(request, body, keys=[keys.reference(reference_id)], modified=await last_change(session))


@router.get(
    "/sources",
    operation_id="listSources",
    response_model=schemas.SourcePage,
    responses=_list(examples.SOURCE),
)
async def list_sources(
    request: Request, session: Reader, query: Annotated[SourcesQuery, QueryParameters()]
) -> Response:
    """Sources that published bulletins cite, by slug."""
    rows, cursor = await catalogue.sources(session, query)
    page = List(_models(map(shapes.source, rows)), cursor, [keys.CONTENT])
    return _page(request, page, chosen(query.fields), await last_change(session))
