"""What a saved topic brought on one day: to be asked for, and sent each morning."""

import datetime as dt
from collections.abc import Sequence

from procrastinate import Blueprint
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.bulletins.models import Bulletin
from app.kit.db import Database
from app.partners import messages, topics
from app.partners.models import Delivery, Endpoint, Topic
from app.partners.topic_schemas import Digest, TopicItem
from app.partners.usage import SHANGHAI


async def digest(session: AsyncSession, topic: Topic, day: dt.date) -> Digest:
    """What entered the topic or changed in it on that day."""
    found: Sequence[tuple[Bulletin, dt.datetime]] = []
    if day <= dt.datetime.now(SHANGHAI).date():  # The last day of the calendar has no next one.
        begin = dt.datetime.combine(day, dt.time(), SHANGHAI)
        found = await topics.matches(session, topic.id, begin, begin + dt.timedelta(days=1))
    return Digest(topic=topic.id, name=topic.name, day=day, items=items(found))


def items(found: Sequence[tuple[Bulletin, dt.datetime]]) -> list[TopicItem]:
    """Matches as they are shown."""
    return [
        TopicItem(
            slug=row.slug,
            title=row.title,
            date=row.date,
            version=row.version,
            url=f"/v1/bulletins/{row.slug}",
            at=at,
        )
        for row, at in found
    ]


async def send(session: AsyncSession, day: dt.date) -> int:
    """Queue the digests of a day, for endpoints that have chosen them; how many. Twice sends nothing more."""
    query = select(Endpoint, Topic).join(Topic, Topic.id == Endpoint.topic_id)
    queued = 0
    for endpoint, topic in await session.execute(query.where(Endpoint.status != "disabled")):
        if messages.DIGEST not in endpoint.events:
            continue
        made = await digest(session, topic, day)
        now = dt.datetime.now(dt.UTC)
        message = messages.delivery(
            endpoint.id,
            event=messages.DIGEST,
            subject=f"digest:{topic.id}",
            at=now,
            data=made.model_dump(mode="json"),
            due_at=now,
            name=f"{endpoint.id}/digest/{day}",
        )
        known = select(Delivery.id).where(
            Delivery.endpoint_id == endpoint.id, Delivery.message_id == message.message_id
        )
        if made.items and await session.scalar(known.limit(1)) is None:
            session.add(message)
            queued += 1
    return queued


def clock(database: Database) -> Blueprint:
    """The job that sends yesterday's digests at half past seven in Shanghai."""
    tasks = Blueprint()

    @tasks.periodic(cron="30 23 * * *")  # UTC
    @tasks.task(name="send-digests", queueing_lock="send-digests")
    async def send_digests(timestamp: int) -> None:
        day = dt.datetime.fromtimestamp(timestamp, SHANGHAI).date() - dt.timedelta(days=1)
        async with database.session() as session:
            await send(session, day)

    return tasks
