"""Who asks, and whether it is one request too many: before anything answers, hot or not."""

import re
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from operator import itemgetter
from time import time
from typing import Any
from urllib.parse import unquote_to_bytes

from fastapi import FastAPI, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.kit.cors import Readers
from app.kit.db import Database
from app.kit.problem_kinds import responses
from app.kit.problems import DATABASE_AWAY, Problem, answer, on_database
from app.kit.settings import Settings
from app.kit.whole import WHOLE, with_headers
from app.partners.counting import Counting, Memory
from app.partners.keys import LIVE, Caller, Ring
from app.partners.plans import Plan, PlanName, Rate, plans
from app.partners.usage import Tally

NOT_COUNTED = ("/v1/exports",)
"""What begins with these is free: the whole archive may be taken."""

_OTHERS = ("/v1/editorial", "/v1/wechat")
_LIVE = LIVE.encode()
_SHORT = 200
_NAMED = re.compile(rb"(?:^|&)(?:key|api[_-]?key|access[_-]?token)=", re.IGNORECASE)


class Admission:
    """A request that may be answered; it has been counted, unless ``plan`` is None."""

    __slots__ = ("_at", "_counting", "_counts", "_plan", "_who", "caller")

    def __init__(
        self,
        caller: Caller | None,
        counting: Counting,
        plan: Plan | None = None,
        who: str = "",
        counts: Sequence[int] = (),
        at: int = 0,
    ) -> None:
        self.caller = caller
        self._counting = counting
        self._plan = plan
        self._who = who
        self._counts = counts
        self._at = at

    @property
    def silent(self) -> bool:
        """Whether the answer is nobody's and says nothing of limits."""
        return self._plan is None and self.caller is None

    async def headers(self, status: int) -> list[tuple[bytes, bytes]]:
        """What the answer says of the limits; one that sends nothing (304) is given back."""
        if self._plan is None:
            return []
        if status == 304:
            self._counts = await self._counting.add(self._who, self._plan.rates, -1, self._at)
        return _headers(self._plan, self._counts)


class Gate:
    """Knows callers by their keys, counts requests, and refuses what is too many."""

    def __init__(self, settings: Settings) -> None:
        self._plans = plans(settings)
        self._url = settings.limits_url
        self._origin = lru_cache(maxsize=10_000)(_Origins(settings.limits_exempt))

    @asynccontextmanager
    async def running(self, database: Database) -> AsyncIterator[None]:
        """Be ready as long as the context lasts."""
        self.counting = _counting(self._url)
        self.ring = Ring(database)
        self.tally = Tally(database)
        try:
            async with self.tally.writing():
                yield
        finally:
            await self.counting.close()

    def rates(self, plan: PlanName) -> tuple[Rate, ...]:
        """What a plan allows."""
        return self._plans[plan].rates

    def passes(self, scope: Scope) -> bool:
        """Whether :meth:`admit` would find nothing to do: a short way for those who are not counted."""
        if not _plain(scope) or _authorization(scope["headers"]) is not None:
            return False
        client = scope["client"]
        return self._origin(client[0] if client else "")[1]

    async def admit(self, scope: Scope) -> Admission:
        """Let a request in, and count it.

        Whether the answer will be 304 is not known yet: it is counted, and given back by
        :meth:`Admission.headers`. Who has nothing left is refused that too, or a header that any
        request can have would be a way around the limits.

        It waits for nothing as long as the key is remembered and this process counts for itself.

        :raises Problem: its key is not good or stands in the address, or it is one request too many.
        """
        _keep_out_of_logs(scope)
        path: str = scope["path"]
        # A browser asks OPTIONS by itself, and could not read a refusal of it.
        if not path.startswith("/v1/") or path.startswith(_OTHERS) or scope["method"] == "OPTIONS":
            return Admission(None, self.counting)
        who, exempt = self._origin(scope["client"][0] if scope["client"] else "")
        plan = self._plans["anonymous"]
        caller = None
        try:
            if (authorization := _authorization(scope["headers"])) is not None:
                caller = await self.ring.caller(authorization)
        except Problem:
            if not exempt:  # Guessing is counted as well.
                await self._count(plan, who, int(time()))
            raise
        if exempt or path.startswith(NOT_COUNTED):
            return Admission(caller, self.counting)
        if caller is not None:
            plan, who = self._plans[caller.plan], caller.who
        at = int(time())
        try:
            counts = await self._count(plan, who, at)
        except Problem:
            if caller:
                self.tally.note(caller.key_id, path, 429)
            raise
        return Admission(caller, self.counting, plan, who, counts, at)

    async def _count(self, plan: Plan, who: str, at: int) -> list[int]:
        counts = await self.counting.add(who, plan.rates, 1, at)
        over = [rate for rate, count in zip(plan.rates, counts, strict=True) if count > rate.quota]
        if not over:
            return counts
        # What is refused is not counted: a day is not used up by asking too fast.
        counts = await self.counting.add(who, plan.rates, -1, at)
        now = int(time())
        rate, left = max(((rate, _left(rate, now)) for rate in over), key=itemgetter(1))
        headers = {name.decode(): value.decode() for name, value in _headers(plan, counts)}
        detail = f"The {plan.name} plan allows {rate.quota} requests per {rate.name}."
        raise Problem("too-many-requests", detail, headers={**headers, "Retry-After": str(left)})


class GateLayer:
    """The gate as an ASGI layer: refuses, or lets the answer say what is left."""

    def __init__(self, app: ASGIApp, gate: Gate, readers: Readers | None = None) -> None:
        """
        :param readers: the websites whose pages may read what is refused.
        """
        self.app = app
        self.gate = gate
        self._readers = readers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or self.gate.passes(scope):
            await self.app(scope, receive, send)
            return
        try:
            admission = await self.gate.admit(scope)
        except Problem as problem:
            await self._refuse(answer(Request(scope), problem), scope, receive, send)
            return
        except DATABASE_AWAY as error:
            await self._refuse(await on_database(Request(scope), error), scope, receive, send)
            return
        if admission.silent:
            await self.app(scope, receive, send)
            return
        scope.setdefault("state", {})["caller"] = admission.caller

        async def say(message: Message) -> None:
            if message["type"] == "http.response.start" or message["type"] == WHOLE:
                status = message["status"]
                message = with_headers(message, await admission.headers(status))
                if admission.caller:
                    self.gate.tally.note(admission.caller.key_id, scope["path"], status)
            await send(message)

        await self.app(scope, receive, say)

    async def _refuse(self, refusal: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        await refusal(scope, receive, self._readers.around(scope, send) if self._readers else send)


class _Origins:
    """From an address to the name it is counted under, and whether it is counted at all."""

    def __init__(self, exempt: Iterable[IPv4Network | IPv6Network]) -> None:
        self._exempt = tuple(exempt)

    def __call__(self, host: str) -> tuple[str, bool]:
        try:
            address = ip_address(host)
        except ValueError:
            return f"address:{host}", False
        # Whoever has one address of version 6 has a whole network of them.
        name = str(address) if address.version == 4 else str(ip_network(f"{host}/64", strict=False))
        return f"address:{name}", any(address in network for network in self._exempt)


def _authorization(headers: Iterable[tuple[bytes, bytes]]) -> bytes | None:
    for name, value in headers:
        if name == b"authorization":
            return value
    return None


def _keep_out_of_logs(scope: Scope) -> None:
    """Refuse a key in the address, and take it from where servers and handlers read what they log."""
    if _plain(scope):
        return
    query: bytes = scope["query_string"]
    in_path = _LIVE in unquote_to_bytes(scope.get("raw_path") or scope["path"].encode())
    if not in_path and _LIVE not in unquote_to_bytes(query) and not _NAMED.search(query):
        return
    scope["query_string"] = b""
    if in_path:
        scope["path"], scope["raw_path"] = "/", b"/"
    raise Problem("key-in-address", "A key stands in the address. It has not been used.")


def _plain(scope: Scope) -> bool:
    """Whether an address has no key in it, for sure: it is short, and nothing in it needs decoding."""
    path: bytes = scope.get("raw_path") or b"%"
    query: bytes = scope["query_string"]
    return len(path) + len(query) <= _SHORT and _keyless(path, query)


@lru_cache(maxsize=4_096)
def _keyless(path: bytes, query: bytes) -> bool:
    return b"%" not in path + query and _LIVE not in path + query and not _NAMED.search(query)


def _headers(plan: Plan, counts: Sequence[int]) -> list[tuple[bytes, bytes]]:
    """``RateLimit`` and ``RateLimit-Policy`` of draft-ietf-httpapi-ratelimit-headers."""
    now = int(time())
    state: list[int] = []
    for rate, count in zip(plan.rates, counts, strict=True):
        state += max(0, rate.quota - count), _left(rate, now)
    return [plan.policy, (b"ratelimit", plan.state % tuple(state))]


def _left(rate: Rate, now: int) -> int:
    """Seconds from ``now`` until the window ends, at least one."""
    return rate.seconds - now % rate.seconds


def describe(app: FastAPI) -> None:
    """Add to the description of every operation what the gate can answer instead of it."""
    generated = app.openapi
    refusals = responses("key-in-address", "unauthenticated", "too-many-requests")

    def openapi() -> dict[str, Any]:
        document = generated()
        for path, operations in document["paths"].items():
            if path.startswith("/v1/") and not path.startswith(_OTHERS):
                for operation in operations.values():
                    for status in (400, 401, 429):
                        operation["responses"].setdefault(str(status), refusals[status])
        return document

    app.openapi = openapi  # type: ignore[method-assign]


def _counting(url: str | None) -> Counting:
    """What counts: the server at ``url``, or without one this process."""
    if not url:
        return Memory()
    # Its client takes 22 MB, which a process that counts for itself does without.
    from app.partners.shared_counting import Shared

    return Shared(url)
