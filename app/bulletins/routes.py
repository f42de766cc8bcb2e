"""The public reading API."""

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response
from fastapi import Query as QueryParameters
from pydantic import BaseModel

from app.bulletins import catalogue, examples, finished, former, keys, queries, schemas, shapes, versions
from app.bulletins.described import item, listed
from app.bulletins.document import MAX_SECTIONS
from app.bulletins.parameters import (
    BulletinQuery,
    BulletinsQuery,
    LatestQuery,
    ReferenceQuery,
    ReferencesQuery,
    SectionQuery,
    SectionsQuery,
    SourcesQuery,
    TagDetailQuery,
    TagsQuery,
)
from app.bulletins.queries import List
from app.bulletins.shapes import PARTS
from app.kit.caching import CachePolicy, reply, sparse, without
from app.kit.changes import last_change
from app.kit.db import Reader
from app.kit.moved import MOVED
from app.kit.pagination import next_link
from app.kit.parameters import Digits, Id, chosen, once
from app.kit.problems import Problem

BulletinSlug = Annotated[str, Path(max_length=80, examples=["2026-06-25"])]

router = APIRouter(prefix="/v1", dependencies=[Depends(once)])


def _page(
    request: Request,
    page: List,
    fields: frozenset[str] | None,
    modified: datetime | None,
    policy: CachePolicy | None = None,
) -> Response:
    content = b'{"items":[%b],"next":%b}' % (b",".join(page.items), json.dumps(page.next).encode())
    return reply(
        request,
        sparse(content, fields, listed=True),
        keys=page.keys,
        modified=modified,
        headers=next_link(request, page.next),
        policy=policy,
    )


def _models(items: Iterable[BaseModel]) -> list[bytes]:
    return [item.model_dump_json().encode() for item in items]


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
    policy = None
    if query.as_of:
        page, policy = await former.bulletins(session, query, query.order, query.as_of)
    else:
        page = await queries.bulletins(session, query, query.order, "bulletin" if parts else "item")
    if fields is None and (parts or query.as_of):
        page = page._replace(items=[without(item, PARTS - parts) for item in page.items])
    shown = None if fields is None else fields | included
    return _page(request, page, shown, await last_change(session), policy)


@router.get(
    "/bulletins/latest",
    operation_id="getLatestBulletin",
    response_model=schemas.Bulletin,
    responses=item(examples.BULLETIN, "not-acceptable"),
)
async def get_latest_bulletin(request: Request, query: Annotated[LatestQuery, QueryParameters()]) -> Response:
    """The newest bulletin; `Content-Location` names its own address."""
    slug = await queries.latest_slug(request.app.state.database)
    if slug is None:
        raise Problem("not-found", "No bulletin is published yet.")
    return await _bulletin(request, slug, query.fields, keys.CONTENT)


@router.get(
    "/bulletins/{slug}",
    operation_id="getBulletin",
    response_model=schemas.Bulletin,
    responses=item(examples.BULLETIN, "not-acceptable", "withdrawn"),
)
async def get_bulletin(
    request: Request, slug: BulletinSlug, query: Annotated[BulletinQuery, QueryParameters()]
) -> Response:
    """One bulletin, whole: sections, tags, citations with their references, contacts.

    With an `Accept` that prefers HTML, Markdown or plain text, and without parameters, it comes as such; see
    `getBulletinAs`.

    Former versions can be read as long as the bulletin has not been withdrawn since; tag names and
    neighbours are then those of that time.
    """
    if when := query.version or query.as_of:
        async with request.app.state.database.snapshot() as session:
            past = await versions.past(session, slug, when)
        if past.row.version < query.min_version:
            raise Problem("not-found", f"That is version {past.row.version} of {slug}.")
        return reply(
            request,
            sparse(past.body(), chosen(query.fields)),
            keys=past.keys,
            modified=past.moment,
            policy=versions.policy(past.moment),
        )
    return await _bulletin(request, slug, query.fields, at_least=query.min_version)


async def _bulletin(
    request: Request, slug: str, fields: str | None, *more_keys: str, at_least: int = 1
) -> Response:
    found = await finished.find(request.app.state.database, slug, "bulletin", at_least=at_least)
    if found is None:
        async with request.app.state.database.snapshot() as session:
            raise await versions.absence(session, slug)
    if found.version < at_least:
        raise Problem("not-found", f"Version {found.version} is the newest of {slug}.")
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
    responses=item(examples.SECTION, "withdrawn"),
)
async def get_section(
    request: Request,
    slug: BulletinSlug,
    number: Annotated[int, Path(ge=1, le=MAX_SECTIONS, examples=[1]), Digits],
    query: Annotated[SectionQuery, QueryParameters()],
) -> Response:
    """One section with the name of its bulletin."""
    found = await finished.find(request.app.state.database, slug, "section", number)
    if found is None:
        detail = f"No bulletin {slug} with a section {number} is published."
        async with request.app.state.database.snapshot() as session:
            raise await versions.absence(session, slug, detail)
    body = found.shown(chosen(query.fields))
    return reply(request, body, keys=[keys.bulletin(slug)], modified=found.modified)


@router.get(
    "/sections",
    operation_id="listSections",
    response_model=schemas.SectionPage,
    responses=listed(examples.SECTION),
)
async def list_sections(
    request: Request, session: Reader, query: Annotated[SectionsQuery, QueryParameters()]
) -> Response:
    """Sections of all bulletins by date, within a day by number; the filters are the section's own.

    With `as_of` a page may have fewer items than its limit and yet a next one.
    """
    policy = None
    if query.as_of:
        page, policy = await former.sections(session, query, query.order, query.as_of)
    else:
        page = await queries.sections(session, query, query.order)
    return _page(request, page, chosen(query.fields), await last_change(session), policy)


@router.get("/tags", operation_id="listTags", response_model=schemas.TagPage, responses=listed(examples.TAG))
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
    responses=MOVED | item(examples.TAG_DETAIL),
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
    responses=listed(examples.REFERENCE),
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
    responses=MOVED | item(examples.REFERENCE_DETAIL),
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
    responses=listed(examples.SOURCE),
)
async def list_sources(
    request: Request, session: Reader, query: Annotated[SourcesQuery, QueryParameters()]
) -> Response:
    """Sources that published bulletins cite, by slug."""
    rows, cursor = await catalogue.sources(session, query)
    page = List(_models(map(shapes.source, rows)), cursor, [keys.CONTENT])
    return _page(request, page, chosen(query.fields), await last_change(session))
