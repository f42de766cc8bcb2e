import asyncio

import httpx2
import pytest

from app.kit import front
from tests.kit.toy import BODY, PUBLIC, Clock, Toy, listening, on_front, until


def test_a_failure_is_covered_by_the_last_answer_for_a_while_marked_as_stale(clock: Clock) -> None:
    toy, store = Toy(), listening()

    async def test(client: httpx2.AsyncClient) -> None:
        await client.get("/a")
        store.lose()
        toy.status = 503
        for passed, asked in [(5.0, 2), (5.5, 2), (29.0, 3)]:
            clock.now = 1_000.0 + passed
            answer = await client.get("/a")
            assert (answer.status_code, answer.content) == (200, BODY)
            assert (answer.headers["age"], answer.headers["cache-control"]) == (str(int(passed)), "no-cache")
            assert answer.headers["cache-status"] == "nqpf; hit; detail=stale"
            assert len(toy.seen) == asked, "a failing application is asked once a second"
        assert (await client.get("/a", headers={"If-None-Match": '"v1"'})).status_code == 304
        clock.now = 1_030.0
        assert (await client.get("/a")).status_code == 503
        toy.status = 200
        store.listen()
        assert "cache-status" not in (await client.get("/a")).headers

    on_front(test, toy, store, stale_if_error=30)


def test_a_load_that_hangs_is_covered_and_taken_in_when_it_ends(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(front, "_PATIENCE_SECONDS", 0.05)
    toy = Toy(headers={**PUBLIC, "Cache-Control": "public, max-age=60"})

    async def test(client: httpx2.AsyncClient) -> None:
        await client.get("/a")
        clock.now += 61
        going_on = asyncio.Event()
        toy.wait, toy.body = going_on.wait, b"new"
        for passed in (0, 0.2, 0.3):
            clock.now += passed
            for method in ("GET", "HEAD"):
                answer = await client.request(method, "/a")
                assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-cache")
        assert len(toy.seen) == 2, "the hanging load is joined"
        going_on.set()
        toy.wait = None
        clock.now += 1
        assert (await client.get("/a")).text == "new"
        assert len(toy.seen) == 2

    on_front(test, toy, stale_if_error=30)


def test_a_load_that_hung_and_is_for_nobody_else_disturbs_nobody(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(front, "_PATIENCE_SECONDS", 0.05)
    toy = Toy()

    async def test(client: httpx2.AsyncClient) -> None:
        await client.get("/a")
        clock.now += 61
        going_on = asyncio.Event()
        toy.wait, toy.headers = going_on.wait, {"Cache-Control": "private"}
        assert (await client.get("/a")).content == BODY
        going_on.set()
        toy.wait = None
        await until(lambda: not store.loads)
        assert (await client.get("/a")).headers["cache-control"] == "private"

    store = listening()
    on_front(test, toy, store, stale_if_error=30)


@pytest.mark.parametrize("status", [0, 500])
def test_an_answer_whose_lifetime_is_over_covers_a_failure_too(clock: Clock, status: int) -> None:
    toy = Toy()

    async def test(client: httpx2.AsyncClient) -> None:
        await client.get("/a")
        toy.status = status
        clock.now += 61
        assert (await client.get("/a")).headers["cache-control"] == "no-cache"
        toy.status = 200
        clock.now += 1
        assert (await client.get("/a")).headers["age"] == "0"

    on_front(test, toy, stale_if_error=30)


def test_without_such_a_policy_nothing_stale_is_given() -> None:
    toy, store = Toy(), listening()

    async def test(client: httpx2.AsyncClient) -> None:
        await client.get("/a")
        store.lose()
        toy.status = 503
        assert (await client.get("/a")).status_code == 503

    on_front(test, toy, store)


def test_what_changed_is_not_given_as_stale() -> None:
    toy, store = Toy(), listening()

    async def test(client: httpx2.AsyncClient) -> None:
        await client.get("/a")
        store.lose()
        store.drop(["thing"])
        toy.status = 503
        assert (await client.get("/a")).status_code == 503

    on_front(test, toy, store, stale_if_error=30)
