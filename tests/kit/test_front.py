import asyncio
import gzip
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from starlette.middleware.cors import CORSMiddleware

from app.kit.cors import Readers
from app.kit.front import Bypass, Front
from tests.kit.toy import BODY, ETAG, MODIFIED, PUBLIC, Clock, Toy, direct, listening, on_front

SITE = "https://www.example.org"


def test_the_second_request_is_answered_from_memory() -> None:
    toy = Toy()

    async def test(client: httpx2.AsyncClient) -> None:
        first, second = [await client.get("/a?x=1") for _ in range(2)]
        assert first.status_code == second.status_code == 200
        assert first.content == second.content == BODY
        for name in ("cache-control", "content-type", "etag", "last-modified", "vary"):
            assert (
                first.headers[name] == second.headers[name] == {k.lower(): v for k, v in PUBLIC.items()}[name]
            )
        assert len(toy.seen) == 1

    on_front(test, toy)


def test_spellings_of_one_request_are_one_answer() -> None:
    toy = Toy()

    async def test(client: httpx2.AsyncClient) -> None:
        for target in ("/a?x=1&y=%7E", "/a?y=~&x=1", "/%61?x=1&y=%7e", "/a?x=1&y=%7E"):
            assert (await client.get(target)).content == BODY
        assert len(toy.seen) == 1
        await client.get("/a?x=1")
        assert len(toy.seen) == 2

    on_front(test, toy)


@pytest.mark.parametrize(
    ("status", "change", "kept"),
    [
        (200, {}, True),
        (404, {}, True),
        (410, {}, True),
        (403, {}, False),
        (422, {}, False),
        (503, {}, False),
        (200, {"Cache-Control": "max-age=60"}, False),
        (200, {"Cache-Control": "private, max-age=60"}, False),
        (200, {"Surrogate-Key": ""}, False),
        (200, {"Set-Cookie": "session=1"}, False),
        (200, {"Vary": "Cookie"}, False),
    ],
)
@pytest.mark.parametrize("credentials", [{}, {"Authorization": "Bearer x"}, {"Cookie": "session=1"}])
def test_only_what_is_public_by_its_own_word_is_kept_whoever_asked(
    status: int, change: dict[str, str], credentials: dict[str, str], *, kept: bool
) -> None:
    toy = Toy(status=status, headers={**PUBLIC, **change})

    async def test(client: httpx2.AsyncClient) -> None:
        for headers in (credentials, {}, credentials):
            answer = await client.get("/a", headers=headers)
            assert (answer.status_code, answer.content) == (status, BODY)
        assert len(toy.seen) == (1 if kept else 3)

    on_front(test, toy)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_other_methods_always_reach_the_application(method: str) -> None:
    toy = Toy()

    async def test(client: httpx2.AsyncClient) -> None:
        await client.get("/a")
        for _ in range(2):
            await client.request(method, "/a")
        assert [scope["method"] for scope in toy.seen] == ["GET", method, method]

    on_front(test, toy)


@pytest.mark.parametrize("cache", ["public, max-age=60", "no-store"])
@pytest.mark.parametrize("bypass", [lambda _: True, None])
def test_keys_are_shown_to_nobody_however_it_is_answered(cache: str, bypass: Bypass | None) -> None:
    toy = Toy(headers={**PUBLIC, "Cache-Control": cache, "Cache-Tag": "thing"})

    async def test(client: httpx2.AsyncClient) -> None:
        for method in ("GET", "GET", "HEAD"):
            answer = await client.request(method, "/a")
            assert answer.headers["cache-control"] == cache
            assert not {"surrogate-key", "cache-tag"} & answer.headers.keys()

    on_front(test, toy, bypass=bypass)


def test_a_get_with_a_body_is_answered_like_one_without() -> None:
    toy = Toy()

    async def test(client: httpx2.AsyncClient) -> None:
        async def in_pieces() -> AsyncIterator[bytes]:
            yield b"x=1"

        told = [await client.request("GET", "/a", content=content) for content in (b"x=1", in_pieces(), None)]
        assert [(answer.status_code, answer.content) for answer in told] == [(200, BODY)] * 3
        assert all("age" in answer.headers and "surrogate-key" not in answer.headers for answer in told)
        (scope,) = toy.seen
        assert not {b"content-length", b"transfer-encoding"} & dict(scope["headers"]).keys()

    on_front(test, toy)


def test_the_application_is_asked_for_the_whole_answer_whatever_the_first_client_wants() -> None:
    toy = Toy()
    wants = {
        "Accept-Encoding": "gzip",
        "If-None-Match": '"v1-gzip"',
        "If-Modified-Since": MODIFIED,
        "Range": "bytes=0-1",
    }

    async def test(client: httpx2.AsyncClient) -> None:
        assert (await client.get("/a", headers={**wants, "X-Other": "1"})).status_code == 304
        assert toy.headers_seen()[b"x-other"] == b"1"
        assert not {name.lower().encode() for name in wants} & toy.headers_seen().keys()
        zipped = await client.get("/a", headers={"Accept-Encoding": "gzip"})
        assert (zipped.headers["content-encoding"], zipped.content) == ("gzip", BODY)
        assert (await client.get("/a")).content == BODY
        assert len(toy.seen) == 1

    on_front(test, toy)


def test_compressed_forms_come_from_the_application_when_it_has_them() -> None:
    ready = gzip.compress(BODY, 1)
    toy = Toy(ready={"gzip": ready})

    async def test(client: httpx2.AsyncClient) -> None:
        answer = await client.get("/a", headers={"Accept-Encoding": "gzip"})
        assert answer.content == BODY
        assert answer.headers["content-length"] == str(len(ready))

    on_front(test, toy)


def test_head_is_get_without_the_body_hot_or_not() -> None:
    toy = Toy()

    async def test(client: httpx2.AsyncClient) -> None:
        answers = [await client.request(method, "/a") for method in ("HEAD", "HEAD", "GET", "HEAD")]
        assert [len(answer.content) for answer in answers] == [0, 0, len(BODY), 0]
        assert {answer.headers["content-length"] for answer in answers} == {str(len(BODY))}
        assert [scope["method"] for scope in toy.seen] == ["GET"]
        unchanged = await client.head("/a", headers={"If-None-Match": ETAG})
        assert unchanged.status_code == 304

    on_front(test, toy)


@pytest.mark.parametrize("headers", [PUBLIC, {}])
def test_the_answer_to_head_has_no_body_even_for_a_server_that_would_send_it(headers: dict[str, str]) -> None:
    async def run() -> None:
        front = Front(Toy(headers=headers, chunks=3), listening())
        for _ in range(2 if headers else 1):
            _start, *bodies = await direct(front, "/a", method="HEAD")
            assert b"".join(body["body"] for body in bodies) == b""

    asyncio.run(run())


def test_an_answer_ages_and_is_asked_for_anew_when_its_lifetime_ends(clock: Clock) -> None:
    toy = Toy()

    async def test(client: httpx2.AsyncClient) -> None:
        ages = []
        for now in (1_000.0, 1_000.9, 1_001.0, 1_059.9, 1_060.0, 1_061.0):
            clock.now = now
            ages.append((await client.get("/a")).headers["age"])
        assert ages == ["0", "0", "1", "59", "0", "1"]
        assert len(toy.seen) == 2

    on_front(test, toy)


@pytest.mark.parametrize(("show", "shown"), [(False, None), (True, "thing")])
def test_surrogate_keys_are_shown_only_to_a_cache_in_front(shown: str | None, *, show: bool) -> None:
    async def test(client: httpx2.AsyncClient) -> None:
        for _ in range(2):
            assert (await client.get("/a")).headers.get("surrogate-key") == shown

    on_front(test, Toy(), show_keys=show)


@pytest.mark.parametrize("origins", [(SITE, "http://localhost:3000"), ("*",)])
def test_pages_of_other_origins_may_read_exactly_what_the_middleware_inside_allows(
    origins: tuple[str, ...],
) -> None:
    exposed = ["ETag", "Link"]
    inside = CORSMiddleware(Toy(), allow_origins=origins, expose_headers=exposed)
    asked: list[dict[str, str]] = [
        {},
        {"Origin": SITE},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
    ]

    def allowed(answer: httpx2.Response) -> dict[str, Any]:
        names = [name for name in answer.headers if name.startswith("access-control-") or name == "vary"]
        return {name: answer.headers.get_list(name) for name in names}

    async def test(client: httpx2.AsyncClient) -> None:
        for first in asked:
            path = f"/{asked.index(first)}"
            found = [allowed(await client.get(path, headers=headers)) for headers in (first, *asked)]
            told = [allowed(await client.post(path, headers=headers)) for headers in (first, *asked)]
            assert found == told
            preflight = {**first, "Access-Control-Request-Method": "GET"}
            assert (await client.options(path, headers=preflight)).status_code in {200, 400}
        unchanged = await client.get("/0", headers={"Origin": SITE, "If-None-Match": ETAG})
        assert unchanged.status_code == 304
        assert unchanged.headers["access-control-allow-origin"] in {SITE, "*"}

    on_front(test, inside, readers=Readers(origins, exposed))


def test_a_change_is_seen_by_the_next_request() -> None:
    store = listening()
    toy = Toy(body=lambda _: b"%d" % store.clock)

    async def test(client: httpx2.AsyncClient) -> None:
        first = await client.get("/a")
        store.drop(["other"])
        assert (await client.get("/a")).content == first.content
        store.drop(["thing"])
        assert (await client.get("/a")).content == b"%d" % store.clock != first.content

    on_front(test, toy, store)


def test_a_deaf_front_asks_the_application_every_time() -> None:
    store = listening()
    toy = Toy()

    async def test(client: httpx2.AsyncClient) -> None:
        await client.get("/a")
        store.lose()
        for _ in range(3):
            assert (await client.get("/a")).content == BODY
        assert len(toy.seen) == 4
        store.listen()
        for _ in range(3):
            await client.get("/a")
        assert len(toy.seen) == 5

    on_front(test, toy, store)
