"""The partners' operations on their webhooks."""

import datetime as dt
import json
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Request, Response
from fastapi import Query as QueryParameters

from app.bulletins.examples import page
from app.kit.caching import JSON, private
from app.kit.db import Database
from app.kit.pagination import Page, PageQuery, next_link
from app.kit.parameters import once
from app.kit.problems import invalid_parameter, responses
from app.partners import examples, webhooks
from app.partners import webhook_schemas as schemas
from app.partners.access import WebhooksKey
from app.partners.guard import AddressRefusedError, Guard
from app.partners.models import Attempt, Delivery, Endpoint
from app.partners.vault import Vault

router = APIRouter(prefix="/v1/partners/webhooks", dependencies=[Depends(once)])

EndpointId = Annotated[UUID, Path(examples=["0197a3f2-6f3a-7c40-9a7e-1f2b3c4d5e6f"])]

_PROBLEMS = responses("invalid-parameter", "forbidden", "unavailable")
_ONE = responses("invalid-parameter", "forbidden", "not-found", "unavailable")
_ACT = responses("invalid-parameter", "forbidden", "not-found", "conflict", "unavailable")


def _database(request: Request) -> Database:
    database: Database = request.app.state.database
    return database


@router.post(
    "",
    operation_id="addWebhook",
    status_code=201,
    response_model=schemas.EndpointWithSecret,
    responses=responses("invalid-parameter", "forbidden", "conflict", "unavailable"),
)
async def add_webhook(request: Request, caller: WebhooksKey, wanted: schemas.NewEndpoint) -> Response:
    """Take in an endpoint. Its secret is shown in this answer and never again."""
    guard: Guard = request.app.state.guard
    vault: Vault = request.app.state.vault
    try:
        await guard.check(wanted.url)
    except AddressRefusedError as error:
        raise invalid_parameter("url", str(error)) from None
    async with _database(request).session() as session:
        endpoint, secret = await webhooks.add(session, vault, caller.partner_id, wanted)
        return private(_with_secret(endpoint, secret), status=201)


@router.get("", operation_id="listWebhooks", response_model=schemas.EndpointList, responses=_PROBLEMS)
async def list_webhooks(request: Request, caller: WebhooksKey) -> Response:
    """The partner's endpoints, and how they do."""
    async with _database(request).snapshot() as session:
        rows = await webhooks.of(session, caller.partner_id)
        return private(schemas.EndpointList(items=[_endpoint(row) for row in rows]))


@router.get("/{id}", operation_id="getWebhook", response_model=schemas.EndpointDetail, responses=_ONE)
async def get_webhook(request: Request, caller: WebhooksKey, id: EndpointId) -> Response:  # noqa: A002
    """One endpoint, and how it does."""
    async with _database(request).session() as session:
        return private(_endpoint(await webhooks.one(session, caller.partner_id, id)))


@router.delete("/{id}", operation_id="deleteWebhook", status_code=204, responses=_ONE)
async def delete_webhook(request: Request, caller: WebhooksKey, id: EndpointId) -> Response:  # noqa: A002
    """Delete an endpoint, with its deliveries."""
    async with _database(request).session() as session:
        await session.delete(await webhooks.one(session, caller.partner_id, id))
    return private(None, status=204)


@router.post(
    "/{id}/pause", operation_id="pauseWebhook", response_model=schemas.EndpointDetail, responses=_ONE
)
async def pause_webhook(request: Request, caller: WebhooksKey, id: EndpointId) -> Response:  # noqa: A002
    """Let messages wait until the endpoint is resumed."""
    async with _database(request).session() as session:
        endpoint = await webhooks.one(session, caller.partner_id, id)
        endpoint.status = "paused"
        return private(_endpoint(endpoint))


@router.post(
    "/{id}/resume", operation_id="resumeWebhook", response_model=schemas.EndpointDetail, responses=_ONE
)
async def resume_webhook(request: Request, caller: WebhooksKey, id: EndpointId) -> Response:  # noqa: A002
    """Send messages again, those that have waited first; what it missed is in the sync feed."""
    async with _database(request).session() as session:
        endpoint = await webhooks.one(session, caller.partner_id, id)
        await webhooks.resume(session, endpoint)
        return private(_endpoint(endpoint))


@router.post(
    "/{id}/secret",
    operation_id="rotateWebhookSecret",
    response_model=schemas.EndpointWithSecret,
    responses=_ONE,
)
async def rotate_secret(request: Request, caller: WebhooksKey, id: EndpointId) -> Response:  # noqa: A002
    """Make a new secret. For a day messages are signed with the former one too."""
    async with _database(request).session() as session:
        endpoint = await webhooks.one(session, caller.partner_id, id)
        secret = webhooks.rotate(endpoint, request.app.state.vault)
        return private(_with_secret(endpoint, secret))


@router.post(
    "/{id}/test",
    operation_id="testWebhook",
    status_code=202,
    response_model=schemas.Queued,
    responses=_ACT,
)
async def test_webhook(request: Request, caller: WebhooksKey, id: EndpointId) -> Response:  # noqa: A002
    """Send an event of the type `test`; the list of deliveries says what became of it."""
    async with _database(request).session() as session:
        await webhooks.test(session, await webhooks.one(session, caller.partner_id, id))
    return private(schemas.Queued(queued=1), status=202)


@router.post(
    "/{id}/replay",
    operation_id="replayWebhook",
    status_code=202,
    response_model=schemas.Queued,
    responses=_ACT,
)
async def replay_webhook(
    request: Request,
    caller: WebhooksKey,
    id: EndpointId,  # noqa: A002
    wanted: schemas.Replay,
) -> Response:
    """Send deliveries again that were delivered or given up; their ids stay the same."""
    async with _database(request).session() as session:
        endpoint = await webhooks.one(session, caller.partner_id, id)
        queued = await webhooks.replay(session, endpoint, wanted)
    return private(schemas.Queued(queued=queued), status=202)


@router.get(
    "/{id}/deliveries",
    operation_id="listDeliveries",
    response_model=schemas.DeliveryPage,
    responses={
        200: {"content": {JSON: {"example": page(examples.DELIVERY)}}},
        **responses("invalid-parameter", "invalid-cursor", "forbidden", "not-found", "unavailable"),
    },
)
async def list_deliveries(
    request: Request,
    caller: WebhooksKey,
    id: EndpointId,  # noqa: A002
    query: Annotated[PageQuery, QueryParameters()],
) -> Response:
    """What was sent to the endpoint in the last 30 days, the newest first, with every attempt."""
    async with _database(request).session() as session:
        endpoint = await webhooks.one(session, caller.partner_id, id)
        rows, cursor = await webhooks.deliveries(session, endpoint.id, query)
    found = Page[schemas.DeliveryDetail](items=[_delivery(*row) for row in rows], next=cursor)
    return private(found, headers=next_link(request, cursor))


def _endpoint(row: Endpoint) -> schemas.EndpointDetail:
    return schemas.EndpointDetail.model_validate(row, from_attributes=True)


def _with_secret(row: Endpoint, secret: str) -> schemas.EndpointWithSecret:
    return schemas.EndpointWithSecret(**dict(_endpoint(row)), secret=secret)


def _delivery(row: Delivery, attempts: list[Attempt]) -> schemas.DeliveryDetail:
    due: dt.datetime | None = row.due_at if row.state == "pending" else None
    return schemas.DeliveryDetail.model_validate(
        {
            **{
                name: getattr(row, name)
                for name in ("id", "message_id", "event", "state", "created_at", "finished_at")
            },
            "body": json.loads(row.body),
            "due_at": due,
            "attempts": [
                schemas.AttemptDetail.model_validate(each, from_attributes=True) for each in attempts
            ],
        }
    )
