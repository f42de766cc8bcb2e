"""The versions of a bulletin that were made public, and what changed from one to another."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response
from fastapi import Query as QueryParameters
from pydantic import Field

from app.bulletins import examples, keys, schemas, versions
from app.bulletins.described import item, listed, sparse_fields
from app.bulletins.diff import diff
from app.kit.caching import reply, sparse
from app.kit.changes import last_change
from app.kit.db import Reader
from app.kit.pagination import Page, PageQuery, next_link
from app.kit.parameters import Digits, Query, chosen, once

Number = Annotated[int, Field(ge=1, le=versions.MAX_VERSION), Digits]
Slug = Annotated[str, Path(max_length=80, examples=["2026-06-25"])]

router = APIRouter(prefix="/v1/bulletins/{slug}", dependencies=[Depends(once)])


class RevisionsQuery(PageQuery):
    fields: Annotated[str | None, *sparse_fields(schemas.Revision)] = None


class DiffQuery(Query):
    from_: Annotated[Number, Field(alias="from", description="The version to begin with", examples=[1])]
    to: Annotated[Number, Field(description="The version to arrive at", examples=[2])]
    fields: Annotated[str | None, *sparse_fields(schemas.BulletinDiff)] = None


@router.get(
    "/revisions",
    operation_id="listRevisions",
    response_model=schemas.RevisionPage,
    responses=listed(examples.REVISION, "not-found", "withdrawn"),
)
async def list_revisions(
    request: Request, session: Reader, slug: Slug, query: Annotated[RevisionsQuery, QueryParameters()]
) -> Response:
    """Every version of a bulletin that was made public, the newest first, with what the editors say of it."""
    rows, cursor = await versions.revisions(session, slug, query)
    page = Page[schemas.Revision](items=[versions.revision(row) for row in rows], next=cursor)
    return reply(
        request,
        sparse(page.model_dump_json().encode(), chosen(query.fields), listed=True),
        keys=[keys.bulletin(slug)],
        modified=await last_change(session),
        headers=next_link(request, cursor),
    )


@router.get(
    "/diff",
    operation_id="getDiff",
    response_model=schemas.BulletinDiff,
    responses=item(examples.DIFF, "withdrawn"),
)
async def get_diff(
    request: Request, session: Reader, slug: Slug, query: Annotated[DiffQuery, QueryParameters()]
) -> Response:
    """What changed from one version to another: sections, blocks, words, tags, citations."""
    old = await versions.version(session, slug, query.from_)
    new = await versions.version(session, slug, query.to)
    changes = await asyncio.to_thread(diff, versions.document(old), versions.document(new))
    content = schemas.BulletinDiff(
        slug=slug, old=versions.revision(old), new=versions.revision(new), changes=changes
    )
    at = max(old.at, new.at)
    return reply(
        request,
        sparse(content.model_dump_json().encode(), chosen(query.fields)),
        keys=[keys.bulletin(slug)],
        modified=at,
        policy=versions.policy(at),
    )
