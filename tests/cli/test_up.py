import os
import signal
import subprocess
import time
from collections.abc import Callable
from typing import Any

import httpx2
import psutil

from app.kit.settings import Settings

Start = Callable[..., "subprocess.Popen[str]"]


def ready(process: "subprocess.Popen[str]") -> str:
    """Waits for the addresses to be printed; the API's."""
    assert process.stdout
    for line in process.stdout:
        if line.startswith("Ready at "):
            return line.split()[-1]
    raise AssertionError("it ended before it was ready")


def children(process: "subprocess.Popen[str]") -> dict[str, psutil.Process]:
    found = psutil.Process(process.pid).children()
    return {name: child for child in found for name in ("serve", "worker") if name in child.cmdline()}


def bulletin(url: str) -> dict[str, Any]:
    answer = httpx2.get(f"{url}/v1/bulletins/2026-06-25", timeout=60)
    assert answer.status_code == 200
    loaded = answer.json()
    assert isinstance(loaded, dict)
    return loaded


def test_empty_database_is_filled_with_the_sample_once(start: Start, empty_settings: Settings) -> None:
    for told in ("Published the sample bulletin 2026-06-25.\n", ""):
        up = start("up", "--port", 0, DATABASE_URL=empty_settings.conninfo)
        assert up.stdout
        if told:
            assert up.stdout.readline() == told
        shown = bulletin(ready(up))
        assert (shown["version"], len(shown["sections"])) == (1, 5)
        up.terminate()
        rest, errors = up.communicate(timeout=60)
        assert up.returncode == 0, errors
        assert rest.endswith("Stopped.\n")


def test_interrupt_from_the_keyboard_stops_every_process(start: Start) -> None:
    up = start("up", "--port", 0)
    ready(up)
    started = children(up)
    assert set(started) == {"serve", "worker"}
    # A terminal sends it to all of them.
    for pid in (up.pid, *(child.pid for child in started.values())):
        os.kill(pid, signal.SIGINT)
    assert up.wait(60) == 0
    assert not any(child.is_running() for child in started.values())


def test_process_that_ends_by_itself_ends_all(start: Start) -> None:
    up = start("up", "--port", 0)
    ready(up)
    started = children(up)
    started["worker"].kill()
    _, errors = up.communicate(timeout=60)
    assert up.returncode == 1
    assert errors.splitlines()[-1].startswith("nqpf: the worker stopped by itself (exit code -9)")
    assert not any(child.is_running() for child in started.values())


def test_killed_supervisor_takes_its_processes_along_and_leaves_the_port(start: Start) -> None:
    up = start("up", "--port", 0)
    url = ready(up)
    started = children(up)
    up.kill()
    again = start("up", "--port", url.rpartition(":")[2])
    assert ready(again) == url
    psutil.wait_procs(started.values(), timeout=30)
    assert not any(
        child.is_running() and child.status() != psutil.STATUS_ZOMBIE for child in started.values()
    )
    again.terminate()
    assert again.wait(60) == 0


def test_signal_while_it_starts_leaves_nothing_behind(start: Start, tmp_path: Any) -> None:
    up = start("up", "--port", 0, DATABASE_URL="", NQPF_DATA=tmp_path / "data")
    pid_file = tmp_path / "data" / "postgres" / "postmaster.pid"
    deadline = time.monotonic() + 60
    while not pid_file.exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    up.terminate()
    assert up.wait(60) == 0
    assert not pid_file.exists()


def test_embedded_database_that_dies_is_started_again(start: Start, tmp_path: Any) -> None:
    up = start("up", "--port", 0, DATABASE_URL="", NQPF_DATA=tmp_path / "data")
    url = ready(up)
    started = children(up)
    pid_file = tmp_path / "data" / "postgres" / "postmaster.pid"
    psutil.Process(int(pid_file.read_text().splitlines()[0])).kill()
    assert up.stdout
    said = (line for line in up.stdout if "PostgreSQL" in line)
    assert next(said) == "PostgreSQL is started again.\n"
    assert next(said) == "PostgreSQL answers again.\n"
    assert bulletin(url)["version"] == 1
    assert all(child.is_running() for child in started.values())
    up.terminate()
    _, errors = up.communicate(timeout=60)
    assert up.returncode == 0
    assert "Traceback" not in errors
