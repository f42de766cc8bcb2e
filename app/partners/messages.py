"""What webhooks say, and to whom: follows the change log and makes one delivery for each who is concerned."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from pydantic_core import to_json
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.bulletins.finished import FORM
from app.bulletins.models import Finished
from app.kit.changes import Change, Follower
from app.partners import sync, topics
from app.partners.models import Delivery, Endpoint
from app.partners.selection import Selection
from app.partners.synced import Json
from app.partners.topics import Find, Moves

FOLLOWER = "webhooks"

ABOUT_CONTENT = (
    "bulletin.published",
    "bulletin.corrected",
    "bulletin.withdrawn",
    "tags.curated",
    "tag.merged",
    "reference.merged",
)
ENDPOINT_DISABLED = "endpoint.disabled"
TEST = "test"
DIGEST = "topic.digest"
EVENTS = (*ABOUT_CONTENT, ENDPOINT_DISABLED, DIGEST)
"""What an endpoint can choose among."""

SETTLING = timedelta(seconds=3)
"""After so long every process has heard of a change, or gives nothing from memory."""


def follower(find: Find) -> Follower:
    """Makes the deliveries of changes, as a follower of the log."""

    async def fan_out(session: AsyncSession, changes: Sequence[Change]) -> None:
        public = [change for change in changes if change.kind in ABOUT_CONTENT]
        if not public:
            return
        moves = await topics.follow(session, find, public)
        endpoints = (await session.scalars(select(Endpoint).where(Endpoint.status != "disabled"))).all()
        if not endpoints:
            return
        etags = await _etags(session, {c.subject for c in public if c.kind.startswith("bulletin.")})
        due_at = await session.scalar(select(func.clock_timestamp() + SETTLING))
        assert due_at is not None  # noqa: S101 - the clock has a time
        for endpoint in endpoints:
            for item in await _items(session, endpoint, public, moves):
                session.add(_about(endpoint, item, etags, due_at))
        await session.flush()

    return fan_out


async def _items(
    session: AsyncSession, endpoint: Endpoint, changes: Sequence[Change], moves: Moves
) -> list[Json]:
    """What the changes are to an endpoint."""
    wanted = [change for change in changes if wants(endpoint, change.kind)]
    if endpoint.topic_id is None:
        return await sync.items(session, wanted, Selection.model_validate(endpoint.selection))
    finds = moves.get(endpoint.topic_id, {})
    # A topic is asked once about a bulletin, as it is now: only its last change says something.
    last = {change.subject: change for change in wanted if change.subject in finds}
    left = {"action": "remove", "reason": "filtered"}
    return [
        {**item, **left} if item["action"] == "put" and not finds[item["id"]] else item
        for item in await sync.items(session, list(last.values()), Selection())
    ]


def _about(
    endpoint: Endpoint, item: Json, etags: Mapping[str, tuple[int, str]], due_at: datetime
) -> Delivery:
    data = {key: value for key, value in item.items() if key not in {"bulletin", "event", "at"}}
    if item["object"] == "bulletin":
        version, etag = etags.get(item["id"], (None, None))
        # A newer version has its own message; its ETag would not be this one's.
        data["etag"] = etag if item["action"] == "put" and version == item["version"] else None
        data["url"] = f"/v1/bulletins/{item['id']}"
    subject = f"{item['object']}:{item['id']}"
    return delivery(
        endpoint.id,
        event=item["event"],
        subject=subject,
        at=item["at"],
        data=data,
        due_at=due_at,
        seq=item["seq"],
        name=f"{endpoint.id}/{item['seq']}/{subject}",
    )


def wants(endpoint: Endpoint, event: str) -> bool:
    """Whether the endpoint has chosen such events; a digest must be named."""
    return event in endpoint.events or (not endpoint.events and event != DIGEST)


def delivery(
    endpoint_id: UUID,
    *,
    event: str,
    subject: str,
    at: datetime,
    data: Mapping[str, Any],
    due_at: datetime,
    seq: int = 0,
    name: str | None = None,
) -> Delivery:
    """A message to one endpoint, as Standard Webhooks shapes it.

    :param name: what makes the message's id; a message that is made again has the same one.
    """
    text = name or str(uuid4())
    return Delivery(
        endpoint_id=endpoint_id,
        message_id="msg_" + hashlib.sha256(text.encode()).hexdigest()[:32],
        seq=seq,
        event=event,
        subject=subject,
        body=to_json({"type": event, "timestamp": at, "data": data}).decode(),
        due_at=due_at,
    )


async def tell_disabled(session: AsyncSession, endpoint: Endpoint) -> None:
    """Tell the partner's other endpoints that this one is disabled."""
    others = select(Endpoint).where(
        Endpoint.partner_id == endpoint.partner_id, Endpoint.id != endpoint.id, Endpoint.status == "active"
    )
    now = datetime.now(UTC)
    data = {"endpoint": str(endpoint.id), "url": endpoint.url, "note": endpoint.status_note}
    for other in await session.scalars(others):
        if wants(other, ENDPOINT_DISABLED):
            subject = f"endpoint:{endpoint.id}"
            session.add(
                delivery(other.id, event=ENDPOINT_DISABLED, subject=subject, at=now, data=data, due_at=now)
            )


async def _etags(session: AsyncSession, slugs: Iterable[str]) -> dict[str, tuple[int, str]]:
    """Version and strong ETag that ``GET /v1/bulletins/{slug}`` has now, without coding."""
    query = select(Finished.slug, Finished.version, Finished.etag)
    query = query.where(Finished.slug.in_(slugs), Finished.kind == "bulletin", Finished.form == FORM)
    return {slug: (version, f'"{etag}"') for slug, version, etag in await session.execute(query)}
