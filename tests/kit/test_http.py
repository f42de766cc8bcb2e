import asyncio
import json
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from app.kit.http import MAX_HEAD, HttpProtocol
from tests.kit.wire import served, told

OK = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
LARGE = 3_000_000


async def count(scope: Any, receive: Any, send: Any) -> None:
    """Answers with the number of bytes in the body, a moment later."""
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        size, more = size + len(message["body"]), message["more_body"]
    await asyncio.sleep(0)
    body = b"%s:%d" % (scope["path"].encode(), size)
    await send(
        {
            "type": "http.response.start",
            "status": 200,
            "headers": [(b"content-length", b"%d" % len(body))],
        }
    )
    await send({"type": "http.response.body", "body": body})


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """The port of a server with the protocol and an application that counts."""
    with served(count) as port:
        yield port


def problem(said: bytes) -> dict[str, Any]:
    head, _, body = said.partition(b"\r\n\r\n")
    lines = head.lower().split(b"\r\n")
    assert b"content-type: application/problem+json" in lines
    assert b"content-length: %d" % len(body) in lines
    assert b"connection: close" in lines
    loaded = json.loads(body)
    assert int(head.split()[1]) == loaded["status"]
    assert isinstance(loaded, dict)
    return loaded


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        ("GET /v1/search?q=数据要素 HTTP/1.1\r\nHost: x\r\n\r\n".encode(), "percent-encode"),
        (b"GET http:// HTTP/1.1\r\nHost: x\r\n\r\n", "address"),
        (b"BREW / HTTP/1.1\r\nHost: x\r\n\r\n", "method is unknown"),
        (b"\x16\x03\x01\x02\x00\x01", "TLS"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX y: 1\r\n\r\n", "Invalid header token"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n", "chunk size"),
    ],
    ids=["raw UTF-8", "no address", "BREW", "TLS", "header", "chunk"],
)
def test_what_is_not_http_is_a_problem_that_says_where(port: int, sent: bytes, reason: str) -> None:
    found = problem(told(port, sent))
    assert (found["status"], found["type"]) == (400, "/problems/malformed-request")
    assert reason in found["detail"]


@pytest.mark.parametrize(
    "begin",
    [
        b"GET / HTTP/1.1\r\nX: ",
        b"GET /",
        b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 20_000,
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX: ",
    ],
    ids=["header", "address", "headers", "trailer"],
)
def test_endless_head_is_refused_while_it_comes(port: int, begin: bytes) -> None:
    found = problem(told(port, begin, *[b"a" * 65_536] * 16))
    assert (found["status"], found["type"]) == (431, "/problems/head-too-large")


def test_head_below_the_limit_passes_in_pieces(port: int) -> None:
    head = b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * (MAX_HEAD - 1_000) + b"\r\n\r\n"
    pieces = [head[at : at + 5_000] for at in range(0, len(head), 5_000)]
    assert told(port, *pieces, until=b"/:0").startswith(b"HTTP/1.1 200")


def test_pipelined_requests_are_all_answered(port: int) -> None:
    sent = b"".join(b"GET /%d HTTP/1.1\r\nHost: x\r\n\r\n" % number for number in range(5_000))
    assert len(sent) > MAX_HEAD
    assert told(port, sent, until=b"/4999:0").count(b"HTTP/1.1 200") == 5_000


def flood(client: socket.socket) -> None:
    """Send requests until nobody takes any more."""
    while True:
        client.sendall(b"GET / HTTP/1.1\r\n\r\n" * 5_000)


def test_pipelined_requests_beyond_the_first_ones_wait_as_bytes() -> None:
    made, going_on = [], threading.Event()

    class Counting(HttpProtocol):
        def on_headers_complete(self) -> None:
            made.append(self.url)
            super().on_headers_complete()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.to_thread(going_on.wait)
        await count(scope, receive, send)

    with served(app, Counting) as port:
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.settimeout(0.5)
            with pytest.raises(TimeoutError):
                flood(client)
            assert 1 <= len(made) < 500
        going_on.set()


def test_a_flood_that_ends_in_garbage_or_in_nothing_leaves_no_error(
    port: int, caplog: pytest.LogCaptureFixture
) -> None:
    for end in (b"", b"garbage\r\n\r\n", OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")):
        for _ in range(20):
            with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
                client.sendall(OK * 500 + end + OK * 1_000)
    assert told(port, OK, until=b"/:0")
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


@pytest.mark.parametrize("chunked", [False, True])
def test_large_bodies_pass_and_so_does_what_follows(port: int, chunked: bool) -> None:
    if chunked:
        body = b"%x\r\n%b\r\n0\r\n\r\n" % (LARGE, b"a" * LARGE)
        head = b"POST /up HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    else:
        body = b"a" * LARGE
        head = b"POST /up HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % LARGE
    said = told(port, head + body + OK, until=b"/:0")
    assert b"/up:%d" % LARGE in said
    assert said.count(b"HTTP/1.1 200") == 2


def test_answer_that_is_due_comes_before_the_end_of_the_connection(port: int) -> None:
    said = told(port, OK + b"garbage\r\n\r\n")
    assert said.startswith(b"HTTP/1.1 200")
    assert said.endswith(b"/:0")
