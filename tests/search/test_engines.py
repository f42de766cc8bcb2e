"""What happens when Meilisearch does not answer properly, on a real server that misbehaves."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from time import monotonic
from typing import Any

import httpx2
import psycopg
import pytest
from structlog.testing import capture_logs

from app.kit.changes import catch_up
from app.kit.db import connect
from app.kit.settings import Settings
from app.search import engines, indexing, meilisearch
from app.search.contract import Answer, EngineUnavailableError, Phrase, Query, Search, Term
from app.search.engines import Engines
from app.search.indexing import reindex
from app.search.meilisearch_index import Index
from tests.conftest import publish_into, serving
from tests.search.conftest import meilisearch_settings
from tests.search.fake_meilisearch import KEY, FakeMeilisearch, fake_meilisearch
from tests.search.http_server import Answering, Asked, Given, answering
from tests.search.shelf import Part, bulletin

SOFTBANK = Query("软银", (Term((Phrase("软银", ("软银",)),)),), rare=("软银",))
PAGE = {
    "hits": [{"id": "2026-06-01-1", "slug": "2026-06-01", "number": 1, "day": 739768, "_rankingScore": 0.5}],
    "estimatedTotalHits": 1,
    "processingTimeMs": 0,
}
OVERLOADED = Given(503, {"code": "too_many_search_requests"}, {"Retry-After": "10"})
DROPPED = Given(None)


def error(status: int, code: str) -> Given:
    return Given(status, {"message": "no", "code": code, "type": "x", "link": ""})


FAULTS = {
    "overloaded": OVERLOADED,
    "connection dropped": DROPPED,
    "wrong key": error(403, "invalid_api_key"),
    "no key": error(401, "missing_authorization_header"),
    "index missing": error(400, "index_not_found"),
    "disk full": error(422, "no_space_left_on_device"),
    "broken": error(500, "internal"),
    "not Meilisearch": Given(200, ["hello"]),
    "half an answer": Given(200, {"hits": [{}], "estimatedTotalHits": 1, "processingTimeMs": 1}),
}


@dataclass
class Script:
    """A server that gives these answers, then :data:`PAGE` for ever; ``asked`` counts the requests."""

    answers: list[Given]
    asked: int = 0

    def __call__(self, asked: Asked) -> Given:
        assert asked.path == "/multi-search"
        self.asked += 1
        return self.answers.pop(0) if self.answers else Given(200, PAGE)


def ask(answer: Answering, within: float = 5, times: int = 1) -> Answer:
    """Asks Meilisearch, played by the function."""

    async def run(url: str) -> Answer:
        async with meilisearch.connect(meilisearch_settings(url), within=within) as engine:
            for _ in range(times):
                answer = await engine.search(Search(SOFTBANK))
            return answer

    with answering(answer) as url:
        return asyncio.run(run(url))


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_no_proper_answer_makes_it_unavailable(fault: str) -> None:
    script = Script([FAULTS[fault]] * 2)
    with pytest.raises(EngineUnavailableError):
        ask(script)
    assert script.asked == (2 if fault in {"overloaded", "connection dropped"} else 1)


@pytest.mark.parametrize("fault", [OVERLOADED, DROPPED], ids=["overloaded", "dropped"])
def test_an_overload_or_a_dropped_connection_is_tried_once_more(fault: Given) -> None:
    script = Script([fault])
    assert ask(script).total == 1
    assert script.asked == 2


def test_nobody_there_makes_it_unavailable() -> None:
    async def run() -> None:
        async with meilisearch.connect(meilisearch_settings("http://127.0.0.1:9")) as engine:
            await engine.search(Search(SOFTBANK))

    with pytest.raises(EngineUnavailableError, match="ConnectError"):
        asyncio.run(run())


def test_a_slow_server_is_given_up_within_the_time_out() -> None:
    done = threading.Event()

    def slow(_asked: Asked) -> Given:
        done.wait(30)
        return Given(200, PAGE)

    async def run(url: str) -> None:
        async with meilisearch.connect(meilisearch_settings(url), within=0.3) as engine:
            await engine.search(Search(SOFTBANK))

    with answering(slow) as url:
        started = monotonic()
        with pytest.raises(EngineUnavailableError):
            asyncio.run(run(url))
        took = monotonic() - started
        done.set()
    assert took < 5


def test_the_time_out_holds_for_all_that_a_search_takes() -> None:
    script = Script([OVERLOADED])

    def unhurried(asked: Asked) -> Given:
        threading.Event().wait(0.4)
        return script(asked)

    with pytest.raises(EngineUnavailableError):
        ask(unhurried, within=0.5)


def test_searches_share_their_connection() -> None:
    ports = set()

    def note(asked: Asked) -> Given:
        ports.add(asked.port)
        return Given(200, PAGE)

    ask(note, times=5)
    assert len(ports) == 1


@dataclass
class Played:
    """An engine that fails as long as it is told to."""

    name: str
    failing: bool = False
    asked: int = 0

    async def search(self, search: Search) -> Answer:  # noqa: ARG002 - whatever is asked
        self.asked += 1
        if self.failing:
            raise EngineUnavailableError("played")
        return Answer(self.name, (), 0, exact=True)


def answers(several: Engines, times: int = 1) -> list[str]:
    async def run() -> list[str]:
        return [(await several.search(Search(SOFTBANK))).engine for _ in range(times)]

    return asyncio.run(run())


def test_the_first_engine_that_can_answers() -> None:
    first, second, last = Played("first", failing=True), Played("second"), Played("last")
    assert answers(Engines([first, second, last])) == ["second"]
    assert last.asked == 0


def test_an_engine_that_keeps_failing_is_left_alone_and_asked_again_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first, last = Played("first", failing=True), Played("last")
    several = Engines([first, last])
    assert answers(several, 10) == ["last"] * 10
    assert first.asked == 3, "the breaker is open"
    assert asyncio.run(several.trouble()) == "first: played"
    (_, breaker) = several._preferred[0]
    now = monotonic()
    monkeypatch.setattr(breaker, "clock", lambda: now + breaker.pause + 1)
    first.failing = False
    assert answers(several, 2) == ["first", "first"], "it has healed"
    assert asyncio.run(several.trouble()) is None


def test_the_last_engine_has_nobody_to_stand_in_for_it() -> None:
    with pytest.raises(EngineUnavailableError):
        answers(Engines([Played("first", failing=True), Played("last", failing=True)]))


def test_without_meilisearch_there_is_postgres_alone(settings: Settings) -> None:
    without = settings.model_copy(update={"meili_url": None})

    async def run() -> list[str]:
        async with connect(without) as database, engines.connect(without, database) as several:
            return [(await several.search(Search(SOFTBANK))).engine, str(await several.trouble())]

    assert asyncio.run(run()) == ["postgres", "None"]


@dataclass(frozen=True)
class Deployed:
    """The API on a database and an index with one bulletin about 软银 and one about 机器人."""

    settings: Settings
    fake: FakeMeilisearch


@pytest.fixture
def deployed(settings: Settings) -> Iterator[Deployed]:
    robots: list[Part] = [(f"机器人{number}", "机器人进厂。" * number, []) for number in range(1, 8)]
    softbank = bulletin("2026-06-01", ("软银投资", "软银投资日本。", []))
    publish_into(settings, [softbank, bulletin("2026-06-02", *robots)])
    with fake_meilisearch() as (fake, url):
        with_it = meilisearch_settings(url, KEY).with_database(settings.conninfo)

        async def fill() -> None:
            async with connect(settings) as database:
                await reindex(database, Index(with_it))

        asyncio.run(fill())
        yield Deployed(with_it, fake)


def remove_index(fake: FakeMeilisearch) -> Callable[[], None]:
    index = fake.indexes.pop("sections")

    def mend() -> None:
        fake.indexes["sections"] = index

    return mend


def refuse(given: Given) -> Callable[[FakeMeilisearch], Callable[[], None]]:
    def breaking(fake: FakeMeilisearch) -> Callable[[], None]:
        fake.refusal = given
        return lambda: setattr(fake, "refusal", None)

    return breaking


BREAKING = {
    "index missing": remove_index,
    "wrong key": refuse(error(403, "invalid_api_key")),
    "overloaded": refuse(OVERLOADED),
    "dropped": refuse(DROPPED),
    "full": refuse(error(422, "no_space_left_on_device")),
}


@pytest.mark.parametrize("fault", BREAKING)
def test_the_same_request_is_answered_by_postgres_until_meilisearch_has_healed(
    deployed: Deployed, fault: str
) -> None:
    with serving(deployed.settings) as server, capture_logs() as logs:

        def engine() -> str:
            server.forget()
            answer = server.client.get("/v1/search", params={"q": "软银"})
            assert answer.status_code == 200
            assert answer.json()["total"] == 1
            return str(answer.json()["engine"])

        def health() -> dict[str, Any]:
            answer = server.client.get("/health/ready")
            assert answer.status_code == 200
            body: dict[str, Any] = answer.json()
            return body

        assert (engine(), health()) == ("meilisearch", {"status": "ok"})
        mend = BREAKING[fault](deployed.fake)
        assert engine() == "postgres"
        assert health() == {"status": "degraded", "degraded": ["search"]}
        assert any(line["event"] == "search.engine-unavailable" for line in logs)
        mend()
        assert (engine(), health()) == ("meilisearch", {"status": "ok"})


def test_pages_are_continued_by_the_engine_that_began_them_or_not_at_all(deployed: Deployed) -> None:
    with serving(deployed.settings) as server:

        def page(cursor: str | None = None, limit: int = 3) -> httpx2.Response:
            query = {"q": "机器人", "limit": str(limit)} | ({"cursor": cursor} if cursor else {})
            return server.client.get("/v1/search", params=query)

        def rest(begun: Any) -> list[int]:
            """The sections on the page and on all that follow it, each by the engine of the first."""
            numbers = [hit["section"]["number"] for hit in begun["items"]]
            if begun["next"] is None:
                return numbers
            following = page(begun["next"]).json()
            assert following["engine"] == begun["engine"]
            return numbers + rest(following)

        by_meilisearch = page().json()
        mend = BREAKING["dropped"](deployed.fake)
        refused = page(by_meilisearch["next"])
        by_postgres = page(limit=2).json()  # not the first one's address, which may be answered from memory
        mend()

        assert (refused.status_code, refused.json()["type"]) == (422, "/problems/invalid-cursor")
        assert "meilisearch" in refused.json()["detail"]
        for begun, engine in [(by_meilisearch, "meilisearch"), (by_postgres, "postgres")]:
            assert begun["engine"] == engine
            assert sorted(rest(begun)) == [1, 2, 3, 4, 5, 6, 7]
        assert page(limit=4).json()["engine"] == "meilisearch"


def test_an_index_that_lacks_an_old_change_is_degraded_until_it_has_it(deployed: Deployed) -> None:
    database = deployed.settings.model_copy(update={"meili_url": None})

    def age() -> None:
        with psycopg.connect(database.conninfo) as connection:
            connection.execute("UPDATE change SET at = at - interval '5 minutes'")

    async def follow() -> None:
        async with connect(database) as connected:
            index = Index(deployed.settings)
            await catch_up(connected, indexing.FOLLOWER, indexing.follower(lambda: index))

    with serving(deployed.settings) as server, capture_logs() as logs:

        def health() -> str:
            return str(server.client.get("/health/ready").json()["status"])

        publish_into(database, [bulletin("2026-06-03", ("稀土", "稀土出口回升。", []))])
        assert health() == "ok", "it is on its way"
        age()
        assert health() == "degraded"
        assert "1 changes wait" in next(e["trouble"] for e in logs if e["event"] == "health.degraded")
        asyncio.run(follow())
        assert health() == "ok"
