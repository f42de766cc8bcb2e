import json
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import httpx2
import psycopg
import pytest

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
