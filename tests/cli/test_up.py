import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any

import httpx2
import psutil
import psycopg

from app.kit import migrate
from app.kit.embedded_postgres import Cluster, running
from app.kit.settings import Settings

FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}

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


def test_api_that_ends_by_itself_ends_all(start: Start) -> None:
    up = start("up", "--port", 0)
    ready(up)
    started = children(up)
    started["serve"].kill()
    _, errors = up.communicate(timeout=60)
    assert up.returncode == 1
    assert errors.splitlines()[-1].startswith("nqpf: the API stopped by itself (exit code -9)")
    assert not any(child.is_running() for child in started.values())


def test_worker_that_dies_is_started_again_but_not_for_ever(start: Start) -> None:
    up = start("up", "--port", 0)
    url = ready(up)
    api = children(up)["serve"]
    for _ in range(4):
        killed = children(up)["worker"]
        killed.kill()
        assert said_by(up.stdout, "worker") == (
            "The worker stopped by itself (exit code -9) and is started again.\n"
        )
        assert wait_for_worker(up) != killed
    assert api.is_running()
    assert bulletin(url)["version"] == 1
    children(up)["worker"].kill()
    _, errors = up.communicate(timeout=60)
    assert up.returncode == 1
    assert errors.splitlines()[-1].startswith("nqpf: the worker stopped 5 times within a minute")
    assert not api.is_running()


def wait_for_worker(process: "subprocess.Popen[str]") -> psutil.Process:
    """The worker as soon as it runs as a process of its own."""
    deadline = time.monotonic() + 60
    while (found := children(process).get("worker")) is None:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return found


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


@contextmanager
def own_cluster(folder: Path) -> Iterator[tuple[Cluster, str]]:
    """A PostgreSQL that a test may stop and start, and the address of its database."""
    folder.mkdir(exist_ok=True)
    with running(folder, FAST) as uri:
        yield Cluster(folder), uri


def said_by(stream: IO[str] | None, wanted: str) -> str:
    """Waits for a line with these words."""
    assert stream
    return next(line for line in stream if wanted in line)


def test_external_database_that_goes_away_is_waited_for(start: Start) -> None:
    with TemporaryDirectory(prefix="nqpf-") as folder, own_cluster(Path(folder)) as (cluster, uri):
        up = start("up", "--port", 0, DATABASE_URL=uri)
        url = ready(up)
        started = children(up)
        cluster.stop()
        said_by(up.stdout, "PostgreSQL is away")
        assert httpx2.get(f"{url}/v1/bulletins/2026-06-25", timeout=60).status_code == 503
        cluster.start(FAST)
        said_by(up.stdout, "PostgreSQL answers again")
        assert bulletin(url)["version"] == 1
        assert all(child.is_running() for child in started.values())
        up.terminate()
        _, errors = up.communicate(timeout=60)
        assert up.returncode == 0
        assert "Traceback" not in errors


def test_worker_goes_on_when_its_external_database_comes_back(start: Start) -> None:
    with TemporaryDirectory(prefix="nqpf-") as folder, own_cluster(Path(folder)) as (cluster, uri):
        migrate.upgrade(Settings(meili_url=None).with_database(uri))
        worker = start("worker", DATABASE_URL=uri, NQPF_LOG_FORMAT="json")
        wait_for_workers(uri)
        with psycopg.connect(uri, autocommit=True) as connection:
            connection.execute("DELETE FROM procrastinate_workers")
        cluster.stop()
        cluster.start(FAST)
        wait_for_workers(uri)
        worker.terminate()
        _, errors = worker.communicate(timeout=60)
        assert worker.returncode == 0
        assert "Traceback" not in errors


def wait_for_workers(uri: str) -> None:
    deadline = time.monotonic() + 60
    while True:
        with psycopg.connect(uri) as connection:
            if connection.execute("SELECT 1 FROM procrastinate_workers").fetchone():
                return
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_database_that_is_away_at_the_start_is_waited_for(start: Start) -> None:
    with TemporaryDirectory(prefix="nqpf-") as folder, own_cluster(Path(folder)) as (cluster, uri):
        migrate.upgrade(Settings(meili_url=None).with_database(uri))
        cluster.stop()
        waiting = [start(*command, DATABASE_URL=uri) for command in (["worker"], ["serve", "--port", 0])]
        for process in waiting:
            assert said_by(process.stderr, "waiting").startswith("nqpf: the database cannot be reached")
        cluster.start(FAST)
        assert waiting[1].stdout
        assert waiting[1].stdout.readline().startswith("Serving ")
        wait_for_workers(uri)
        for process in waiting:
            process.terminate()
            assert process.wait(60) == 0


def test_database_that_stays_away_ends_the_waiting_in_one_line(start: Start, tmp_path: Path) -> None:
    uri = f"postgresql://postgres@/nqpf?host={tmp_path}"
    for command in (["worker"], ["serve", "--port", 0], ["up", "--port", 0]):
        process = start(*command, DATABASE_URL=uri, NQPF_DATABASE_WAIT=1)
        _, errors = process.communicate(timeout=60)
        first, last = errors.splitlines()
        assert process.returncode == 1
        assert first.endswith("waiting for it up to 1 s")
        assert last.startswith("nqpf: the database cannot be reached (")
