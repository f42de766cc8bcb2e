"""The partners' operations on their saved topics."""

import datetime as dt
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Request, Response
from fastapi import Query as QueryParameters
from pydantic import Field

from app.kit.caching import private
from app.kit.db import Database
from app.kit.parameters import Day, Query, once
from app.kit.problems import responses
from app.partners import digests, topics
from app.partners import topic_schemas as schemas
from app.partners.access import TopicsKey
from app.partners.models import Topic
from app.partners.usage import SHANGHAI

router = APIRouter(prefix="/v1/partners/topics", dependencies=[Depends(once)])

TopicId = Annotated[UUID, Path(examples=["0197a3f2-6f3a-7c40-9a7e-1f2b3c4d5e6f"])]

_ONE = responses("invalid-parameter", "forbidden", "not-found", "unavailable")


class DigestQuery(Query):
    day: Annotated[
        Day | None, Field(description="In Asia/Shanghai; yesterday without it", examples=["2026-06-25"])
    ] = None


def _database(request: Request) -> Database:
    database: Database = request.app.state.database
    return database


@router.post(
    "",
    operation_id="saveTopic",
    status_code=201,
    response_model=schemas.TopicDetail,
    responses=responses("invalid-parameter", "forbidden", "conflict", "unavailable"),
)
async def save_topic(request: Request, caller: TopicsKey, wanted: schemas.NewTopic) -> Response:
    """Save a query of the search; endpoints can follow it, and it has a digest for each day."""
    async with _database(request).session() as session:
        find: topics.Find = request.app.state.find
        topic = await topics.add(session, find, caller.partner_id, wanted.name, wanted.query)
        return private(_topic(topic), status=201)


@router.get(
    "",
    operation_id="listTopics",
    response_model=schemas.TopicList,
    responses=responses("invalid-parameter", "forbidden", "unavailable"),
)
async def list_topics(request: Request, caller: TopicsKey) -> Response:
    """The partner's saved topics."""
    async with _database(request).snapshot() as session:
        rows = await topics.of(session, caller.partner_id)
        return private(schemas.TopicList(items=[_topic(row) for row in rows]))


@router.get("/{id}", operation_id="getTopic", response_model=schemas.TopicFinds, responses=_ONE)
async def get_topic(request: Request, caller: TopicsKey, id: TopicId) -> Response:  # noqa: A002
    """What a saved topic finds now."""
    async with _database(request).snapshot() as session:
        topic = await topics.one(session, caller.partner_id, id)
        items = digests.items(await topics.matches(session, topic.id))
        return private(schemas.TopicFinds(topic=topic.id, name=topic.name, items=items))


@router.get("/{id}/digest", operation_id="getTopicDigest", response_model=schemas.Digest, responses=_ONE)
async def get_topic_digest(
    request: Request,
    caller: TopicsKey,
    id: TopicId,  # noqa: A002
    query: Annotated[DigestQuery, QueryParameters()],
) -> Response:
    """What entered a saved topic or changed in it on one day."""
    day = query.day or dt.datetime.now(SHANGHAI).date() - dt.timedelta(days=1)
    async with _database(request).snapshot() as session:
        topic = await topics.one(session, caller.partner_id, id)
        return private(await digests.digest(session, topic, day))


@router.delete("/{id}", operation_id="deleteTopic", status_code=204, responses=_ONE | responses("conflict"))
async def delete_topic(request: Request, caller: TopicsKey, id: TopicId) -> Response:  # noqa: A002
    """Delete a saved topic that no endpoint follows."""
    async with _database(request).session() as session:
        await topics.remove(session, await topics.one(session, caller.partner_id, id))
    return private(None, status=204)


def _topic(row: Topic) -> schemas.TopicDetail:
    return schemas.TopicDetail.model_validate(row, from_attributes=True)
