import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from psycopg import sql

from app.bulletins import queries
from app.kit import connections
from app.kit.settings import Settings
from tests.bulletins.conftest import problem
from tests.conftest import Cluster, Server, serving
from tests.kit.wire import client_of


def database_of(settings: Settings) -> sql.Identifier:
    with psycopg.connect(settings.conninfo) as connection:
        return sql.Identifier(connection.info.dbname)


def test_without_its_database_it_is_unavailable_and_recovers_by_itself(
    cluster: Cluster, settings: Settings, server: Server
) -> None:
    name = database_of(settings)
    hot = server.client.get("/v1/sources")
    assert hot.status_code == 200
    cluster.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(name))
    text = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = {}"
    cluster.execute(sql.SQL(text).format(sql.Literal(name.as_string().strip('"'))))
    for path in ("/v1/tags", "/v1/bulletins/latest", "/v1/bulletins/2026-01-01", "/health/ready"):
        answer = server.client.get(path)
        body = problem(answer, 503, "unavailable")
        assert int(answer.headers["retry-after"]) > 0
        assert "psycopg" not in answer.text
        assert body["detail"] == "The database does not answer."
    assert server.client.get("/health/live").json() == {"status": "ok"}
    assert server.client.get("/v1/tags?limit=0").status_code == 422
    stale = server.client.get("/v1/sources")
    assert (stale.content, stale.headers["cache-control"]) == (hot.content, "no-cache")
    cluster.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS true").format(name))
    assert server.client.get("/v1/tags").status_code == 200
    assert server.client.get("/health/ready").json() == {"status": "ok"}


def test_with_all_connections_taken_it_is_unavailable_until_one_is_free(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        serving(settings.model_copy(update={"pool_size": 1})) as server,
        psycopg.connect(settings.conninfo) as holder,
        ThreadPoolExecutor() as others,
    ):
        monkeypatch.setattr(server.app.state.database.engine.sync_engine.pool, "_timeout", 0.05)
        holder.execute("LOCK TABLE bulletin")
        with client_of(server.port) as another:
            waiting = others.submit(another.get, "/v1/bulletins")
            deadline = time.monotonic() + 20
            while not holder.execute("SELECT 1 FROM pg_locks WHERE NOT granted").fetchall():
                assert time.monotonic() < deadline
            answer = server.client.get("/v1/tags")
            problem(answer, 503, "unavailable")
            assert "retry-after" in answer.headers
            holder.rollback()
            assert waiting.result().status_code == 200
        assert server.client.get("/v1/tags").status_code == 200


@pytest.mark.parametrize(
    "path", ["/v1/bulletins?limit={}", "/v1/bulletins/2026-01-{:02}"], ids=["list", "one"]
)
def test_one_more_than_may_wait_is_refused_at_once(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setattr(connections, "WAITING", 2)
    monkeypatch.setattr(connections, "PATIENCE", 600.0)
    settings = settings.model_copy(update={"pool_size": 1})
    with (
        serving(settings) as server,
        psycopg.connect(settings.conninfo) as holder,
        ThreadPoolExecutor() as others,
        client_of(server.port, timeout=60) as client,
    ):
        primary = server.app.state.database._primary

        def full() -> bool:
            queue = primary._pool.get_stats().get("requests_waiting", 0)
            blocked = holder.execute("SELECT 1 FROM pg_locks WHERE NOT granted").fetchall()
            return bool(blocked) and 2 in (queue, primary._inside - 1)

        client.get(path.format(5))  # A pool's first connection is made when one is asked for.
        holder.execute("LOCK TABLE bulletin, finished")
        waiting = [others.submit(client.get, path.format(number)) for number in (1, 2, 3)]
        deadline = time.monotonic() + 20
        while not full():
            assert time.monotonic() < deadline
        refused = client.get(path.format(4))
        problem(refused, 503, "unavailable")
        assert int(refused.headers["retry-after"]) > 0
        assert not any(each.done() for each in waiting)
        holder.rollback()
        assert {each.result().status_code for each in waiting} <= {200, 404}
        assert client.get(path.format(4)).status_code in {200, 404}


def test_a_bug_answers_with_a_problem_that_gives_nothing_away(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: Any) -> None:
        raise RuntimeError("the password is 123456")

    monkeypatch.setattr(queries, "latest_slug", fail)
    answer = server.client.get("/v1/bulletins/latest")
    problem(answer, 500, "internal")
    for secret in ("123456", "RuntimeError", "Traceback", ".py"):
        assert secret not in answer.text
    monkeypatch.undo()
    assert server.client.get("/v1/bulletins/latest").status_code == 404
