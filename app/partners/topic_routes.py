"""The partners' operations on their saved topics."""

import datetime as dt
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Request, Response
from fastapi import Query as QueryParameters
from pydantic import Field

from app.kit.caching import Body, private, reply_privately
from app.kit.operations import PLAIN
from app.kit.parameters import Day, Query, once
from app.kit.problem_kinds import responses
from app.kit.public_url import public_url
from app.kit.transactions import Session, Transactional
from app.partners import digests, topics
from app.partners import topic_schemas as schemas
from app.partners.access import Once, TopicsKey
from app.partners.models import Topic
from app.partners.usage import SHANGHAI
from app.rendering.edition import Site
from app.rendering.feeds import FEED_FORMATS

router = APIRouter(prefix="/v1/partners/topics", route_class=Transactional, dependencies=[Depends(once)])

TopicId = Annotated[UUID, Path(alias="id", examples=["0197a3f2-6f3a-7c40-9a7e-1f2b3c4d5e6f"])]
FeedExtension = Annotated[Literal["atom", "rss", "json"], Path()]

_PROBLEMS = ("invalid-parameter", "forbidden", "unavailable")
_ONE = (*_PROBLEMS, "not-found")
_TEXT: dict[str, Any] = {"schema": {"type": "string"}}
_FEEDS = {
    form.media_type: {"schema": {"type": "object"}} if form.media_type.endswith("json") else _TEXT
    for form in FEED_FORMATS.values()
}


class DigestQuery(Query):
    day: Annotated[
        Day | None, Field(description="In Asia/Shanghai; yesterday without it", examples=["2026-06-25"])
    ] = None


@router.post(
    "",
    operation_id="saveTopic",
    status_code=201,
    response_model=schemas.TopicDetail,
    responses=responses(*_PROBLEMS, "conflict", "idempotency-mismatch", "http", "too-large"),
    dependencies=PLAIN,
)
async def save_topic(
    request: Request, session: Session, caller: TopicsKey, _once: Once, wanted: schemas.NewTopic
) -> Response:
    """Save a query of the search; endpoints can follow it, and it has feeds and a digest for each day."""
    find: topics.Find = request.app.state.find
    topic = await topics.add(session, find, caller.partner_id, wanted.name, wanted.query)
    return private(_topic(topic), status=201)


@router.get(
    "",
    operation_id="listTopics",
    response_model=schemas.TopicList,
    responses=responses(*_PROBLEMS),
    dependencies=PLAIN,
)
async def list_topics(session: Session, caller: TopicsKey) -> Response:
    """The partner's saved topics."""
    rows = await topics.of(session, caller.partner_id)
    return private(schemas.TopicList(items=[_topic(row) for row in rows]))


@router.get(
    "/{id}",
    operation_id="getTopic",
    response_model=schemas.TopicFinds,
    responses=responses(*_ONE),
    dependencies=PLAIN,
)
async def get_topic(session: Session, caller: TopicsKey, id_: TopicId) -> Response:
    """What a saved topic finds now."""
    topic = await topics.one(session, caller.partner_id, id_)
    items = digests.items(await topics.matches(session, topic.id))
    return private(schemas.TopicFinds(topic=topic.id, name=topic.name, items=items))


@router.get(
    "/{id}/feed.{extension}",
    operation_id="getTopicFeed",
    response_class=Response,
    responses={
        200: {
            "description": "Found",
            "content": _FEEDS,
            "headers": {"ETag": {"description": "For `If-None-Match`", "schema": {"type": "string"}}},
        },
        304: {"description": "Unchanged since the `ETag` that the request names"},
        **responses(*_ONE),
    },
    dependencies=PLAIN,
)
async def get_topic_feed(
    request: Request, session: Session, caller: TopicsKey, id_: TopicId, extension: FeedExtension
) -> Response:
    """The 50 bulletins of a saved topic that changed last, as Atom, RSS 2.0 or JSON Feed.

    It is for the partner alone: the reader must send the key. 304 is not counted.
    """
    topic = await topics.one(session, caller.partner_id, id_)
    form = FEED_FORMATS[extension]
    feed = await topics.feed(session, topic, Site(public_url(request)), request.url.path)
    return reply_privately(request, Body(form.render(feed).encode(), form.media_type))


@router.get(
    "/{id}/digest", operation_id="getTopicDigest", response_model=schemas.Digest, responses=responses(*_ONE)
)
async def get_topic_digest(
    session: Session, caller: TopicsKey, id_: TopicId, query: Annotated[DigestQuery, QueryParameters()]
) -> Response:
    """What entered a saved topic or changed in it on one day."""
    day = query.day or dt.datetime.now(SHANGHAI).date() - dt.timedelta(days=1)
    topic = await topics.one(session, caller.partner_id, id_)
    return private(await digests.digest(session, topic, day))


@router.delete(
    "/{id}",
    operation_id="deleteTopic",
    status_code=204,
    responses=responses(*_ONE, "conflict"),
    dependencies=PLAIN,
)
async def delete_topic(session: Session, caller: TopicsKey, id_: TopicId) -> Response:
    """Delete a saved topic that no endpoint follows."""
    await topics.remove(session, await topics.one(session, caller.partner_id, id_))
    return private(None, status=204)


def _topic(row: Topic) -> schemas.TopicDetail:
    return schemas.TopicDetail.model_validate(row, from_attributes=True)
