"""One run of the application for everybody who waits for the same answer."""

import asyncio
from collections.abc import Callable
from time import monotonic

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.kit.caching import READY
from app.kit.front_answer import Answer, Failure, Reply
from app.kit.front_terms import terms

log = structlog.get_logger(__name__)

# One answer serves all, so it must be whole: choosing between its forms is the front's work, and a body
# of a GET means nothing.
_OF_ONE = frozenset(
    {
        b"accept-encoding",
        b"content-length",
        b"if-match",
        b"if-modified-since",
        b"if-none-match",
        b"if-range",
        b"if-unmodified-since",
        b"range",
        b"transfer-encoding",
    }
)
_CREDENTIALS = frozenset({b"authorization", b"cookie"})


class Load:
    """A GET, in the application, for all who wait for one key.

    ``outcome`` becomes their reply; or None when the answer is not for all: then it goes straight to
    the one whose request was taken, and the others have to ask for themselves. ``began`` is the clock
    of the store at its start, ``private`` says that the request had credentials.
    """

    def __init__(
        self, began: int, biggest: int, hidden: frozenset[bytes], landed: Callable[["Load"], None]
    ) -> None:
        """
        :param biggest: the longest body to keep for all, in bytes.
        :param hidden: headers that are left out when the answer is for all.
        :param landed: called when the outcome is known, before anybody who waits for it goes on.
        """
        self.began = began
        self.outcome: asyncio.Future[Reply | None] = asyncio.get_running_loop().create_future()
        self._biggest = biggest
        self._hidden = hidden
        self._landed = landed
        self._ready: dict[str, bytes] = {}
        self._chunks: list[bytes] = []
        self._length = 0
        self._asked = False
        self._relaying = asyncio.Event()

    def start(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> "asyncio.Task[None]":
        """Run the application for the request of the first who asks."""
        self._receive, self._send = receive, send
        self._head = scope["method"] == "HEAD"
        self.private = any(name in _CREDENTIALS for name, _ in scope["headers"])
        whole = {
            **scope,
            "method": "GET",
            "headers": [header for header in scope["headers"] if header[0] not in _OF_ONE],
            "extensions": {READY: self._ready},
        }
        self.task = asyncio.create_task(self._run(app, whole))
        return self.task

    def leave(self) -> None:
        """The one whose request was taken has been answered in another way."""

        async def gone() -> Message:
            return {"type": "http.disconnect"}

        async def nobody(message: Message) -> None: ...

        self._receive, self._send = gone, nobody

    async def _run(self, app: ASGIApp, scope: Scope) -> None:
        error: Exception = RuntimeError("The application did not complete its answer.")
        try:
            await app(scope, self._give, self._take)
        except Exception as raised:
            if self._relaying.is_set():
                raise
            if self.outcome.done():  # Everybody has an answer: nobody is left to raise it to.
                log.exception("load.failed", path=scope["path"])
            error = raised
        finally:
            if not self.outcome.done():
                self.outcome.set_exception(error)
                self._landed(self)

    async def _give(self) -> Message:
        """``receive`` of the application: that a client leaves matters only if the answer is for it alone."""
        if self._asked:
            await self._relaying.wait()
            return await self._receive()
        self._asked = True
        return {"type": "http.request", "body": b"", "more_body": False}

    async def _take(self, message: Message) -> None:
        """``send`` of the application."""
        if self._relaying.is_set():
            await self._relay(message)
        elif message["type"] == "http.response.start":
            self._start, self._now = message, monotonic()
            self._headers = [(name.lower(), value) for name, value in message.get("headers", ())]
            self._terms = terms(message["status"], self._headers)
            if self._terms is None and message["status"] < 500:
                await self._let_go()
        elif message["type"] == "http.response.body":
            self._chunks.append(message.get("body", b""))
            self._length += len(self._chunks[-1])
            more = message.get("more_body", False)
            if self._length > self._biggest:
                await self._let_go()
                await self._relay({**message, "body": b"".join(self._chunks)})
            elif not more:
                self._land(self._reply())

    def _reply(self) -> Reply:
        # Which origin may read it is said to each one anew.
        headers = [
            (name, value)
            for name, value in self._headers
            if name not in self._hidden and not name.startswith(b"access-control-")
        ]
        body = b"".join(self._chunks)
        if self._terms is None:
            return Failure({**self._start, "headers": headers}, body)
        return Answer(
            self._start["status"],
            headers,
            body,
            keys=self._terms.keys,
            lifetime=self._terms.lifetime,
            now=self._now,
            ready=self._ready,
        )

    async def _let_go(self) -> None:
        self._relaying.set()
        self._land(None)
        await self._send(self._start)

    async def _relay(self, message: Message) -> None:
        body_of_head = self._head and message["type"] == "http.response.body"
        await self._send({**message, "body": b""} if body_of_head else message)

    def _land(self, reply: Reply | None) -> None:
        self.outcome.set_result(reply)
        self._landed(self)
