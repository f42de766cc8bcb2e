import json
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import psycopg
import pytest

from app.kit.settings import Settings

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def checks(done: subprocess.CompletedProcess[str]) -> dict[str, dict[str, str]]:
    return {check["name"]: check for check in json.loads(done.stdout)["checks"]}


@pytest.fixture
def meilisearch() -> Iterator[str]:
    """A server that answers as Meilisearch does to the key ``right``."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = self.path == "/version" and self.headers["Authorization"] == "Bearer right"
            self.send_response(200 if known else 403)
            self.end_headers()
            self.wfile.write(b'{"pkgVersion": "1.50.0"}' if known else b"{}")

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_everything_in_order_but_the_worker_is_said_so(nqpf: Run, free_port: int) -> None:
    done = nqpf("doctor", "--json", PORT=free_port)
    found = checks(done)
    assert done.returncode == 0
    assert found.pop("worker")["status"] == "warning"
    assert {check["status"] for check in found.values()} == {"ok"}
    assert {"settings", "data", "port", "database", "migrations", "content", "meilisearch"} < set(found)
    lines = nqpf("doctor", PORT=free_port).stdout
    assert "warning worker: 0 running" in lines
    assert "start one with `nqpf worker`" in lines


def test_one_check_alone_decides_when_it_is_asked_for(nqpf: Run, free_port: int) -> None:
    assert nqpf("doctor", "--only", "worker", PORT=free_port).returncode == 1
    assert nqpf("doctor", "--only", "database", PORT=free_port).returncode == 0
    assert nqpf("doctor", "--only", "nonsense", PORT=free_port).returncode == 1


def test_failed_job_is_a_warning(nqpf: Run, settings: Settings, free_port: int) -> None:
    with psycopg.connect(settings.conninfo) as connection:
        connection.execute(
            "INSERT INTO procrastinate_jobs (queue_name, task_name, status) VALUES ('q', 't', 'failed')"
        )
        connection.execute("INSERT INTO procrastinate_workers DEFAULT VALUES")
    worker = checks(nqpf("doctor", "--json", PORT=free_port))["worker"]
    assert (worker["status"], worker["message"]) == ("warning", "1 running, 0 jobs waiting, 1 failed")


def test_bad_setting_is_named(nqpf: Run) -> None:
    done = nqpf("doctor", "--json", PORT="http")
    assert done.returncode == 1
    assert checks(done)["settings"]["message"] == "PORT: a whole number is expected"


def test_all_bad_settings_are_named_at_once(nqpf: Run) -> None:
    done = nqpf("doctor", PORT="http", NQPF_POOL_SIZE=0, MEILI_URL="search", NQPF_PORT=1, NQPF_COLOUR="red")
    assert done.returncode == 1
    named = [line.split()[2] for line in done.stdout.splitlines() if line.startswith("ERROR   settings: ")]
    assert named == ["NQPF_COLOUR", "NQPF_PORT", "MEILI_URL:", "PORT:", "NQPF_POOL_SIZE:"]


def test_unreachable_database_says_how_to_mend_it(nqpf: Run, free_port: int) -> None:
    done = nqpf("doctor", "--json", DATABASE_URL="postgresql:///x?host=/nowhere", PORT=free_port)
    database = checks(done)["database"]
    assert done.returncode == 1
    assert "No such file or directory" in database["message"]
    assert database["remedy"] == "check DATABASE_URL and that PostgreSQL runs there"


def test_missing_migrations_say_how_to_mend_it(nqpf: Run, empty_settings: Settings, free_port: int) -> None:
    done = nqpf("doctor", "--json", DATABASE_URL=empty_settings.conninfo, PORT=free_port)
    assert done.returncode == 1
    assert checks(done)["migrations"]["remedy"] == "run `nqpf db upgrade`"


def test_port_of_another_program_is_an_error(nqpf: Run) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=5) as other:
        port = other.getsockname()[1]

        def hang_up() -> None:
            other.accept()[0].close()

        threading.Thread(target=hang_up).start()
        done = nqpf("doctor", "--json", PORT=port)
    assert checks(done)["port"]["status"] == "error"
    assert "choose another with --port" in checks(done)["port"]["remedy"]


def test_port_of_our_own_api_is_in_order(nqpf: Run, server: Any) -> None:
    assert checks(nqpf("doctor", "--json", PORT=server.port))["port"]["message"].startswith("an API answers")


@pytest.mark.parametrize(
    ("key", "status", "message"),
    [("right", "ok", "Meilisearch 1.50.0"), ("wrong", "error", "it answers 403")],
)
def test_meilisearch_is_asked_with_the_key(
    nqpf: Run, meilisearch: str, free_port: int, key: str, status: str, message: str
) -> None:
    found = checks(nqpf("doctor", "--json", PORT=free_port, MEILI_URL=meilisearch, MEILI_KEY=key))
    assert found["meilisearch"]["status"] == status
    assert found["meilisearch"]["message"].startswith(message)


def test_meilisearch_that_is_away_is_an_error(nqpf: Run, free_port: int) -> None:
    done = nqpf("doctor", "--json", PORT=free_port, MEILI_URL="http://127.0.0.1:1")
    assert done.returncode == 1
    assert checks(done)["meilisearch"]["message"].startswith("no answer")


def test_data_folder_without_a_database_is_a_warning_and_stays_empty(
    nqpf: Run, tmp_path: Any, free_port: int
) -> None:
    done = nqpf("doctor", "--json", DATABASE_URL="", NQPF_DATA=tmp_path / "data", PORT=free_port)
    assert checks(done)["database"]["status"] == "warning"
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("data", ["/dev/null", "/dev/null/below"])
def test_data_folder_that_cannot_be_one_is_an_error(nqpf: Run, free_port: int, data: str) -> None:
    done = nqpf("doctor", "--json", DATABASE_URL="", NQPF_DATA=data, PORT=free_port)
    assert done.returncode == 1
    assert checks(done)["data"]["message"] == f"{data} cannot be written to (Not a directory)"
    assert "NQPF_DATA" in checks(done)["data"]["remedy"]
    assert "database" not in checks(done)


@pytest.mark.parametrize("below", [False, True])
def test_data_folder_that_cannot_be_written_to_is_one_line(nqpf: Run, free_port: int, below: bool) -> None:
    # Not even root may make a file here.
    data = "/proc/data" if below else "/proc"
    done = nqpf("doctor", NQPF_DATA=data, PORT=free_port)
    assert done.returncode == 1
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("ERROR")]
    assert line.startswith(f"ERROR   data: {data} cannot be written to (")


def test_one_is_told_in_the_singular(nqpf: Run, settings: Settings, free_port: int, samples: Path) -> None:
    nqpf("import", samples / "2026-06-25.txt", "--publish")
    with psycopg.connect(settings.conninfo) as connection:
        connection.execute("DELETE FROM procrastinate_jobs")
        connection.execute("INSERT INTO procrastinate_jobs (queue_name, task_name) VALUES ('q', 't')")
    found = checks(nqpf("doctor", "--json", PORT=free_port))
    assert found["content"]["message"] == "1 draft, 1 published bulletin"
    assert found["worker"]["message"] == "0 running, 1 job waiting, 0 failed"


def test_key_without_a_meilisearch_is_a_warning(nqpf: Run, free_port: int) -> None:
    found = checks(nqpf("doctor", "--json", PORT=free_port, MEILI_KEY="right"))["meilisearch"]
    assert (found["status"], found["remedy"]) == ("warning", "set MEILI_URL, or unset MEILI_KEY")


@pytest.mark.parametrize(
    ("granted", "check", "remedy"),
    [("", "migrations", "GRANT ALL ON ALL TABLES"), ("alembic_version", "permissions", "GRANT ALL ON ALL")],
)
def test_missing_permission_says_how_to_mend_it(
    nqpf: Run, settings: Settings, stranger: str, free_port: int, granted: str, check: str, remedy: str
) -> None:
    if granted:
        with psycopg.connect(settings.conninfo) as connection:
            connection.execute(f'GRANT SELECT ON {granted} TO "{stranger}"')
    url = settings.conninfo.replace("//postgres@", f"//{stranger}@")
    done = nqpf("doctor", "--json", DATABASE_URL=url, PORT=free_port)
    if granted:
        with psycopg.connect(settings.conninfo) as connection:
            connection.execute(f'DROP OWNED BY "{stranger}"')
    assert done.returncode == 1
    assert checks(done)[check]["status"] == "error"
    assert remedy in checks(done)[check]["remedy"]
