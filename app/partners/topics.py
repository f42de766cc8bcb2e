"""Saved topics: queries of the search whose answers are kept, so that what enters and leaves is known."""

import datetime as dt
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Annotated
from uuid import UUID

from pydantic import Field
from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.bulletins.document import SERIES
from app.bulletins.filters import ContentFilters
from app.bulletins.models import Bulletin
from app.kit.changes import Change
from app.kit.parameters import Typed
from app.kit.problems import Problem
from app.partners import effects, keys
from app.partners.models import Endpoint, Topic, TopicMatch
from app.partners.selection import Selection
from app.partners.synced import Json
from app.rendering import editions
from app.rendering.edition import Site, urn
from app.rendering.feeds import Entry, Feed

MANY = 50
"""Topics of one partner."""
SHOWN = 50
"""Bulletins in a feed or digest of a topic."""


class TopicQuery(ContentFilters):
    """The filters of lists, and ``q`` as the search understands it."""

    q: Annotated[Typed | None, Field(description="As in `/v1/search`", examples=["数据要素"])] = None


Find = Callable[[AsyncSession, TopicQuery, dt.date | None], Awaitable[Collection[str]]]
"""The slugs of the bulletins that a query finds, on one day only or the newest of all.

Raises a Problem where the query names something unknown.
"""


async def add(session: AsyncSession, find: Find, partner_id: UUID, name: str, query: TopicQuery) -> Topic:
    """Save a topic, with what it finds now.

    :raises Problem: there are too many, there is the same one, or the query is not acceptable.
    """
    asked = query.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    await keys.hold(session, partner_id)
    mine = await of(session, partner_id)
    if len(mine) >= MANY:
        raise Problem("conflict", f"There are {MANY} topics already.")
    for other in mine:
        if other.name == name or other.query == asked:
            raise Problem("conflict", f"Topic {other.id} has the same name or query.")
    topic = Topic(partner_id=partner_id, name=name, query=asked)
    session.add(topic)
    await session.flush()
    await session.refresh(topic)
    found = select(Bulletin.slug, Bulletin.updated_at)
    rows = await session.execute(found.where(Bulletin.slug.in_(await find(session, query, None))))
    session.add_all(TopicMatch(topic_id=topic.id, slug=slug, at=at) for slug, at in rows)
    await session.flush()
    return topic


async def of(session: AsyncSession, partner_id: UUID) -> Sequence[Topic]:
    """A partner's topics, the oldest first."""
    query = select(Topic).where(Topic.partner_id == partner_id).order_by(Topic.id)
    return (await session.scalars(query)).all()


async def one(session: AsyncSession, partner_id: UUID, id_: UUID) -> Topic:
    """A topic of the partner.

    :raises Problem: the partner has no such topic.
    """
    topic = await session.scalar(select(Topic).where(Topic.id == id_, Topic.partner_id == partner_id))
    if topic is None:
        raise Problem("not-found", f"There is no topic {id_}.")
    return topic


async def remove(session: AsyncSession, topic: Topic) -> None:
    """Forget a topic.

    :raises Problem: an endpoint follows it.
    """
    if await session.scalar(select(Endpoint.id).where(Endpoint.topic_id == topic.id).limit(1)):
        raise Problem("conflict", "An endpoint follows this topic: delete it first.")
    await session.delete(topic)


Moves = Mapping[UUID, Sequence[Json]]
"""By topic, what changes do to a copy of what it finds, in order, without the bulletins themselves."""


async def follow(session: AsyncSession, find: Find, changes: Sequence[Change]) -> Moves:
    """Bring every topic's matches to what it finds of the bulletins that the changes concern."""
    topics = (await session.scalars(select(Topic))).all()
    return {topic.id: await _follow(session, find, topic, changes) for topic in topics}


async def _follow(session: AsyncSession, find: Find, topic: Topic, changes: Sequence[Change]) -> list[Json]:
    query = TopicQuery.model_validate(topic.query)
    try:
        selection = await Selection.of(session, query.model_copy(update={"q": None}))
    except Problem:  # What it names is there no more.
        return []
    items = [
        {name: value for name, value in item.items() if name != "bulletin"}
        async for item in effects.of_all(session, changes, selection)
        if item["object"] == "bulletin"
    ]
    last = {item["id"]: item for item in items}
    found = {
        slug: item["at"]
        for slug, item in last.items()
        if item["action"] == "put" and (query.q is None or await _finds(session, find, query, slug))
    }
    known = TopicMatch.topic_id == topic.id, TopicMatch.slug.in_(last)
    before = set(await session.scalars(select(TopicMatch.slug).where(*known)))
    await session.execute(delete(TopicMatch).where(*known, TopicMatch.slug.not_in(found)))
    for slug, at in found.items():
        row = insert(TopicMatch).values(topic_id=topic.id, slug=slug, at=at)
        same = [TopicMatch.topic_id, TopicMatch.slug]
        await session.execute(row.on_conflict_do_update(index_elements=same, set_={"at": at}))
    left = {"action": "remove", "reason": "filtered"}
    return [
        {**item, **left} if item["action"] == "put" and item["id"] not in found else item
        for item in items
        if item["id"] in before or item["id"] in found
    ]


async def _finds(session: AsyncSession, find: Find, query: TopicQuery, slug: str) -> bool:
    try:
        return slug in await find(session, query, dt.date.fromisoformat(slug))
    except Problem:  # There is no word in it to search for any more.
        return False


async def matches(
    session: AsyncSession, topic_id: UUID, since: dt.datetime | None = None, until: dt.datetime | None = None
) -> Sequence[tuple[Bulletin, dt.datetime]]:
    """The bulletins that a topic finds, those changed last first."""
    query = select(Bulletin, TopicMatch.at).join(TopicMatch, TopicMatch.slug == Bulletin.slug)
    query = query.where(TopicMatch.topic_id == topic_id)
    if since is not None:
        query = query.where(TopicMatch.at >= since)
    if until is not None:
        query = query.where(TopicMatch.at < until)
    query = query.order_by(TopicMatch.at.desc(), Bulletin.slug.desc()).limit(SHOWN)
    return [(row, at) for row, at in await session.execute(query)]


async def feed(session: AsyncSession, topic: Topic, site: Site, path: str) -> Feed:
    """What the topic finds, those changed last first, for the formats of feeds.

    :param path: where the feed is found.
    """
    found = await matches(session, topic.id)
    shown = await editions.named(session, [row.slug for row, _ in found])
    return Feed(
        urn=urn(f"topic:{topic.id}"),
        title=f"{SERIES}：{topic.name}",
        language=shown[0].document.language if shown else "zh-CN",
        url=site.at(path),
        next=None,
        updated=max((at for _, at in found), default=topic.created_at),
        entries=[Entry(edition) for edition in shown],
        site=site,
    )
