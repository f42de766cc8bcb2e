"""Clients and applications at their worst."""

import asyncio
import socket
from collections.abc import Awaitable, Callable

import httpx2
import pytest
from starlette.types import Receive, Scope, Send

from app.kit.cors import Readers
from app.kit.front import Front
from tests.kit.toy import BODY, PUBLIC, Clock, Toy, direct, listening, on_front, on_socket


def raw(
    test: Callable[[httpx2.AsyncClient, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
    front: Front,
) -> None:
    """Run a test with a client and, beside it, a connection for bytes that no client would send."""

    async def run() -> None:
        async with on_socket(front) as client:
            with socket.socket() as connection:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
                connection.connect(("127.0.0.1", client.base_url.port))
                reader, writer = await asyncio.open_connection(sock=connection, limit=4_096)
                try:
                    await test(client, reader, writer)
                finally:
                    writer.transport.abort()

    asyncio.run(run())


def test_a_url_of_a_megabyte_leaves_nothing_behind() -> None:
    store = listening()
    toy = Toy()

    async def test(
        client: httpx2.AsyncClient, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        writer.write(b"GET /a?q=" + b"x" * 1_000_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n")
        assert (await reader.readline()).startswith(b"HTTP/1.1 ")
        assert (store.count, store.size, store.loads, store.hot) == (0, 0, {}, {})
        assert (await client.get("/a")).content == BODY

    raw(test, Front(toy, store))


def test_a_flood_of_distinct_queries_is_bounded_and_leaves_the_hot_answer_alone(clock: Clock) -> None:
    store = listening(1_000_000)
    toy = Toy(headers={**PUBLIC, "Cache-Control": "public, max-age=3600"})
    front = Front(toy, store)

    async def run() -> None:
        for number in range(2_000):
            await direct(front, "/search", b"q=%d" % number)
            if number % 20 == 0:
                clock.now += 1
                await direct(front, "/hot", b"")
            assert store.size <= 1_000_000

    asyncio.run(run())
    assert [scope["path"] for scope in toy.seen].count("/hot") == 1
    assert len(toy.seen) == 2_001
    assert len(store.hot) <= store.count < 200
    assert len(store._holders) == 1
    assert store.loads == {}


def test_a_flood_of_refused_queries_is_bounded() -> None:
    store = listening()
    front = Front(Toy(status=422), store)

    async def run() -> None:
        for number in range(5_000):
            await direct(front, "/search", b"x=%d" % number)

    asyncio.run(run())
    assert (store.count, store.size, store.loads, store.hot) == (0, 0, {}, {})
    assert len(store._passing) <= 4_096


def test_a_client_that_does_not_read_keeps_nobody_waiting() -> None:
    body = b"x" * 500_000
    toy = Toy(body=body)

    async def test(client: httpx2.AsyncClient, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n" * 50)
        for _number in range(20):
            assert (await client.get("/a", timeout=10)).content == body
        assert len(toy.seen) == 1

    raw(test, Front(toy, listening()))


@pytest.mark.parametrize("policy", [PUBLIC, {}])
def test_a_line_break_in_what_an_application_repeats_starts_no_header(policy: dict[str, str]) -> None:
    async def careless(scope: Scope, _receive: Receive, send: Send) -> None:
        toy = Toy(headers={**policy, "Content-Location": scope["path"]})
        await toy(scope, _receive, send)

    store = listening()

    async def test(client: httpx2.AsyncClient) -> None:
        for target in ("/a%0d%0aSet-Cookie:%20a=b", "/a%0aSet-Cookie:%20a=b", "/a%00"):
            for _ in range(2):
                # uvicorn refuses to send such a header, and closes the connection.
                with pytest.raises(httpx2.RemoteProtocolError):
                    await client.get(target)
        assert store.count == 0
        assert (await client.get("/a")).headers["content-location"] == "/a"

    on_front(test, careless, store)


def test_a_line_break_in_a_request_reaches_no_answer() -> None:
    async def test(
        client: httpx2.AsyncClient, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await client.get("/a")
        writer.write(b"GET /a HTTP/1.1\r\nHost: a\r\nOrigin: https://a\rX: y\r\nConnection: close\r\n\r\n")
        answer = await reader.read(100_000)
        assert b"https://a" not in answer
        assert b"X: y" not in answer

    raw(test, Front(Toy(), listening(), readers=Readers(["https://a"])))


@pytest.mark.parametrize(
    "since",
    [
        "yesterday",
        "Thu, 32 Jun 2026 08:30:00 GMT",
        "Thu, 25 Jun 2026 25:61:61 GMT",
        "Thu, 25 Jun 0000 08:30:00 GMT",
        "Thu, 25 Jun 2026 08:30:00 +9999",
        "1782376200",
        "9" * 4_000,
        ",",
        "GMT",
        "\xe4\xbb\x8a",
    ],
)
def test_a_malformed_date_is_no_condition(since: str) -> None:
    async def test(client: httpx2.AsyncClient) -> None:
        for _ in range(2):
            answer = await client.get("/a", headers={b"If-Modified-Since": since.encode("latin-1")})
            assert (answer.status_code, answer.content) == (200, BODY)

    on_front(test, Toy())


def test_other_protocols_go_straight_through() -> None:
    seen: list[str] = []

    async def app(scope: Scope, _receive: Receive, _send: Send) -> None:
        seen.append(scope["type"])

    async def run() -> None:
        for kind in ("lifespan", "websocket"):
            await Front(app, listening())({"type": kind}, None, None)  # type: ignore[arg-type]

    asyncio.run(run())
    assert seen == ["lifespan", "websocket"]
