"""Endpoints of webhooks: taken in, paused, tested, given new secrets, and what they missed sent again."""

import base64
import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Select, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.bulletins.filters import ContentFilters
from app.kit import pagination
from app.kit.pagination import PageQuery
from app.kit.problems import Problem, invalid_parameter
from app.partners import keys, messages, topics
from app.partners import webhook_schemas as schemas
from app.partners.models import Attempt, Delivery, Endpoint
from app.partners.selection import Selection
from app.partners.vault import Vault

MANY = 50
"""Endpoints of one partner."""
REPLAYED = 10_000
"""Deliveries that are sent again by one request."""
OVERLAP = timedelta(hours=24)
KEPT = timedelta(days=30)


def new_secret() -> str:
    """A secret as Standard Webhooks writes it: 256 random bits."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


async def add(
    session: AsyncSession, vault: Vault, partner_id: UUID, wanted: schemas.NewEndpoint
) -> tuple[Endpoint, str]:
    """Take an endpoint in; the secret can be read this once.

    :raises Problem: there is the same one, there are too many, or the filters name something unknown.
    """
    await keys.hold(session, partner_id)
    if len(await of(session, partner_id)) >= MANY:
        raise Problem("conflict", f"There are {MANY} endpoints already.")
    secret = new_secret()
    endpoint = Endpoint(partner_id=partner_id, secret=vault.seal(secret))
    await _set(session, endpoint, dict(wanted))
    session.add(endpoint)
    await session.flush()
    await session.refresh(endpoint)
    return endpoint, secret


async def change(session: AsyncSession, endpoint: Endpoint, wanted: schemas.EndpointChange) -> None:
    """Change what is named.

    :raises Problem: another endpoint is the same, or the filters name something unknown.
    """
    await keys.hold(session, endpoint.partner_id)
    await _set(session, endpoint, {name: getattr(wanted, name) for name in wanted.model_fields_set})


async def _set(session: AsyncSession, endpoint: Endpoint, values: dict[str, Any]) -> None:
    """Give the endpoint these values of :class:`schemas.NewEndpoint`."""
    if "filters" in values:
        filters: ContentFilters = values.pop("filters")
        endpoint.filters = filters.model_dump(mode="json", by_alias=True, exclude_defaults=True)
        endpoint.selection = (await Selection.of(session, filters)).model_dump(mode="json")
    if "topic" in values:
        endpoint.topic_id = values.pop("topic")
    for name, value in values.items():
        setattr(endpoint, name, value)
    if endpoint.topic_id:
        if endpoint.filters:
            raise invalid_parameter("topic", "name filters or a topic")
        await topics.one(session, endpoint.partner_id, endpoint.topic_id)
    for other in await of(session, endpoint.partner_id):
        if other.id != endpoint.id and _chosen(other) == _chosen(endpoint):
            raise Problem("conflict", f"Endpoint {other.id} is the same.")


def _chosen(endpoint: Endpoint) -> tuple[object, ...]:
    return endpoint.url, endpoint.filters, endpoint.events, endpoint.topic_id


def etag(endpoint: Endpoint) -> str:
    """Changes with all that a partner can change, the secret included; not with how the endpoint does."""
    state = (*_chosen(endpoint), endpoint.description, endpoint.status, endpoint.secret)
    return f'"{hashlib.sha256(json.dumps(state, default=str).encode()).hexdigest()[:32]}"'


async def of(session: AsyncSession, partner_id: UUID) -> Sequence[Endpoint]:
    """A partner's endpoints, the oldest first."""
    query = select(Endpoint).where(Endpoint.partner_id == partner_id).order_by(Endpoint.id)
    return (await session.scalars(query)).all()


async def one(session: AsyncSession, partner_id: UUID, id_: UUID) -> Endpoint:
    """An endpoint of the partner.

    :raises Problem: the partner has no such endpoint.
    """
    return await _one(session, _mine(partner_id, id_), id_)


async def lock(session: AsyncSession, partner_id: UUID, id_: UUID) -> Endpoint:
    """:func:`one`, held until the transaction ends."""
    return await _one(session, _mine(partner_id, id_).with_for_update(), id_)


def _mine(partner_id: UUID, id_: UUID) -> Select[Endpoint]:
    return select(Endpoint).where(Endpoint.id == id_, Endpoint.partner_id == partner_id)


async def _one(session: AsyncSession, query: Select[Endpoint], id_: UUID) -> Endpoint:
    endpoint = await session.scalar(query)
    if endpoint is None:
        raise Problem("not-found", f"There is no endpoint {id_}.")
    return endpoint


async def resume(session: AsyncSession, endpoint: Endpoint) -> None:
    """Send again, what has waited first: it is due now, and its 72 hours begin anew."""
    endpoint.status, endpoint.status_note, endpoint.failing_since = "active", "", None
    waiting = update(Delivery).where(Delivery.endpoint_id == endpoint.id, Delivery.state == "pending")
    await session.execute(waiting.values(due_at=func.now(), first_tried_at=None, attempts=0))


def rotate(endpoint: Endpoint, vault: Vault) -> str:
    """A new secret; the former one goes on signing beside it for a day."""
    secret = new_secret()
    endpoint.former_secret, endpoint.former_until = endpoint.secret, datetime.now(UTC) + OVERLAP
    endpoint.secret = vault.seal(secret)
    return secret


async def test(session: AsyncSession, endpoint: Endpoint) -> Delivery:
    """Send an event that says nothing.

    :raises Problem: the endpoint is not active.
    """
    if endpoint.status != "active":
        raise Problem("conflict", f"The endpoint is {endpoint.status}: resume it.")
    now = datetime.now(UTC)
    data: Mapping[str, Any] = {"endpoint": str(endpoint.id), "note": "这是一次测试。"}
    name = f"test:{uuid4()}"
    made = messages.delivery(
        endpoint.id, event=messages.TEST, subject=name, at=now, data=data, due_at=now, name=name
    )
    session.add(made)
    await session.flush()
    await session.refresh(made)
    return made


async def replay(session: AsyncSession, endpoint: Endpoint, wanted: schemas.Replay) -> int:
    """Send finished deliveries again, with the ids they had; how many.

    :raises Problem: there is no such delivery, or there are too many.
    """
    finished = select(
        Delivery.endpoint_id,
        Delivery.message_id,
        Delivery.seq,
        Delivery.event,
        Delivery.subject,
        Delivery.body,
        func.now(),
    ).where(Delivery.endpoint_id == endpoint.id, Delivery.state != "pending")
    if wanted.delivery is not None:
        finished = finished.where(Delivery.id == wanted.delivery)
    else:
        # What was sent twice is sent again once.
        newest = select(func.max(Delivery.id)).where(
            Delivery.endpoint_id == endpoint.id, Delivery.created_at.between(wanted.from_, wanted.to)
        )
        finished = finished.where(Delivery.id.in_(newest.group_by(Delivery.message_id)))
    count = await session.scalar(select(func.count()).select_from(finished.subquery())) or 0
    if wanted.delivery is not None and not count:
        raise Problem("not-found", f"No delivery {wanted.delivery} of this endpoint is finished.")
    if count > REPLAYED:
        raise Problem("conflict", f"There are {count} deliveries in this time; {REPLAYED} can be replayed.")
    columns = ["endpoint_id", "message_id", "seq", "event", "subject", "body", "due_at"]
    await session.execute(insert(Delivery).from_select(columns, finished.order_by(Delivery.id)))
    return count


async def deliveries(
    session: AsyncSession, endpoint_id: UUID, query: PageQuery
) -> tuple[list[tuple[Delivery, list[Attempt]]], str | None]:
    """A page of an endpoint's deliveries, the newest first, with their attempts."""
    owner = pagination.scope(query, f"deliveries/{endpoint_id}")
    rows = select(Delivery).where(Delivery.endpoint_id == endpoint_id).order_by(Delivery.id.desc())
    if query.cursor:
        (last,) = pagination.decode(query.cursor, owner, schemas.DeliveryKey)
        rows = rows.where(Delivery.id < last)
    found = (await session.scalars(rows.limit(query.limit + 1))).all()
    page, cursor = pagination.cut(found, query.limit, lambda row: (row.id,), owner)
    attempts: dict[int, list[Attempt]] = {row.id: [] for row in page}
    tried = select(Attempt).where(Attempt.delivery_id.in_(attempts)).order_by(Attempt.id)
    for attempt in await session.scalars(tried):
        attempts[attempt.delivery_id].append(attempt)
    return [(row, attempts[row.id]) for row in page], cursor
