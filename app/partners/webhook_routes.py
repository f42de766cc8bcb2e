"""The partners' operations on their webhooks."""

import datetime as dt
import json
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Request, Response
from fastapi import Query as QueryParameters

from app.bulletins.examples import page
from app.kit.caching import JSON, private
from app.kit.conditional import IfMatch, demand_match
from app.kit.operations import PLAIN
from app.kit.pagination import Page, PageQuery, next_link
from app.kit.parameters import once
from app.kit.problem_kinds import responses
from app.kit.problems import invalid_parameter
from app.kit.transactions import Session, Transactional
from app.partners import examples, webhooks
from app.partners import webhook_schemas as schemas
from app.partners.access import Once, WebhooksKey
from app.partners.guard import AddressRefusedError
from app.partners.models import Attempt, Delivery, Endpoint

router = APIRouter(prefix="/v1/partners/webhooks", route_class=Transactional, dependencies=[Depends(once)])

EndpointId = Annotated[UUID, Path(alias="id", examples=["0197a3f2-6f3a-7c40-9a7e-1f2b3c4d5e6f"])]

_ETAG = {"headers": {"ETag": {"description": "For `If-Match`", "schema": {"type": "string"}}}}
_PROBLEMS = ("invalid-parameter", "forbidden", "unavailable")
_WITH_BODY = (*_PROBLEMS, "http", "too-large")
_ONE = (*_PROBLEMS, "not-found")
_MATCHED = ("precondition-required", "precondition-failed")


@router.post(
    "",
    operation_id="addWebhook",
    status_code=201,
    response_model=schemas.EndpointWithSecret,
    responses={201: _ETAG, **responses(*_WITH_BODY, "not-found", "conflict")},
    dependencies=PLAIN,
)
async def add_webhook(
    request: Request, session: Session, caller: WebhooksKey, wanted: schemas.NewEndpoint
) -> Response:
    """Take in an endpoint. Its secret is shown in this answer and never again.

    The same endpoint a second time is a conflict that names the first: if its answer was lost,
    make a new secret.
    """
    await _check(request, wanted.url)
    endpoint, secret = await webhooks.add(session, request.app.state.vault, caller.partner_id, wanted)
    return _with_secret(endpoint, secret, status=201)


@router.get(
    "",
    operation_id="listWebhooks",
    response_model=schemas.EndpointList,
    responses=responses(*_PROBLEMS),
    dependencies=PLAIN,
)
async def list_webhooks(session: Session, caller: WebhooksKey) -> Response:
    """The partner's endpoints, and how they do."""
    rows = await webhooks.of(session, caller.partner_id)
    return private(schemas.EndpointList(items=[_endpoint(row) for row in rows]))


@router.get(
    "/{id}",
    operation_id="getWebhook",
    response_model=schemas.EndpointDetail,
    responses={200: _ETAG, **responses(*_ONE)},
    dependencies=PLAIN,
)
async def get_webhook(session: Session, caller: WebhooksKey, id_: EndpointId) -> Response:
    """One endpoint, and how it does."""
    return _shown(await webhooks.one(session, caller.partner_id, id_))


@router.patch(
    "/{id}",
    operation_id="changeWebhook",
    response_model=schemas.EndpointDetail,
    responses={200: _ETAG, **responses(*_WITH_BODY, "not-found", "conflict", *_MATCHED)},
    dependencies=PLAIN,
)
async def change_webhook(
    request: Request,
    session: Session,
    caller: WebhooksKey,
    id_: EndpointId,
    wanted: schemas.EndpointChange,
    if_match: IfMatch = None,
) -> Response:
    """Change what an endpoint is sent, and where; messages that wait go to the new address."""
    if isinstance(wanted.url, str):
        await _check(request, wanted.url)
    endpoint = await webhooks.lock(session, caller.partner_id, id_)
    demand_match(if_match, webhooks.etag(endpoint))
    await webhooks.change(session, endpoint, wanted)
    return _shown(endpoint)


@router.delete(
    "/{id}",
    operation_id="deleteWebhook",
    status_code=204,
    responses=responses(*_ONE),
    dependencies=PLAIN,
)
async def delete_webhook(session: Session, caller: WebhooksKey, id_: EndpointId) -> Response:
    """Delete an endpoint, with its deliveries."""
    await session.delete(await webhooks.lock(session, caller.partner_id, id_))
    return private(None, status=204)


@router.post(
    "/{id}/pause",
    operation_id="pauseWebhook",
    response_model=schemas.EndpointDetail,
    responses={200: _ETAG, **responses(*_ONE, "idempotency-mismatch")},
    dependencies=PLAIN,
)
async def pause_webhook(session: Session, caller: WebhooksKey, _once: Once, id_: EndpointId) -> Response:
    """Let messages wait until the endpoint is resumed."""
    endpoint = await webhooks.lock(session, caller.partner_id, id_)
    endpoint.status = "paused"
    return _shown(endpoint)


@router.post(
    "/{id}/resume",
    operation_id="resumeWebhook",
    response_model=schemas.EndpointDetail,
    responses={200: _ETAG, **responses(*_ONE, "idempotency-mismatch")},
    dependencies=PLAIN,
)
async def resume_webhook(session: Session, caller: WebhooksKey, _once: Once, id_: EndpointId) -> Response:
    """Send messages again, those that have waited first; what it missed is in the sync feed."""
    endpoint = await webhooks.lock(session, caller.partner_id, id_)
    await webhooks.resume(session, endpoint)
    return _shown(endpoint)


@router.post(
    "/{id}/secret",
    operation_id="rotateWebhookSecret",
    response_model=schemas.EndpointWithSecret,
    responses={200: _ETAG, **responses(*_ONE, *_MATCHED)},
    dependencies=PLAIN,
)
async def rotate_secret(
    request: Request, session: Session, caller: WebhooksKey, id_: EndpointId, if_match: IfMatch = None
) -> Response:
    """Make a new secret. For a day messages are signed with the former one too.

    `If-Match` keeps a request that is sent again from replacing a secret that nobody has seen.
    """
    endpoint = await webhooks.lock(session, caller.partner_id, id_)
    demand_match(if_match, webhooks.etag(endpoint))
    return _with_secret(endpoint, webhooks.rotate(endpoint, request.app.state.vault))


@router.post(
    "/{id}/test",
    operation_id="testWebhook",
    status_code=202,
    response_model=schemas.Queued,
    responses=responses(*_ONE, "conflict", "idempotency-mismatch"),
    dependencies=PLAIN,
)
async def send_test(session: Session, caller: WebhooksKey, _once: Once, id_: EndpointId) -> Response:
    """Send an event of the type `test`; the list of deliveries says what became of it."""
    await webhooks.test(session, await webhooks.lock(session, caller.partner_id, id_))
    return private(schemas.Queued(queued=1), status=202)


@router.post(
    "/{id}/replay",
    operation_id="replayWebhook",
    status_code=202,
    response_model=schemas.Queued,
    responses=responses(*_WITH_BODY, "not-found", "conflict", "idempotency-mismatch"),
    dependencies=PLAIN,
)
async def replay_webhook(
    session: Session, caller: WebhooksKey, _once: Once, id_: EndpointId, wanted: schemas.Replay
) -> Response:
    """Send deliveries again that were delivered or given up; their ids stay the same."""
    endpoint = await webhooks.lock(session, caller.partner_id, id_)
    return private(schemas.Queued(queued=await webhooks.replay(session, endpoint, wanted)), status=202)


@router.get(
    "/{id}/deliveries",
    operation_id="listDeliveries",
    response_model=schemas.DeliveryPage,
    responses={
        200: {"content": {JSON: {"example": page(examples.DELIVERY)}}},
        **responses(*_ONE, "invalid-cursor"),
    },
)
async def list_deliveries(
    request: Request,
    session: Session,
    caller: WebhooksKey,
    id_: EndpointId,
    query: Annotated[PageQuery, QueryParameters()],
) -> Response:
    """What was sent to the endpoint in the last 30 days, the newest first, with every attempt."""
    endpoint = await webhooks.one(session, caller.partner_id, id_)
    rows, cursor = await webhooks.deliveries(session, endpoint.id, query)
    found = Page[schemas.DeliveryDetail](items=[_delivery(*row) for row in rows], next=cursor)
    return private(found, headers=next_link(request, cursor))


async def _check(request: Request, url: str) -> None:
    try:
        await request.app.state.guard.check(url)
    except AddressRefusedError as error:
        raise invalid_parameter("url", str(error)) from None


def _shown(row: Endpoint) -> Response:
    return private(_endpoint(row), headers={"ETag": webhooks.etag(row)})


def _with_secret(row: Endpoint, secret: str, status: int = 200) -> Response:
    shown = schemas.EndpointWithSecret(**dict(_endpoint(row)), secret=secret)
    return private(shown, status=status, headers={"ETag": webhooks.etag(row)})


def _endpoint(row: Endpoint) -> schemas.EndpointDetail:
    return schemas.EndpointDetail.model_validate(row, from_attributes=True)


def _delivery(row: Delivery, attempts: list[Attempt]) -> schemas.DeliveryDetail:
    names = ("id", "message_id", "event", "state", "created_at", "finished_at")
    due: dt.datetime | None = row.due_at if row.state == "pending" else None
    return schemas.DeliveryDetail.model_validate(
        {
            **{name: getattr(row, name) for name in names},
            "body": json.loads(row.body),
            "due_at": due,
            "attempts": [
                schemas.AttemptDetail.model_validate(each, from_attributes=True) for each in attempts
            ],
        }
    )
