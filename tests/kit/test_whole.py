import asyncio
import re
import socket
import threading
from collections.abc import Iterator

import pytest
from starlette.types import Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.kit.front import Front
from app.kit.http import HttpProtocol
from app.kit.whole import WHOLE, whole
from tests.kit.toy import BODY, ETAG, Toy, listening
from tests.kit.wire import served, told

GET = b"GET /thing HTTP/1.1\r\nHost: x\r\n"
LARGE = 20_000_000


@pytest.fixture(scope="module")
def ports() -> Iterator[tuple[int, int]]:
    """A front on our server, and one on uvicorn as it comes."""
    with served(front()) as ours, served(front(), HttpToolsProtocol) as plain:
        yield ours, plain


def front() -> Front:
    return Front(Toy(), listening())


def parts(said: bytes) -> tuple[bytes, set[bytes], bytes]:
    """Status line, headers without those that tell the time, and body."""
    head, _, body = said.partition(b"\r\n\r\n")
    status, *headers = head.split(b"\r\n")
    return status, {header for header in headers if not header.startswith((b"date:", b"age:"))}, body


@pytest.mark.parametrize(
    "request_",
    [
        GET + b"Connection: close\r\n\r\n",
        GET + b"Connection: close\r\nAccept-Encoding: gzip\r\n\r\n",
        GET + b"Connection: close\r\nIf-None-Match: " + ETAG.encode() + b"\r\n\r\n",
        GET + b"Connection: close\r\nExpect: 100-continue\r\n\r\n",
        b"GET /thing HTTP/1.0\r\n\r\n",
        b"HEAD /thing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    ],
    ids=["plain", "gzip", "304", "expect", "HTTP/1.0", "HEAD"],
)
def test_what_is_sent_at_once_is_what_two_messages_would_say(ports: tuple[int, int], request_: bytes) -> None:
    for port in ports:  # Once more, so that what is at hand is compared.
        told(port, request_)
    ours, plain = (told(port, request_) for port in ports)
    assert parts(ours) == parts(plain)
    for said in (ours, plain):
        assert len(re.findall(rb"\r\ndate: ", said)) == len(re.findall(rb"\r\nage: ", said)) == 1


def test_pipelined_requests_get_their_answers_in_turn(ports: tuple[int, int]) -> None:
    asked = (
        (GET + b"\r\n") * 200 + GET + b"If-None-Match: " + ETAG.encode() + b"\r\nConnection: close\r\n\r\n"
    )
    said = told(ports[0], asked)
    assert said.count(b"HTTP/1.1 200") == said.count(BODY) == 200
    assert b"HTTP/1.1 304" in said.rpartition(BODY)[2]


async def large(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001
    body = b"a" * LARGE
    await send(whole(200, [(b"content-length", b"%d" % len(body))], body))


def test_a_slow_client_gets_all_of_it_and_one_answer_waits_for_it_at_a_time() -> None:
    begun, sent = [], []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        begun.append(scope["path"])
        await large(scope, receive, send)
        sent.append(scope["path"])

    with served(app) as port, socket.create_connection(("127.0.0.1", port), 20) as client:
        client.sendall((GET + b"\r\n") + GET + b"Connection: close\r\n\r\n")
        said = client.recv(1)
        while len(begun) < 2:
            told(port, b"nonsense\r\n\r\n")
        assert len(sent) == 1
        size = len(said)
        while data := client.recv(1_000_000):
            size += len(data)
    assert size > 2 * LARGE


def test_nothing_is_sent_to_a_client_that_has_gone() -> None:
    ended: list[BaseException | None] = []
    over = threading.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        try:
            await large(scope, receive, send)
            ended.append(None)
        except BaseException as error:
            ended.append(error)
            raise
        finally:
            over.set()

    with served(app) as port:
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(GET + b"\r\n")
        assert over.wait(20)
    assert ended == [None]


@pytest.mark.parametrize("begun", [False, True])
def test_an_answer_after_another_ends_the_connection(begun: bool) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001
        first = whole(200, [(b"content-length", b"2")], b"ok")
        if begun:
            first = {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]}
        await send(first)
        await send(whole(200, [(b"content-length", b"6")], b"second"))

    with served(app) as port:
        said = told(port, GET + b"\r\n")
    assert said.count(b"HTTP/1.1 200") == 1
    assert b"second" not in said


@pytest.mark.parametrize("waits", [False, True])
def test_after_a_whole_answer_nothing_more_comes_from_the_client(waits: bool) -> None:
    came: list[Message] = []
    over = threading.Event()

    async def listen(receive: Receive) -> None:
        came.append(await receive())
        over.set()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001
        listening = asyncio.create_task(listen(receive))
        if waits:
            await asyncio.sleep(0)
        await send(whole(200, [(b"content-length", b"2")], b"ok"))
        await listening

    with served(app) as port, socket.create_connection(("127.0.0.1", port), 20) as client:
        client.sendall(GET + b"Expect: 100-continue\r\nContent-Length: 5\r\n\r\n")
        assert over.wait(20)
        assert came == [{"type": "http.disconnect"}]
        client.sendall(b"12345" + GET + b"Connection: close\r\n\r\n")
        said = b"".join(iter(lambda: client.recv(65_536), b""))
    assert said.count(b"100 Continue") == waits
    assert said.count(b"HTTP/1.1 200") == 2


def test_the_date_goes_on(ports: tuple[int, int]) -> None:
    def date() -> bytes:
        said = told(ports[0], GET + b"Connection: close\r\n\r\n")
        found = re.search(rb"\r\ndate: (.*)\r\n", said)
        assert found
        return found[1]

    first, asked = date(), 0
    while date() == first:
        asked += 1
        assert asked < 100_000


def test_only_a_server_that_can_do_it_says_so() -> None:
    seen: list[bool] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001
        seen.append(WHOLE in scope.get("extensions", {}))
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})
        await asyncio.sleep(0)

    for protocol in (HttpProtocol, HttpToolsProtocol):
        with served(app, protocol) as port:
            told(port, GET + b"Connection: close\r\n\r\n")
    assert seen == [True, False]
