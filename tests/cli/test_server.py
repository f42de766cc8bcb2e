import json
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import httpx2
import psycopg
import pytest

from app.cli.server import GRACE
from app.kit.settings import Settings

Run = Callable[..., subprocess.CompletedProcess[str]]
Start = Callable[..., "subprocess.Popen[str]"]


def address(process: "subprocess.Popen[str]") -> str:
    """Where ``serve`` says it serves; connections wait there until it does."""
    assert process.stdout
    return process.stdout.readline().split()[-1]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_api_serves_until_it_is_stopped(start: Start, number: signal.Signals) -> None:
    serving = start("serve", "--port", 0)
    assert httpx2.get(f"{address(serving)}/health/ready", timeout=60).status_code == 200
    serving.send_signal(number)
    assert serving.wait(30) == 0


@pytest.fixture
def partner(nqpf: Run) -> dict[str, str]:
    """The headers of a partner's requests."""
    nqpf("partners", "add", "博雅云创")
    made = json.loads(nqpf("partners", "key", "博雅云创", "--json").stdout)
    return {"Authorization": f"Bearer {made['key']}"}


def caught_up(client: httpx2.Client) -> dict[str, Any]:
    """The page after which there is nothing new."""
    page = client.get("/v1/sync").json()
    while page["more"] or page["items"]:
        page = client.get("/v1/sync", params={"token": page["token"]}).json()
    found: dict[str, Any] = page
    return found


def ended_at_once(serving: "subprocess.Popen[str]", began: float) -> None:
    assert serving.wait(60) == 0
    assert time.monotonic() - began < GRACE
    assert serving.stderr
    assert "Traceback" not in serving.stderr.read()


def test_who_waits_for_a_change_is_answered_when_the_server_stops(
    start: Start, partner: dict[str, str]
) -> None:
    serving = start("serve", "--port", 0)
    base = address(serving)
    with httpx2.Client(base_url=base, headers=partner, timeout=60) as client:
        page = caught_up(client)
        with closing(HTTPConnection(base.removeprefix("http://"), timeout=60)) as polling:
            polling.request("GET", f"/v1/sync?token={page['token']}&wait=30", headers=partner)
            assert client.get("/health/live").status_code == 200  # So the request before has arrived.
            began = time.monotonic()
            serving.terminate()
            answer = polling.getresponse()
            assert (answer.status, json.loads(answer.read())) == (200, page)
    ended_at_once(serving, began)


@pytest.mark.parametrize("workers", [1, 2])
def test_streams_end_in_order_when_the_server_stops(
    start: Start, partner: dict[str, str], workers: int
) -> None:
    serving = start("serve", "--port", 0, "--workers", workers)
    with httpx2.Client(base_url=address(serving), headers=partner, timeout=60) as client:
        path = f"/v1/sync?token={caught_up(client)['token']}"
        with client.stream("GET", path, headers={"Accept": "text/event-stream"}) as stream:
            began = time.monotonic()
            serving.terminate()
            assert list(stream.iter_lines()) in ([], [": nothing new", ""])
    ended_at_once(serving, began)


def test_worker_handles_changes_until_it_is_stopped(
    start: Start, nqpf: Run, settings: Settings, samples: Path
) -> None:
    working = start("worker")
    nqpf("import", samples / "2026-06-25.txt", "--publish")
    deadline = time.monotonic() + 60
    with psycopg.connect(settings.conninfo, autocommit=True) as connection:
        behind = (
            b"SELECT count(*) FROM change WHERE seq > (SELECT coalesce(max(seq), 0) FROM change_position)"
        )
        while connection.execute(behind).fetchone() != (0,):
            assert time.monotonic() < deadline
            time.sleep(0.1)
    working.terminate()
    assert working.wait(30) == 0


@pytest.mark.parametrize("command", [("serve", "--port", "0"), ("worker",)], ids=" ".join)
def test_attached_process_ends_with_the_one_that_started_it(start: Start, command: tuple[str, ...]) -> None:
    process = start(*command, "--attached")
    assert process.stdin
    process.stdin.close()
    process.wait(60)


def test_description_of_the_api_needs_no_database(nqpf: Run, tmp_path: Path) -> None:
    assert nqpf("export-openapi", "openapi.json", DATABASE_URL="").returncode == 0
    written = (tmp_path / "openapi.json").read_text("utf-8")
    assert json.loads(written)["openapi"].startswith("3.")
    assert nqpf("export-openapi", DATABASE_URL="").stdout == written


def test_description_that_cannot_be_written_is_one_line(nqpf: Run, failure: Callable[..., str]) -> None:
    assert failure(nqpf("export-openapi", "missing/openapi.json")).startswith(
        "cannot write missing/openapi.json"
    )
