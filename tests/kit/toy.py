"""A toy application behind the front, on a real socket."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2
import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.kit.front import Front
from app.kit.front_store import Store
from app.kit.http import HttpProtocol

ETAG = '"v1"'
MODIFIED = "Thu, 25 Jun 2026 08:30:00 GMT"
PUBLIC: Mapping[str, str] = {
    "Content-Type": "application/json",
    "Cache-Control": "public, max-age=60",
    "Surrogate-Key": "thing",
    "Vary": "Accept-Encoding",
    "ETag": ETAG,
    "Last-Modified": MODIFIED,
}
BODY = b'{"text": "' + "新质生产力".encode() * 400 + b'"}'


class Clock:
    """Monotonic seconds that pass only when a test says so."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Toy:
    """Answers every path with ``body``; ``seen`` are the scopes of the requests that reached it.

    ``wait`` is awaited before each answer, ``ready`` is offered as finished codings.
    """

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=lambda: PUBLIC)
    body: bytes | Callable[[Scope], bytes] = BODY
    chunks: int = 1
    error: Exception | None = None
    ready: Mapping[str, bytes] = field(default_factory=dict)
    wait: Callable[[], Awaitable[Any]] | None = None
    seen: list[Scope] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        self.seen.append(scope)
        body = self.body if isinstance(self.body, bytes) else self.body(scope)
        status, headers, error = self.status, self.headers, self.error
        if self.wait is not None:
            await self.wait()
        if status == 0:
            raise error or RuntimeError
        scope.get("extensions", {}).get("nqpf.ready", {}).update(self.ready)
        lines = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": status, "headers": lines})
        size = -(-len(body) // self.chunks) or 1
        for start in range(0, size * self.chunks, size):
            more = start + size < size * self.chunks
            part = body[start : start + size]
            await send({"type": "http.response.body", "body": part, "more_body": more})
        if error is not None:
            raise error

    def headers_seen(self) -> dict[bytes, bytes]:
        """The headers of the last request that reached it."""
        return dict(self.seen[-1]["headers"])


@dataclass
class Arrivals:
    """Counts the requests that have come."""

    count: int = 0

    def before(self, app: ASGIApp) -> ASGIApp:
        """``app``, whose requests are counted before it sees them."""

        async def counting(scope: Scope, receive: Receive, send: Send) -> None:
            self.count += 1
            await app(scope, receive, send)

        return counting


async def until(condition: Callable[[], object]) -> None:
    """Let everything else run until the condition holds."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - whatever makes it true
            await asyncio.sleep(0.001)


def listening(capacity: int = 10_000_000) -> Store:
    """A store that hears of every change: the test tells it."""
    store = Store(capacity)
    store.listen()
    return store


@asynccontextmanager
async def on_socket(app: ASGIApp) -> AsyncIterator[httpx2.AsyncClient]:
    """The application on our server in the running loop, and a client of it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(
            app,
            http=HttpProtocol,
            log_config=None,
            access_log=False,
            lifespan="off",
            interface="asgi3",
            timeout_graceful_shutdown=1,
        )
        server = uvicorn.Server(config)
        running = asyncio.create_task(server.serve([listener]))
        base = f"http://127.0.0.1:{listener.getsockname()[1]}"
        try:
            async with httpx2.AsyncClient(
                base_url=base, timeout=20, headers={"Accept-Encoding": "identity"}, verify=False
            ) as client:
                yield client
        finally:
            server.should_exit = True
            await running


def on_front(
    test: Callable[[httpx2.AsyncClient], Awaitable[None]],
    app: ASGIApp,
    store: Store | None = None,
    arrivals: Arrivals | None = None,
    **options: Any,
) -> None:
    """Run a test on the application behind a front."""
    front = Front(app, listening() if store is None else store, **options)

    async def run() -> None:
        async with on_socket(arrivals.before(front) if arrivals else front) as client:
            await test(client)

    asyncio.run(run())


async def direct(app: ASGIApp, path: str, query: bytes = b"", method: str = "GET") -> list[Message]:
    """The messages of the answer to a request that no server passes on."""
    sent: list[Message] = []

    async def receive() -> Message:
        raise AssertionError

    async def send(message: Message) -> None:
        sent.append(message)

    headers = [(b"accept-encoding", b"gzip")]
    scope = {"type": "http", "method": method, "path": path, "query_string": query, "headers": headers}
    await app(scope, receive, send)
    return sent
