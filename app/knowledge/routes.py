"""What the archive knows of its topics, sources and references."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Request, Response
from fastapi import Query as QueryParameters
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from app.bulletins import catalogue
from app.bulletins.examples import REFERENCE
from app.bulletins.keys import CONTENT
from app.bulletins.models import Tag
from app.kit.caching import JSON, reply
from app.kit.changes import last_change
from app.kit.db import Reader
from app.kit.moved import MOVED
from app.kit.operations import PLAIN, reading
from app.kit.pagination import next_link
from app.kit.parameters import once
from app.kit.problems import Problem
from app.knowledge import examples, graph, queries, schemas
from app.knowledge.parameters import (
    RelatedQuery,
    TimelineQuery,
    TrendingQuery,
    WindowQuery,
)

TagSlug = Annotated[str, Path(max_length=80, examples=["data-elements"])]
SourceSlug = Annotated[str, Path(max_length=80, examples=["reuters"])]
ReferenceId = Annotated[UUID, Path(alias="id", examples=[REFERENCE["id"]])]

router = APIRouter(prefix="/v1", dependencies=[Depends(once)])


async def _reply(
    request: Request, session: AsyncSession, content: BaseModel, headers: dict[str, str] | None = None
) -> Response:
    modified = await last_change(session)
    return reply(request, content, keys=[CONTENT], modified=modified, headers=headers)


async def _tag(session: AsyncSession, slug: str) -> Tag:
    found = await catalogue.tag_row(session, slug)
    if found is None:
        raise Problem("not-found", f"There is no tag {slug!r}.")
    return found


@router.get(
    "/tags/trending",
    operation_id="listTrendingTags",
    response_model=schemas.TrendingTags,
    responses=reading({JSON: {"example": examples.TRENDING}}),
)
async def list_trending_tags(
    request: Request, session: Reader, query: Annotated[TrendingQuery, QueryParameters()]
) -> Response:
    """Tags of more sections in the window's days than the baseline lets expect, the most striking first.

    What is expected is the tag's share of the baseline's sections, so quiet days and holidays do not count.
    """
    return await _reply(request, session, await queries.trending(session, query))


@router.get(
    "/tags/{slug}/timeline",
    operation_id="getTagTimeline",
    response_model=schemas.Timeline,
    responses=MOVED | reading({JSON: {"example": examples.TIMELINE}}, "invalid-cursor", "not-found"),
)
async def get_tag_timeline(
    request: Request, session: Reader, slug: TagSlug, query: Annotated[TimelineQuery, QueryParameters()]
) -> Response:
    """How much was published under a tag by day, week or month, without gaps, the latest first.

    With `from` and `to` only the days between them count, also in the first and the last interval.
    """
    found = await queries.timeline(session, await _tag(session, slug), query)
    return await _reply(request, session, found, next_link(request, found.next))


@router.get(
    "/tags/{slug}/related",
    operation_id="listRelatedTags",
    response_model=schemas.RelatedTags,
    responses=MOVED | reading({JSON: {"example": examples.RELATED_TAGS}}, "not-found"),
)
async def list_related_tags(
    request: Request, session: Reader, slug: TagSlug, query: Annotated[RelatedQuery, QueryParameters()]
) -> Response:
    """Tags that stand in the same sections, within at most 366 days: by default those up to its last use."""
    found = await queries.related(session, await _tag(session, slug), query)
    return await _reply(request, session, found)


@router.get(
    "/sources/{slug}",
    operation_id="getSource",
    response_model=schemas.SourceDetail,
    responses=reading({JSON: {"example": examples.SOURCE_DETAIL}}, "not-found"),
)
async def get_source(
    request: Request, session: Reader, slug: SourceSlug, query: Annotated[WindowQuery, QueryParameters()]
) -> Response:
    """A source with its newest references and, within at most 366 days, its topics and neighbours.

    Each list names at most 20.
    """
    source = await catalogue.source_row(session, slug)
    if source is None:
        raise Problem("not-found", f"No published bulletin cites a source {slug!r}.")
    return await _reply(request, session, await graph.source_detail(session, source, query))


@router.get(
    "/references/{id}/related",
    operation_id="listRelatedReferences",
    dependencies=PLAIN,
    response_model=schemas.RelatedReferences,
    responses=MOVED | reading({JSON: {"example": examples.RELATED_REFERENCES}}, "not-found"),
)
async def list_related_references(
    request: Request,
    session: Reader,
    reference_id: ReferenceId,
) -> Response:
    """The references most often cited in the same bulletins, and the topics it is used for; at most 20 each.

    `getReference` has the bulletins and sections themselves.
    """
    found = await graph.related_references(session, reference_id)
    if found is None:
        await catalogue.reference_row(session, reference_id)  # It may have moved.
        raise Problem("not-found", f"No published bulletin cites a reference {reference_id}.")
    return await _reply(request, session, found)


@router.get(
    "/stats",
    operation_id="getStats",
    dependencies=PLAIN,
    response_model=schemas.Stats,
    responses=reading({JSON: {"example": examples.STATS}}),
)
async def get_stats(request: Request, session: Reader) -> Response:
    """How much is published, from when to when, and when that last changed."""
    return await _reply(request, session, await graph.stats(session))
