"""The callback, which is for WeChat alone, and the signatures for pages of the website."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated

import httpx2
import structlog
from fastapi import APIRouter, Depends, HTTPException, Request, Response
from fastapi import Query as QueryParameters
from pydantic import Field

from app.kit.caching import JSON
from app.kit.db import Database
from app.kit.parameters import Query, Typed, once
from app.kit.problem_kinds import responses
from app.kit.problems import Problem, invalid_parameter
from app.wechat import client as clients
from app.wechat import js
from app.wechat.accounts import Account, Accounts
from app.wechat.answering import Search
from app.wechat.callback import Callback, RefusedError
from app.wechat.errors import WechatError
from app.wechat.messages import LIMIT, MessageError
from app.wechat.schemas import JsConfig
from app.wechat.transport import pooled

log = structlog.get_logger(__name__)

callback = APIRouter(prefix="/wechat/callback", include_in_schema=False)
router = APIRouter(prefix="/v1/wechat", dependencies=[Depends(once)])

_NO_STORE = {"Cache-Control": "no-store"}

Record = Callable[..., Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Wechat:
    """The official accounts of this process: ``app.state.wechat``; None where there are none."""

    accounts: Accounts
    database: Database
    http: httpx2.AsyncClient
    callbacks: Mapping[str, Callback]
    record: Record


@asynccontextmanager
async def connect(
    accounts: Accounts | None, database: Database, search: Search, record: Record
) -> AsyncIterator[Wechat | None]:
    """The accounts with a client, closed at the end.

    :param record: keeps what editors do, in their transaction.
    """
    if accounts is None:
        yield None
        return
    async with pooled() as http:
        callbacks = {
            name: Callback(database, account, search)
            for name, account in accounts.account.items()
            if account.token
        }
        yield Wechat(accounts, database, http, callbacks, record)


def connected(request: Request) -> Wechat:
    """The official accounts.

    :raises Problem: there are none.
    """
    wechat: Wechat | None = request.app.state.wechat
    if wechat is None:
        raise Problem("not-found", "No official account is configured.")
    return wechat


def _callback(request: Request) -> Callback:
    wechat = connected(request)
    name = request.path_params.get("account", wechat.accounts.default)
    if name not in wechat.callbacks:
        raise Problem("not-found", "There is no such callback.")
    return wechat.callbacks[name]


@callback.get("")
@callback.get("/{account}")
async def register(request: Request) -> Response:
    """Let WeChat see that the address is ours."""
    try:
        told = _callback(request).handshake(request.query_params)
    except RefusedError:
        raise HTTPException(403, "The signature is not WeChat's.") from None
    return Response(told, media_type="text/plain", headers=_NO_STORE)


@callback.post("")
@callback.post("/{account}")
async def receive(request: Request) -> Response:
    """Answer a message."""
    called = _callback(request)
    try:
        answer = await called.receive(request.query_params, await _body(request))
    except RefusedError:
        raise HTTPException(403, "The signature is not WeChat's.") from None
    except MessageError:
        raise HTTPException(400, "The body is no message of WeChat.") from None
    media_type = "application/xml" if answer.startswith(b"<") else "text/plain"
    return Response(answer, media_type=media_type, headers=_NO_STORE)


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LIMIT:
            raise HTTPException(413, f"A message has at most {LIMIT} bytes.")
    return bytes(body)


class JsConfigQuery(Query):
    url: Annotated[
        Typed,
        Field(
            max_length=512,
            description="Address of the page, on one of the account's hosts; what follows `#` is left out",
            examples=["https://example.org/bulletins/2026-06-25"],
        ),
    ]
    account: Annotated[
        str | None, Field(max_length=40, description="The default account, if none is named")
    ] = None


@router.get(
    "/js-config",
    operation_id="getWechatJsConfig",
    response_model=JsConfig,
    responses=responses("invalid-parameter", "not-found", "unavailable"),
)
async def js_config(request: Request, query: Annotated[JsConfigQuery, QueryParameters()]) -> Response:
    """What a page needs to use WeChat's JS-SDK, for example to be shared as a card."""
    wechat = connected(request)
    account = account_named(wechat, query.account)
    try:
        fits = js.allowed(account, query.url)
    except ValueError:
        fits = False
    if not fits:
        raise invalid_parameter("url", "it is on no host that the account signs for")
    tickets = clients.jsapi_ticket(clients.connect(account, wechat.http, wechat.database), wechat.database)
    try:
        ticket = await tickets.current()
    except WechatError as error:
        log.warning("wechat.no-ticket", error=str(error))
        raise Problem("unavailable", "WeChat gives no ticket.", headers={"Retry-After": "30"}) from None
    content = js.config(account, ticket, query.url).model_dump_json(by_alias=True)
    return Response(content, media_type=JSON, headers=_NO_STORE)


def account_named(wechat: Wechat, name: str | None) -> Account:
    """The account of this name, the default one for None.

    :raises Problem: there is none.
    """
    try:
        return wechat.accounts.named(name)
    except KeyError:
        raise invalid_parameter("account", "there is no such account") from None
