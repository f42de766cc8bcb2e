import psycopg
import pytest

from app.kit import health, migrate
from app.kit.settings import Settings
from tests.conftest import Server, serving


def test_a_migrated_database_is_ready(server: Server) -> None:
    for path in ("/health/live", "/health/ready"):
        answer = server.client.get(path)
        assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
        assert answer.headers["cache-control"] == "no-store"


def test_an_empty_database_is_not_ready_until_it_is_migrated(empty_settings: Settings) -> None:
    with serving(empty_settings) as server:
        answer = server.client.get("/health/ready")
        assert answer.status_code == 503
        assert answer.headers["content-type"] == "application/problem+json"
        assert int(answer.headers["retry-after"]) > 0
        assert "migration none" in answer.json()["detail"]
        assert server.client.get("/health/live").status_code == 200
        migrate.upgrade(empty_settings)
        assert server.client.get("/health/ready").status_code == 200


def test_a_database_at_another_migration_is_not_ready(settings: Settings, server: Server) -> None:
    with psycopg.connect(settings.conninfo) as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'f00d'")
    answer = server.client.get("/health/ready")
    assert answer.status_code == 503
    assert "f00d" in answer.json()["detail"]


def test_a_database_that_hangs_is_not_ready_and_is_asked_once(
    settings: Settings, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "PATIENCE", 0.1)
    with psycopg.connect(settings.conninfo) as connection:
        connection.execute("LOCK TABLE alembic_version")
        with server.counting() as statements:
            for _ in range(3):
                answer = server.client.get("/health/ready")
                assert (answer.status_code, answer.json()["detail"]) == (503, "The database does not answer.")
        assert len([each for each in statements if "alembic_version" in each]) == 1
    assert server.client.get("/health/ready").status_code == 200


def test_being_alive_takes_no_database(server: Server) -> None:
    with server.counting() as statements:
        assert server.client.get("/health/live").status_code == 200
    assert statements == []
