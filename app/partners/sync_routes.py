"""``/v1/sync``: pages, long polls and event streams of one feed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi import Query as QueryParameters
from fastapi.responses import StreamingResponse
from pydantic import Field
from pydantic_core import to_json
from sqlalchemy.ext.asyncio import AsyncSession

from app.bulletins.filters import ContentFilters
from app.kit.caching import JSON
from app.kit.conditional import SMALL, compress, negotiate
from app.kit.db import Database
from app.kit.hub import Hub
from app.kit.parameters import Digits, once
from app.kit.problem_kinds import responses
from app.kit.problems import DATABASE_AWAY, Problem, invalid_parameter
from app.partners import examples, schemas, sync
from app.partners.access import SyncKey
from app.partners.gate import Gate
from app.partners.selection import Selection
from app.partners.sync import Steps
from app.partners.tokens import LONGEST, Place, Tokens

EVENT_STREAM = "text/event-stream"

_KEEP_ALIVE_SECONDS = 15.0
_AT_ONCE = 2
"""So many pages of the feed are read at a time: a thousand streams must not take every connection."""

router = APIRouter(prefix="/v1", dependencies=[Depends(once)])


class SyncQuery(ContentFilters):
    token: Annotated[
        str | None,
        Field(
            max_length=LONGEST,
            pattern=r"^[A-Za-z0-9_-]+$",
            description="The `token` of the page before; it holds the filters",
        ),
    ] = None
    since: Annotated[
        int | None,
        Field(
            ge=0,
            le=999_999_999,
            description="Instead of a token: begin after this change, such as the `seq` of an export",
            examples=[812],
        ),
        Digits,
    ] = None
    limit: Annotated[int, Field(ge=1, le=200, description="Changes in a page"), Digits] = 100
    wait: Annotated[
        int, Field(ge=0, le=30, description="Seconds to wait for a change while there is none"), Digits
    ] = 0


class Feed:
    """Reads the feed of one process."""

    def __init__(self, database: Database, hub: Hub) -> None:
        self.hub = hub
        self._database = database
        self._reading = asyncio.Semaphore(_AT_ONCE)
        self._tokens: Tokens | None = None

    @asynccontextmanager
    async def _session(self) -> AsyncIterator[tuple[AsyncSession, Tokens]]:
        async with self._reading, self._database.snapshot() as session:
            if self._tokens is None:
                self._tokens = await Tokens.of(session)
            yield session, self._tokens

    async def place(self, query: SyncQuery, token: str | None) -> Place:
        """Where the request stands.

        :raises Problem: the token leads nowhere, or is for other filters than the ones given with it.
        """
        filtered = query.model_fields_set - {"token", "since", "limit", "wait"}
        if token and query.since is not None:
            raise invalid_parameter("since", "a token says where to begin; leave one of them out")
        async with self._session() as (session, tokens):
            if token is None:
                selection = await Selection.of(session, query)
                return await sync.begin(session, selection, query.since)
            place = tokens.read(token)
            if filtered and await Selection.of(session, query) != place.selection:
                raise invalid_parameter("token", "it is for other filters; leave them out, or begin again")
            return place

    async def read(self, place: Place, limit: int) -> Steps:
        async with self._session() as (session, _):
            return await sync.read(session, place, limit)

    async def wait(self, place: Place, seconds: float) -> bool:
        """Wait for a change after the place, without a connection; whether there is one."""
        return await self.hub.after(place.seq, seconds)

    def token(self, place: Place) -> str:
        assert self._tokens is not None  # noqa: S101 - the place came from it
        return self._tokens.write(place)


@router.get(
    "/sync",
    operation_id="sync",
    response_model=schemas.SyncPage,
    responses={
        200: {
            "description": "What to do to a copy, in order",
            "content": {
                JSON: {"example": examples.SYNC_PAGE},
                EVENT_STREAM: {
                    "schema": {"type": "string"},
                    "example": "event: bulletin.published\nid: …\ndata: {…}\n\n",
                },
            },
        },
        **responses("invalid-parameter", "forbidden", "restart", "unavailable"),
    },
)
async def follow(
    request: Request, _caller: SyncKey, query: Annotated[SyncQuery, QueryParameters()]
) -> Response:
    """The whole state in pages, then every change: published, corrected, withdrawn, merged.

    Begin without `token`, or with `since` after an export, and follow the token of each page. With
    `Accept: text/event-stream` the same items come as events; their ids are tokens, so `Last-Event-ID`
    goes on where the stream ended.
    """
    feed: Feed = request.app.state.feed
    streaming = EVENT_STREAM in request.headers.get("accept", "")
    token = query.token
    if streaming:
        token = _last_event_id(request) or token
    place = await feed.place(query, token)
    steps = await feed.read(place, query.limit)
    if streaming:
        head = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        events = _events(request, feed, steps, query.limit)
        return StreamingResponse(events, headers=head, media_type=EVENT_STREAM)
    steps = await _patiently(feed, steps, query)
    items = [step.item for step in steps.steps]
    page = {"items": items, "token": feed.token(steps.place), "more": steps.more}
    return await _answer(request, to_json(page))


async def _patiently(feed: Feed, steps: Steps, query: SyncQuery) -> Steps:
    """The steps, or the first ones to come while there are none."""
    end = monotonic() + query.wait
    while not (steps.steps or steps.more or feed.hub.stopped) and (left := end - monotonic()) > 0:
        if await feed.wait(steps.place, left):
            steps = await feed.read(steps.place, query.limit)
    return steps


async def _answer(request: Request, body: bytes) -> Response:
    coding = negotiate(request.headers.get("accept-encoding", "")) if len(body) >= SMALL else None
    head = {"Cache-Control": "no-store", "Vary": "Accept, Accept-Encoding"}
    if coding:
        head["Content-Encoding"] = coding
        body = await asyncio.to_thread(compress, body, coding)
    return Response(body, headers=head, media_type=JSON)


def _last_event_id(request: Request) -> str | None:
    given = request.headers.get("last-event-id")
    if given is not None and len(given) > LONGEST:
        raise invalid_parameter("Last-Event-ID", "it is no token of this feed")
    return given


async def _events(request: Request, feed: Feed, steps: Steps, limit: int) -> AsyncIterator[bytes]:
    """The feed as events until the client goes, its key is good no more, or the server stops."""
    gate: Gate = request.app.state.gate
    authorization = request.headers["authorization"].encode("latin-1")
    try:
        while True:
            for step in steps.steps:
                yield _event(step.item, feed.token(step.place) if step.place else None)
            if not steps.more and not await feed.wait(steps.place, _KEEP_ALIVE_SECONDS):
                yield b": nothing new\n\n"
            if feed.hub.stopped:
                return
            await gate.ring.caller(authorization)
            steps = await feed.read(steps.place, limit)
    except (Problem, *DATABASE_AWAY):  # The client comes again with its last id, and is told then.
        return


def _event(item: dict[str, Any], id_: str | None) -> bytes:
    lines = [b"event: " + item["event"].encode()]
    if id_:
        lines.append(b"id: " + id_.encode())
    lines.append(b"data: " + to_json(item))
    return b"\n".join(lines) + b"\n\n"
