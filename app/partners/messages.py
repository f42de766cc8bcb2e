"""What webhooks say, and to whom: follows the change log and makes one delivery for each who is concerned."""

import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from pydantic_core import to_json
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.bulletins.finished import FORM, fresh
from app.bulletins.models import Finished
from app.kit.changes import Change, Follower
from app.partners import effects, topics
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
        etags = _ETags(session)
        due_at = await session.scalar(select(func.clock_timestamp() + SETTLING))
        assert due_at is not None  # noqa: S101 - the clock has a time
        for endpoint in endpoints:
            async for item in _items(session, endpoint, public, moves):
                session.add(_about(endpoint, item, await etags.of(item), due_at))
            await session.flush()

    return fan_out


async def _items(
    session: AsyncSession, endpoint: Endpoint, changes: Sequence[Change], moves: Moves
) -> AsyncIterator[Json]:
    """What the changes are to an endpoint."""

    def wanted(event: str) -> bool:
        return wants(endpoint, event)

    if endpoint.topic_id is None:
        selection = Selection.model_validate(endpoint.selection)
        async for item in effects.of_all(session, changes, selection, wanted):
            yield item
        return
    moved = [item for item in moves.get(endpoint.topic_id, ()) if wanted(item["event"])]
    # A topic is asked once about a bulletin, as it is now: only its last change says something.
    for item in {item["id"]: item for item in moved}.values():
        yield item


def _about(endpoint: Endpoint, item: Json, etag: str | None, due_at: datetime) -> Delivery:
    data = {key: value for key, value in item.items() if key not in {"bulletin", "event", "at"}}
    if item["object"] == "bulletin":
        data["etag"] = etag
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


class _ETags:
    """The strong ETags that ``GET /v1/bulletins/{slug}`` has now, without coding, each looked up once."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session
        self._known: dict[str, tuple[int, str] | None] = {}

    async def of(self, item: Json) -> str | None:
        """The ETag of the bulletin that is put; None where a newer version has its own message."""
        if (item["object"], item["action"]) != ("bulletin", "put"):
            return None
        slug = item["id"]
        if slug not in self._known:
            self._known[slug] = await self._find(slug)
        version, etag = self._known[slug] or (None, None)
        return etag if version == item["version"] else None

    async def _find(self, slug: str) -> tuple[int, str] | None:
        kept = Finished.slug == slug, Finished.kind == "bulletin", Finished.form == FORM
        query = select(Finished.version, Finished.etag).where(*kept)
        rows = [(version, etag) for version, etag in await self._session.execute(query)]
        if not rows:  # A merge forgets the answers that it changes.
            made = await fresh(self._session, [slug])
            rows = [(one.version, one.etag) for one in made if one.kind == "bulletin"]
        return next(((version, f'"{etag}"') for version, etag in rows), None)
