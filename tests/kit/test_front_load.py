import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from starlette.responses import StreamingResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.kit.front import Front
from tests.kit.toy import BODY, PUBLIC, Arrivals, Toy, direct, listening, on_front, until

PRIVATE = {**PUBLIC, "Cache-Control": "private"}


def asking(client: httpx2.AsyncClient, count: int, **options: Any) -> list[asyncio.Task[httpx2.Response]]:
    return [asyncio.create_task(client.get("/a", **options)) for _ in range(count)]


def test_the_application_is_asked_once_however_many_wait() -> None:
    opened, arrivals = asyncio.Event(), Arrivals()
    toy = Toy(wait=opened.wait)

    async def test(client: httpx2.AsyncClient) -> None:
        waiting = asking(client, 25) + asking(client, 25, headers={"Accept-Encoding": "gzip"})
        await until(lambda: arrivals.count == 50)
        opened.set()
        answers = await asyncio.gather(*waiting)
        assert {answer.content for answer in answers} == {BODY}
        assert len(toy.seen) == 1

    on_front(test, toy, arrivals=arrivals)


@pytest.mark.parametrize("leaving", [0, 1])
def test_a_client_that_goes_away_takes_the_answer_from_nobody(leaving: int) -> None:
    opened, arrivals = asyncio.Event(), Arrivals()
    toy = Toy(wait=opened.wait)

    async def test(client: httpx2.AsyncClient) -> None:
        waiting = asking(client, 1)
        await until(lambda: toy.seen)
        waiting += asking(client, 2)
        await until(lambda: arrivals.count == 3)
        waiting[leaving].cancel()
        await asyncio.wait(waiting[leaving : leaving + 1])
        opened.set()
        del waiting[leaving]
        assert {answer.content for answer in await asyncio.gather(*waiting)} == {BODY}
        assert len(toy.seen) == 1

    on_front(test, toy, arrivals=arrivals)


def test_a_request_that_the_server_cancels_does_not_cancel_the_load() -> None:
    async def run() -> None:
        opened = asyncio.Event()
        toy = Toy(wait=opened.wait)
        front = Front(toy, listening())
        scope: Scope = {"type": "http", "method": "GET", "path": "/a", "query_string": b"", "headers": []}
        sent: list[Message] = []

        async def receive() -> Message:
            raise AssertionError

        async def send(message: Message) -> None:
            sent.append(message)

        first = asyncio.create_task(front(scope, receive, send))
        second = asyncio.create_task(front(scope, receive, send))
        await until(lambda: toy.seen)
        first.cancel()
        await asyncio.wait([first])
        opened.set()
        await second
        assert [message.get("body") for message in sent] == [None, BODY]
        assert len(toy.seen) == 1

    asyncio.run(run())


def test_what_is_for_one_client_is_given_to_no_other() -> None:
    opened, arrivals = asyncio.Event(), Arrivals()
    toy = Toy(headers=PRIVATE, body=lambda scope: dict(scope["headers"])[b"authorization"], wait=opened.wait)

    async def test(client: httpx2.AsyncClient) -> None:
        names = [f"reader-{number}" for number in range(5)]
        waiting = [task for name in names for task in asking(client, 1, headers={"Authorization": name})]
        await until(lambda: arrivals.count == 5)
        opened.set()
        assert [answer.text for answer in await asyncio.gather(*waiting)] == names
        assert len(toy.seen) == 5

    on_front(test, toy, arrivals=arrivals)


def test_a_change_during_a_load_keeps_its_answer_out_and_later_readers_do_not_join_it() -> None:
    """The answer of a load is made before it waits, as a query is before its result arrives."""
    store, arrivals, gates = listening(), Arrivals(), [asyncio.Event(), asyncio.Event()]
    toy = Toy(body=lambda _: b"version %d" % store.clock)

    async def own_gate() -> None:
        await gates[len(toy.seen) - 1].wait()

    toy.wait = own_gate
    old, new = b"version 1", b"version 2"

    async def test(client: httpx2.AsyncClient) -> None:
        before = asking(client, 2)
        await until(lambda: len(toy.seen) == 1 and arrivals.count == 2)
        store.drop(["thing"])
        after = asking(client, 2)
        await until(lambda: len(toy.seen) == 2 and arrivals.count == 4)
        gates[1].set()
        assert {answer.content for answer in await asyncio.gather(*after)} == {new}
        gates[0].set()
        assert {answer.content for answer in await asyncio.gather(*before)} == {old}
        assert (await client.get("/a")).content == new, "the older load ended last, and is not kept"
        assert len(toy.seen) == 2

    on_front(test, toy, store, arrivals=arrivals)


def test_after_a_private_answer_the_next_requests_reach_the_application_as_they_are() -> None:
    toy = Toy(headers=PRIVATE)

    async def test(client: httpx2.AsyncClient) -> None:
        await client.get("/a")
        await client.head("/a", headers={"Accept-Encoding": "gzip", "If-None-Match": '"x"'})
        assert toy.seen[-1]["method"] == "HEAD"
        seen = toy.headers_seen()
        assert (seen[b"accept-encoding"], seen[b"if-none-match"]) == (b"gzip", b'"x"')

    on_front(test, toy)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_private_answer_is_relayed_with_all_it_has(method: str) -> None:
    toy = Toy(status=403, headers={"X-Own": "1", "Surrogate-Key": "a"}, chunks=7)

    async def test(client: httpx2.AsyncClient) -> None:
        answer = await client.request(method, "/a")
        assert (answer.status_code, answer.headers["x-own"], answer.headers["surrogate-key"]) == (
            403,
            "1",
            "a",
        )
        assert answer.content == (BODY if method == "GET" else b"")

    on_front(test, toy, show_keys=True)


def test_a_private_answer_is_whole_when_the_request_is_over() -> None:
    async def slow(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(10):
            await asyncio.sleep(0)
        await send({"type": "http.response.body", "body": b"end"})

    sent = asyncio.run(direct(Front(slow, listening()), "/a"))
    assert [message.get("body") for message in sent] == [None, b"end"]


def test_a_private_stream_arrives_as_it_is_made_and_ends_when_its_client_leaves() -> None:
    ended = asyncio.Event()

    async def ticks() -> AsyncIterator[bytes]:
        try:
            yield b"first"
            await asyncio.Event().wait()
        finally:
            ended.set()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await StreamingResponse(ticks())(scope, receive, send)

    async def test(client: httpx2.AsyncClient) -> None:
        async with client.stream("GET", "/a") as answer:
            async for chunk in answer.aiter_bytes():
                assert chunk == b"first"
                break
        async with asyncio.timeout(10):
            await ended.wait()

    on_front(test, app)


def test_an_answer_that_is_too_big_is_relayed_and_not_kept() -> None:
    store = listening(1_000_000)
    body = b"x" * (store.biggest + 1)
    toy = Toy(body=body, chunks=5)

    async def test(client: httpx2.AsyncClient) -> None:
        for _ in range(2):
            assert (await client.get("/a")).content == body
        assert (len(toy.seen), store.count) == (2, 0)
        toy.body = body[1:]
        await client.get("/b")
        assert store.count == 1

    on_front(test, toy, store)


@pytest.mark.parametrize("error", [None, ZeroDivisionError()])
def test_a_failure_is_shared_by_those_who_wait_and_then_tried_again(error: Exception | None) -> None:
    opened, arrivals = asyncio.Event(), Arrivals()
    toy = Toy(status=503, headers={"Retry-After": "2"}, wait=opened.wait, error=error)

    async def test(client: httpx2.AsyncClient) -> None:
        waiting = asking(client, 20)
        await until(lambda: arrivals.count == 20)
        opened.set()
        answers = await asyncio.gather(*waiting)
        assert {(answer.status_code, answer.headers["retry-after"]) for answer in answers} == {(503, "2")}
        assert len(toy.seen) == 1
        toy.status, toy.headers, toy.error = 200, PUBLIC, None
        assert (await client.get("/a")).status_code == 200

    on_front(test, toy, arrivals=arrivals)


def test_a_failure_before_somebody_with_credentials_is_not_shared() -> None:
    opened, arrivals = asyncio.Event(), Arrivals()
    toy = Toy(status=500, headers={}, wait=opened.wait)

    async def test(client: httpx2.AsyncClient) -> None:
        waiting = asking(client, 3, headers={"Authorization": "x"})
        await until(lambda: arrivals.count == 3)
        opened.set()
        await asyncio.gather(*waiting)
        assert len(toy.seen) == 3

    on_front(test, toy, arrivals=arrivals)


async def raises(_scope: Scope, _receive: Receive, _send: Send) -> None:
    raise ZeroDivisionError


async def is_cancelled(_scope: Scope, _receive: Receive, _send: Send) -> None:
    raise asyncio.CancelledError


async def says_nothing(_scope: Scope, _receive: Receive, _send: Send) -> None:
    pass


@pytest.mark.parametrize("app", [raises, is_cancelled, says_nothing])
def test_an_application_that_gives_no_answer_is_an_error_of_the_server(app: ASGIApp) -> None:
    async def test(client: httpx2.AsyncClient) -> None:
        for _ in range(2):
            assert (await client.get("/a")).status_code == 500

    on_front(test, app)
