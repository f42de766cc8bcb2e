"""The address that WeChat calls: proves who calls, answers readers in time, takes reports in."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import structlog
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from app.kit.db import Database
from app.kit.problems import Problem
from app.wechat import wishes
from app.wechat.accounts import Account
from app.wechat.answering import Answering, Search
from app.wechat.crypto import Crypter, CryptoError, same, signature
from app.wechat.inbox import Inbox, ReplayError
from app.wechat.messages import Answer, Message, elements, envelope, parse, reply

WINDOW = 300
"""A request's time may differ from ours by so many seconds."""
PATIENCE = 3.0
"""Seconds for an answer. WeChat waits for five, and a second copy of a message waits for the first."""
NOTHING = b"success"
"""What tells WeChat that all is well and nothing is to be shown."""

_AWAY = (OperationalError, InterfaceError, PoolTimeoutError, TimeoutError, Problem)
_REPORTS = {"PUBLISHJOBFINISH", "MASSSENDJOBFINISH"}

log = structlog.get_logger(__name__)


class RefusedError(Exception):
    """Not for us, or not from WeChat; it says nothing of why."""


@dataclass(frozen=True, slots=True)
class _Opened:
    """A request that WeChat has made; ``key`` is that of its encryption, None for plain text."""

    message: Message
    seal: str
    key: int | None


@dataclass(frozen=True)
class Callback:
    """The callback of one account, which must have a token."""

    database: Database
    account: Account
    search: Search

    def handshake(self, query: Mapping[str, str]) -> str:
        """What WeChat wants to hear when the address is registered.

        :raises RefusedError: the signature is wrong.
        """
        self._prove(query)
        return query.get("echostr", "")

    async def receive(self, query: Mapping[str, str], body: bytes) -> bytes:
        """Answer a message or an event.

        :raises RefusedError: the request is not WeChat's.
        :raises MessageError: it holds no message.
        """
        opened = self._open(query, body)
        try:
            async with asyncio.timeout(PATIENCE + 1):
                answer = await self._answered(opened)
        except ReplayError:
            raise RefusedError from None
        except _AWAY as error:
            log.warning("wechat.answer-late", reason=type(error).__name__)
            answer = self._answering.late(opened.message.text) if opened.message.text else None
        if answer is None:
            return NOTHING
        return self._sealed(opened, reply(opened.message, answer, int(time.time())))

    def _prove(self, query: Mapping[str, str]) -> tuple[str, str]:
        """The request's time and nonce, once they are proven to be WeChat's."""
        timestamp, nonce = query.get("timestamp", ""), query.get("nonce", "")
        if not same(query.get("signature", ""), signature(self._token, timestamp, nonce)):
            raise RefusedError
        self._check_time(timestamp)
        return timestamp, nonce

    def _check_time(self, timestamp: str) -> None:
        digits = timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12
        if not digits or abs(time.time() - int(timestamp)) > WINDOW:
            raise RefusedError

    def _open(self, query: Mapping[str, str], body: bytes) -> _Opened:
        if query.get("encrypt_type", "raw") != "aes":
            if self.account.callback == "safe":
                raise RefusedError
            timestamp, nonce = self._prove(query)
            # The signature does not cover the body: each may be used by one message only.
            return _Opened(parse(body), f"{timestamp} {nonce}", None)
        if self._crypter is None:
            raise RefusedError
        encrypted = elements(body).findtext("Encrypt") or ""
        timestamp, nonce = query.get("timestamp", ""), query.get("nonce", "")
        expected = signature(self._token, timestamp, nonce, encrypted)
        if not same(query.get("msg_signature", ""), expected):
            raise RefusedError
        self._check_time(timestamp)
        try:
            message, key = self._crypter.decrypt(encrypted)
        except CryptoError:
            raise RefusedError from None
        return _Opened(parse(message), expected, key)

    def _sealed(self, opened: _Opened, answer: bytes) -> bytes:
        if opened.key is None or self._crypter is None:
            return answer
        encrypted = self._crypter.encrypt(answer, key=opened.key)
        timestamp, nonce = str(int(time.time())), opened.seal[:16]
        return envelope(encrypted, signature(self._token, timestamp, nonce, encrypted), timestamp, nonce)

    async def _answered(self, opened: _Opened) -> Answer | None:
        message = opened.message
        if message.event in _REPORTS:
            async with self.database.session() as session:
                await wishes.finished(session, self.account, message.report)
            return None
        if message.event.lower() == "unsubscribe":
            await self._inbox.forget_reader(message.reader)
            return None
        if message.kind == "event" and message.event.lower() not in {"subscribe", "click"}:
            return None
        if (known := await self._inbox.claim(message, opened.seal)) is not None:
            return known if known.text else None
        answer = await self._new(message) or Answer("")
        await self._inbox.keep(message, answer)
        return answer if answer.text else None

    async def _new(self, message: Message) -> Answer | None:
        try:
            async with asyncio.timeout(PATIENCE):
                return await self._composed(message)
        except _AWAY as error:
            log.warning("wechat.answer-late", reason=type(error).__name__)
            return self._answering.late(message.text)

    async def _composed(self, message: Message) -> Answer | None:
        match message.kind, message.event.lower():
            case "text", _:
                more = await self._inbox.more(message.reader) if message.text in {"更多", "more"} else None
                return await self._answering.text(message.text, more)
            case "event", "subscribe":
                return await self._answering.welcome()
            case "event", _:
                return await self._answering.clicked(message.event_key)
        return await self._answering.help()

    @cached_property
    def _token(self) -> str:
        return self.account.token.get_secret_value() if self.account.token else ""

    @cached_property
    def _crypter(self) -> Crypter | None:
        keys = [
            key.get_secret_value() for key in (self.account.aes_key, self.account.previous_aes_key) if key
        ]
        return Crypter(self.account.appid, keys) if keys and self.account.callback != "plain" else None

    @cached_property
    def _inbox(self) -> Inbox:
        return Inbox(self.database, self.account, self.account.secret.get_secret_value())

    @cached_property
    def _answering(self) -> Answering:
        return Answering(self.database, self.account, self.search)
