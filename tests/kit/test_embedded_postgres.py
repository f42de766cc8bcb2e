import importlib.util
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import psycopg
import pytest

from app.kit.embedded_postgres import Cluster, EmbeddedPostgresError, running

FAST = {"fsync": "off"}

USER = """
import sys
from pathlib import Path
from app.kit.embedded_postgres import running
with running(Path(sys.argv[1]), {"fsync": "off"}) as url:
    print(url, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder outside pytest's own, which pytest closes to others when it starts once more."""
    with tempfile.TemporaryDirectory(prefix="nqpf-", ignore_cleanup_errors=True) as name:
        yield Path(name).resolve()


@contextmanager
def user_process_starting(data: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that is about to use the cluster until its standard input ends."""
    command = [sys.executable, "-c", USER, str(data)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.communicate()


@contextmanager
def user_process(data: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that uses the cluster until its standard input ends."""
    with user_process_starting(data) as process:
        assert process.stdout
        assert process.stdout.readline().startswith("postgresql://")
        yield process


def kill(process: subprocess.Popen[str], cluster: Cluster, sent: signal.Signals = signal.SIGKILL) -> int:
    """Kill a user of the cluster, and send its server a signal; the server's process id."""
    pid = cluster.pid()
    assert pid
    process.kill()
    os.kill(pid, sent)
    process.wait()
    return pid


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def value(url: str, query: str) -> object:
    with psycopg.connect(url) as connection:
        row = connection.execute(query.encode()).fetchone()  # bytes: not only literals
        return row and row[0]


def write(url: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE note AS SELECT 42 AS number")


def test_server_is_up_while_somebody_uses_it(place: Path) -> None:
    with running(place, FAST) as url:
        with running(place) as second:
            assert second == url
        assert value(url, "SELECT current_database()") == "nqpf"
        pid = Cluster(place).pid()
        assert pid
    assert not psutil.pid_exists(pid)
    assert Cluster(place).pid() is None


def test_data_outlives_a_stop(place: Path) -> None:
    with running(place, FAST) as url:
        write(url)
    with running(place, FAST) as url:
        assert value(url, "SELECT number FROM note") == 42


def test_text_is_unicode_on_every_machine(place: Path) -> None:
    with running(place, FAST) as url:
        assert value(url, "SHOW server_encoding") == "UTF8"
        assert value(url, "SHOW timezone") == "UTC"
        assert value(url, "SELECT lower('Ä') || length('动态')") == "ä2"


def test_server_of_a_killed_user_is_adopted_and_stopped(place: Path) -> None:
    with user_process(place) as process:
        process.kill()
        process.wait()
    orphan = Cluster(place).pid()
    assert orphan
    with running(place) as url:
        assert Cluster(place).pid() == orphan
        assert value(url, "SELECT 1") == 1
    assert not psutil.pid_exists(orphan)


def test_start_after_everything_was_killed_recovers_what_was_committed(place: Path) -> None:
    with user_process(place) as process:
        cluster = Cluster(place)
        write(cluster.uri())
        kill(process, cluster)
    assert (place / "postgres" / "postmaster.pid").exists()
    with running(place, FAST) as url:
        assert value(url, "SELECT number FROM note") == 42


def logged(cluster: Cluster) -> str:
    """The server's log, empty in the moment between an old and a new one."""
    try:
        return cluster.log.read_text()
    except FileNotFoundError:
        return ""


def test_start_waits_for_the_children_of_a_killed_server(place: Path) -> None:
    with user_process(place) as process:
        cluster = Cluster(place)
        busy = psycopg.connect(cluster.uri())
        child = busy.info.backend_pid
        busy.pgconn.send_query(b"DO $$ BEGIN LOOP END LOOP; END $$")
        kill(process, cluster)
    with user_process_starting(place) as starting:
        wait_until(lambda: "shared memory block" in logged(cluster))
        assert cluster.pid() is None
        os.kill(child, signal.SIGKILL)
        assert starting.stdout
        assert starting.stdout.readline().startswith("postgresql://")
    busy.close()


def test_start_goes_on_when_the_server_it_found_dies_before_it_answers(place: Path) -> None:
    with user_process(place) as process:
        cluster = Cluster(place)
        write(cluster.uri())
        pid = kill(process, cluster, signal.SIGSTOP)
    socket = f"{cluster.sockets}/.s.PGSQL.5432"
    with user_process_starting(place) as starting:
        wait_until(lambda: Path("/proc/net/unix").read_text().count(socket) > 1)  # It knocked.
        os.kill(pid, signal.SIGKILL)
        assert starting.stdout
        assert starting.stdout.readline().startswith("postgresql://")
        assert value(cluster.uri(), "SELECT number FROM note") == 42


def test_pid_file_that_names_a_process_of_somebody_else_is_stale(place: Path) -> None:
    with running(place, FAST):
        lines = (place / "postgres" / "postmaster.pid").read_text().splitlines()
    (place / "postgres" / "postmaster.pid").write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
    with running(place, FAST) as url:
        assert value(url, "SELECT 1") == 1


def test_user_that_leaves_does_not_stop_the_server_of_another(place: Path) -> None:
    with user_process(place):
        pid = Cluster(place).pid()
        with running(place) as url:
            assert Cluster(place).pid() == pid
        assert value(url, "SELECT 1") == 1
    with running(place):
        pass
    assert Cluster(place).pid() is None


def test_half_made_cluster_is_made_anew(place: Path) -> None:
    (place / "postgres.new").mkdir()
    (place / "postgres.new" / "PG_VERSION").write_text("18")
    with running(place, FAST) as url:
        assert value(url, "SELECT 1") == 1


@pytest.mark.parametrize("name", ["deep/" * 30, "with blank, comma and 'quote'", "数据"])
def test_folder_may_have_any_name(place: Path, name: str) -> None:
    with running(place / name, FAST) as url:
        assert value(url, "SELECT 1") == 1


def test_folder_without_permission_is_one_line(place: Path) -> None:
    place.chmod(0o500)
    us = os.geteuid()
    if us == 0:
        os.seteuid(65534)
    try:
        with pytest.raises(EmbeddedPostgresError) as refused, running(place / "data"):
            pass
    finally:
        os.seteuid(us)
        place.chmod(0o700)
    message = str(refused.value)
    assert "Permission denied" in message
    assert "set NQPF_DATA to another" in message
    assert "\n" not in message


def test_folder_that_is_a_file_is_one_line(place: Path) -> None:
    (place / "data").write_text("")
    with (
        pytest.raises(EmbeddedPostgresError, match=r"File exists; make .* or set NQPF_DATA"),
        running(place / "data"),
    ):
        pass


def test_cluster_of_another_version_is_refused(place: Path) -> None:
    (place / "postgres").mkdir(mode=0o700)
    (place / "postgres" / "PG_VERSION").write_text("17\n")
    with pytest.raises(EmbeddedPostgresError, match="made by PostgreSQL 17"), running(place):
        pass


def test_bad_server_setting_is_one_line_with_its_reason(place: Path) -> None:
    with (
        pytest.raises(EmbeddedPostgresError, match=r"FATAL:.*max_connections") as refused,
        running(place, {"max_connections": "none"}),
    ):
        pass
    assert "\n" not in str(refused.value)


def test_missing_wheel_is_one_line(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)  # noqa: ARG005
    with pytest.raises(EmbeddedPostgresError, match=r"set DATABASE_URL, or pip install"), running(place):
        pass
