"""Hot answers before any routing: a pure ASGI layer, to be the outermost of the application."""

import asyncio
from collections.abc import Callable
from functools import partial
from time import monotonic

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.kit.cors import Readers
from app.kit.front_answer import NOTHING, Answer, Failure, Reply, asks
from app.kit.front_keys import Key, normalised
from app.kit.front_load import Load
from app.kit.front_store import Store
from app.kit.whole import WHOLE

log = structlog.get_logger(__name__)

Bypass = Callable[[Scope], bool]
"""Whether the application has to answer by itself: it has another form by ``Accept``, or ranges of a file."""

_RETRY_SECONDS = 1.0
_PATIENCE_SECONDS = 1.0
"""So long a load is waited for where the last answer is at hand, not known to be true any more."""


class Front:
    """Answers public GET and HEAD from memory; everything else goes to the application.

    An answer opts in by its headers (:func:`app.kit.front_terms.terms`) and is kept in ``store`` until
    its lifetime ends or one of its surrogate keys changes. The application is asked once for each, for
    the whole body without coding and conditions, however many wait.
    """

    def __init__(
        self,
        app: ASGIApp,
        store: Store,
        *,
        readers: Readers | None = None,
        show_keys: bool = False,
        bypass: Bypass | None = None,
        stale_if_error: float = 0,
    ) -> None:
        """
        :param readers: the websites whose pages may read; Starlette's ``CORSMiddleware`` stays inside for
            all that is not answered here.
        :param show_keys: leave ``Surrogate-Key`` and ``Cache-Tag`` in, for a cache in front of this one.
        :param stale_if_error: for how many seconds after an answer was last known to be true it is given,
            marked as stale, when the application fails.
        """
        self.app = app
        self.store = store
        self._hidden = frozenset() if show_keys else frozenset({b"surrogate-key", b"cache-tag"})
        self._readers = readers
        self._bypass = bypass
        self._stale_if_error = stale_if_error
        self._running: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        method = scope["method"]
        asked = asks(scope["headers"])
        answer = self.store.hot.get((scope["path"], scope["query_string"]))
        # What is at hand has been let in once: only another ``Accept`` can make it a matter of by-passing.
        if (method != "GET" and method != "HEAD") or (  # noqa: PLR1714 - it is the faster way
            self._bypass is not None and (answer is None or b"accept" in asked) and self._bypass(scope)
        ):
            await self.app(scope, receive, self._without_keys(send))
            return
        if answer is not None and monotonic() < answer.tick:
            reply: Reply = answer
        elif (found := await self._cold(scope, receive, self._without_keys(send))) is not None:
            reply = found
        else:
            return
        start, body, whole = reply.reply(asked)
        at_once = False
        if whole is not None and method == "GET" and WHOLE in scope.get("extensions", ()):
            start, at_once = whole, True
        if b"origin" in asked and self._readers is not None:
            start = self._readers.on(start, asked[b"origin"])
        await send(start)
        if not at_once:
            await send(body if method == "GET" else NOTHING)

    def _without_keys(self, send: Send) -> Send:
        """``send`` for what the application answers by itself: its keys are not for those who ask."""

        async def say(message: Message) -> None:
            if message["type"] == "http.response.start":
                shown = [header for header in message["headers"] if header[0].lower() not in self._hidden]
                message = {**message, "headers": shown}
            await send(message)

        return say if self._hidden else send

    async def _cold(self, scope: Scope, receive: Receive, send: Send) -> Reply | None:
        """A reply that is not at hand; None when the application has answered by itself."""
        path, query = scope["path"], scope["query_string"]
        key = normalised(path, query)
        if key is None or self.store.passes(key):
            await self.app(scope, receive, send)
            return None
        now = monotonic()
        if (fresh := self.store.fresh(key, (path, query), now)) is not None:
            return fresh
        last = self.store.last(key, now, self._stale_if_error)
        if last is not None and now < last.retry:
            return last.stale(now)
        return await self._shared(key, last, scope, receive, send)

    async def _shared(
        self, key: Key, last: Answer | None, scope: Scope, receive: Receive, send: Send
    ) -> Reply | None:
        """The outcome of a load that this request begins, or finds under way."""
        load = self.store.loads.get(key)
        # Whoever asks after a change is told of it, so a load from before the change is not joined.
        joins = load is not None and load.began == self.store.clock
        if load is None or not joins:
            load = self._start(key, scope, receive, send)
        reply = await self._outcome(load, last)
        if not joins and not load.outcome.done():
            load.leave()
        if joins and (reply is None or (load.private and isinstance(reply, Failure))):
            await self.app(scope, receive, send)
            return None
        if reply is None:
            await load.task
        return reply

    async def _outcome(self, load: Load, last: Answer | None) -> Reply | None:
        """What the load gave; ``last`` instead, if there is one, when it failed or takes too long."""
        try:
            async with asyncio.timeout(None if last is None else _PATIENCE_SECONDS):
                reply = await asyncio.shield(load.outcome)
        except Exception as error:
            if last is None:
                raise
            log.warning("load.failed", error=type(error).__name__)
        else:
            if last is None or not isinstance(reply, Failure):
                return reply
        # A load that hangs is not waited for again at once.
        last.retry = monotonic() + (_RETRY_SECONDS if load.outcome.done() else 5 * _PATIENCE_SECONDS)
        return last.stale(monotonic())

    def _start(self, key: Key, scope: Scope, receive: Receive, send: Send) -> Load:
        store = self.store
        load = Load(store.clock, store.biggest, self._hidden, partial(store.land, key))
        store.loads[key] = load
        task = load.start(self.app, scope, receive, send)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return load
