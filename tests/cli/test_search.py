import json
import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest

from app.kit.settings import Settings
from tests.conftest import Publish
from tests.search.fake_meilisearch import KEY, FakeMeilisearch, fake_meilisearch
from tests.search.shelf import bulletin

Run = Callable[..., subprocess.CompletedProcess[str]]
Failure = Callable[..., str]

ONE = bulletin("2026-06-01", ("软银投资 <b>", "软银投资日本。", ["softbank"]), ("算力", "算力增长。", []))
TWO = bulletin("2026-06-02", ("数据", "数据要素流通。", ["data-elements"]))


@dataclass(frozen=True)
class Told:
    """The command with a Meilisearch, which is a fake."""

    nqpf: Run
    fake: FakeMeilisearch
    url: str

    def __call__(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        done = self.nqpf("search", *arguments, MEILI_URL=self.url, MEILI_KEY=KEY)
        assert done.returncode == 0, done.stderr
        return done

    def status(self) -> list[dict[str, Any]]:
        engines: list[dict[str, Any]] = json.loads(self("status", "--json").stdout)["engines"]
        return engines


@pytest.fixture
def told(nqpf: Run) -> Iterator[Told]:
    with fake_meilisearch() as (fake, url):
        yield Told(nqpf, fake, url)


def test_status_shows_documents_lag_and_drift_of_each_engine(told: Told, publish: Publish) -> None:
    publish(ONE)
    told("reindex")
    publish(TWO)
    meilisearch, postgres = told.status()
    assert (meilisearch["engine"], postgres["engine"]) == ("meilisearch", "postgres")
    assert (meilisearch["documents"], meilisearch["lag"], meilisearch["drift"]) == (2, 1, ["2026-06-02"])
    assert (postgres["documents"], postgres["lag"], postgres["drift"]) == (3, 0, [])
    assert postgres["last_change"] == meilisearch["last_change"] + 1
    lines = told("status").stdout.splitlines()
    assert lines[0].startswith("meilisearch: 2 documents, drift 1 (2026-06-02), last change ")


def test_status_notices_that_postgres_drifts_too(told: Told, publish: Publish, settings: Settings) -> None:
    publish(ONE, TWO)
    with psycopg.connect(settings.conninfo) as connection:
        connection.execute("DELETE FROM search_section WHERE slug = '2026-06-01'")
    assert told.status()[1]["drift"] == ["2026-06-01"]
    told("reindex", "--engine", "postgres")
    assert told.status()[1]["drift"] == []


def test_status_says_that_there_is_no_index_or_no_server(told: Told, nqpf: Run) -> None:
    assert "no index sections" in told("status").stdout
    down = nqpf("search", "status", MEILI_URL="http://127.0.0.1:9", MEILI_KEY=KEY)
    assert down.returncode == 0, down.stderr
    assert "meilisearch: ERROR" in down.stdout
    assert "postgres: 0 documents" in down.stdout


def test_reconcile_builds_and_mends(told: Told, publish: Publish, settings: Settings) -> None:
    publish(ONE)
    assert told("reconcile").stdout.splitlines() == [
        "meilisearch: there was no index, it has been built",
        "postgres: 0 bulletins mended",
    ]
    publish(TWO)
    with psycopg.connect(settings.conninfo) as connection:
        connection.execute("DELETE FROM search_section WHERE slug = '2026-06-01'")
    assert told("reconcile").stdout.splitlines() == [
        "meilisearch: 1 bulletins mended",
        "  2026-06-02",
        "postgres: 1 bulletins mended",
        "  2026-06-01",
    ]
    assert json.loads(told("reconcile", "--json").stdout) == {
        "meilisearch": {"settings": False, "slugs": [], "rebuilt": False},
        "postgres": {"slugs": []},
    }


def test_reconcile_without_meilisearch_mends_postgres(
    nqpf: Run, publish: Publish, settings: Settings
) -> None:
    publish(ONE)
    with psycopg.connect(settings.conninfo) as connection:
        connection.execute("DELETE FROM search_section")
    assert nqpf("search", "reconcile").stdout.splitlines() == ["postgres: 1 bulletins mended", "  2026-06-01"]


def test_reindex_says_how_far_it_is(told: Told, publish: Publish) -> None:
    publish(ONE, TWO)
    done = told("reindex")
    assert done.stdout.splitlines() == ["meilisearch: built anew", "postgres: built anew, 3 sections"]
    assert "meilisearch: 2 of 2 bulletins" in done.stderr.splitlines()


@pytest.mark.parametrize("engine", ["meilisearch", "postgres"])
def test_query_shows_what_an_engine_finds(told: Told, publish: Publish, engine: str) -> None:
    publish(ONE, TWO)
    told("reindex")
    first, *shown = told("query", "软银", "--engine", engine).stdout.splitlines()
    assert re.fullmatch(rf"1 条（{engine}，\d+ 毫秒）", first)
    assert "2026-06-01 §1  软银投资 <b>" in "\n".join(shown), "no marks, no entities"
    page = json.loads(told("query", "软银", "--engine", engine, "--json").stdout)
    assert page["items"][0]["highlight"]["heading"] == "<mark>软银</mark>投资 &lt;b&gt;"


def test_query_without_meilisearch_asks_postgres(nqpf: Run, publish: Publish) -> None:
    publish(ONE)
    done = nqpf("search", "query", "算力")
    assert "1 条（postgres" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["query", "-"], "no word"),
        (["query", "长" * 600], "q: "),
        (["query", "x", "--engine", "meilisearch"], "MEILI_URL is not set"),
        (["reindex", "--engine", "meilisearch"], "MEILI_URL is not set"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    nqpf: Run, failure: Failure, arguments: list[str], reason: str
) -> None:
    assert reason in failure(nqpf("search", *arguments))


def test_a_stand_in_is_told_on_standard_error_only(nqpf: Run, publish: Publish) -> None:
    publish(ONE)
    done = nqpf("search", "query", "算力", "--json", MEILI_URL="http://127.0.0.1:9")
    assert json.loads(done.stdout)["engine"] == "postgres"
    assert "search.engine-unavailable" in done.stderr


def test_a_wrong_key_is_one_line(told: Told, failure: Failure) -> None:
    assert "invalid_api_key" in failure(
        told.nqpf("search", "reconcile", MEILI_URL=told.url, MEILI_KEY="wrong")
    )
