"""One call to WeChat: the token, the errors, what may be repeated, and nothing secret in any text."""

import asyncio
import json
import logging
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2

from app.wechat.accounts import Account
from app.wechat.errors import STALE, BusyError, UnknownOutcomeError, UnreachableError, error, redacted
from app.wechat.tokens import Fetched, Tokens

TRIES = 3
"""A call that may be repeated is tried so often in all."""
WAIT = 0.3
"""Seconds before the second try; twice as long before the next."""

_NEVER_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.UnsupportedProtocol)


@dataclass(frozen=True, slots=True)
class Call:
    """A request. ``repeatable`` when doing it twice is the same as doing it once."""

    path: str
    body: Mapping[str, Any] | None = None
    params: Mapping[str, str] = field(default_factory=dict)
    file: tuple[str, bytes] | None = None
    repeatable: bool = False
    patience: float | None = None

    def request(self, http: httpx2.AsyncClient, base: str, token: str | None) -> httpx2.Request:
        params = {**({"access_token": token} if token else {}), **self.params}
        url = f"{base.rstrip('/')}/cgi-bin/{self.path}"
        timeout = httpx2.USE_CLIENT_DEFAULT if self.patience is None else httpx2.Timeout(self.patience)
        if self.file:
            name, content = self.file
            files = {"media": (name, content, f"image/{name.rpartition('.')[2]}")}
            return http.build_request("POST", url, params=params, files=files, timeout=timeout)
        if self.body is None:
            return http.build_request("GET", url, params=params, timeout=timeout)
        # Raw UTF-8: WeChat shows \uXXXX as it stands.
        content = json.dumps(self.body, ensure_ascii=False).encode()
        headers = {"Content-Type": "application/json; charset=utf-8"}
        return http.build_request(
            "POST", url, params=params, content=content, headers=headers, timeout=timeout
        )


@asynccontextmanager
async def pooled() -> AsyncIterator[httpx2.AsyncClient]:
    """An HTTP client that keeps its connections, and whose log names no token."""
    for name in ("httpx2", "httpcore2"):
        logger = logging.getLogger(name)
        if _without_secrets not in logger.filters:
            logger.addFilter(_without_secrets)
    timeout = httpx2.Timeout(20, connect=5)
    limits = httpx2.Limits(max_connections=20, max_keepalive_connections=10, keepalive_expiry=10)
    async with httpx2.AsyncClient(
        timeout=timeout, limits=limits, trust_env=False, verify=ssl.create_default_context()
    ) as http:
        yield http


@dataclass(frozen=True, slots=True)
class Transport:
    """Sends calls for one account."""

    account: Account
    http: httpx2.AsyncClient

    async def send(self, call: Call, tokens: Tokens) -> dict[str, Any]:
        """WeChat's answer.

        :raises WechatError: by class, what happened (:mod:`app.wechat.errors`).
        """
        token = await tokens.current()
        answer = await self._tried(call, token)
        if answer.get("errcode") in STALE:  # Refused before anything was done, so it may be sent again.
            token = await tokens.instead_of(token)
            answer = await self._tried(call, token)
        return self._checked(call, answer, token)

    async def token(self, *, force: bool) -> Fetched:
        """A new access token, or in normal mode the living one."""
        secret = self.account.secret.get_secret_value()
        body = {
            "grant_type": "client_credential",
            "appid": self.account.appid,
            "secret": secret,
            "force_refresh": force,
        }
        call = Call("stable_token", body, repeatable=not force, patience=5)
        answer = await self._tried(call, None)
        if answer.get("errcode") == 40001:  # Here it means the secret.
            answer["errcode"] = 40125
        checked = self._checked(call, answer, secret)
        return Fetched(str(checked["access_token"]), int(checked["expires_in"]))

    def _checked(self, call: Call, answer: dict[str, Any], secret: str) -> dict[str, Any]:
        code = answer.get("errcode", 0)
        if code == 0:
            return answer
        failure = error(call.path, int(code), redacted(str(answer.get("errmsg", "")), secret))
        if isinstance(failure, BusyError) and not call.repeatable:
            raise UnknownOutcomeError(call.path, failure.code, failure.detail)
        failure.answer = answer
        raise failure

    async def _tried(self, call: Call, token: str | None) -> dict[str, Any]:
        tries = TRIES if call.repeatable else 1
        for attempt in range(1, tries + 1):
            try:
                answer = await self._once(call, token)
                if attempt == tries or answer.get("errcode") != -1:
                    return answer
            except (UnreachableError, UnknownOutcomeError):
                if attempt == tries:
                    raise
            await asyncio.sleep(WAIT * 2 ** (attempt - 1))
        raise AssertionError("the last try returns or raises")

    async def _once(self, call: Call, token: str | None) -> dict[str, Any]:
        try:
            response = await self.http.send(call.request(self.http, self.account.api, token))
        except _NEVER_SENT as failed:
            raise UnreachableError(call.path, detail=type(failed).__name__) from None
        except httpx2.HTTPError as failed:
            raise UnknownOutcomeError(call.path, detail=type(failed).__name__) from None
        try:
            # uploadimg answers JSON as text/plain.
            answer = json.loads(response.content)
        except ValueError:
            answer = None
        if not isinstance(answer, dict) or response.status_code >= 500:
            raise UnknownOutcomeError(call.path, detail=f"HTTP {response.status_code}")
        return answer


def _without_secrets(record: logging.LogRecord) -> bool:
    record.msg, record.args = redacted(record.getMessage()), None
    return True
