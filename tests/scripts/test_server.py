import os
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import psutil
import pytest

from app.kit.embedded_postgres import Cluster


class Server:
    """``scripts/server`` with the data of one test."""

    def __init__(self, project: Path, data: Path, environment: dict[str, str]) -> None:
        self.command = [str(project / "scripts" / "server"), "--port", "0"]
        self.data = data
        self.environment = environment | {"NQPF_DATA": str(data)}
        self.said: list[str] = []

    @contextmanager
    def started(self) -> Iterator[str]:
        """The API's address; the server is stopped in order if it still runs at the end."""
        self.said = []
        self.process = subprocess.Popen(
            self.command,
            cwd="/",
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert self.process.stdout
        with self.process.stdout:
            for line in self.process.stdout:
                self.said.append(line)
                if line.startswith("Ready at "):
                    break
            try:
                assert self.said[-1].startswith("Ready at ")
                yield self.said[-1].split()[-1]
            finally:
                self.process.terminate()
                self.process.wait(90)

    def postgres(self) -> int:
        pid = Cluster(self.data).pid()
        assert pid
        return pid


@pytest.fixture
def server(project: Path, place: Path, environment: dict[str, str], tmp_path: Path) -> Server:
    return Server(project, place / tmp_path.name, environment)


def sections(url: str) -> int:
    answer = httpx2.get(f"{url}/v1/bulletins/2026-06-25", timeout=60)
    assert answer.status_code == 200
    return len(answer.json()["sections"])


def test_fresh_machine_serves_the_real_bulletin_and_stops_clean(server: Server) -> None:
    with server.started() as url:
        assert sections(url) == 5
        postgres = server.postgres()
    assert server.process.returncode == 0
    assert not psutil.pid_exists(postgres)
    assert "Published the sample bulletin 2026-06-25.\n" in server.said

    with server.started() as url:
        assert sections(url) == 5
    assert "Published the sample bulletin 2026-06-25.\n" not in server.said


def test_start_after_everything_was_killed_recovers(server: Server) -> None:
    with server.started():
        postgres = server.postgres()
        os.killpg(server.process.pid, signal.SIGKILL)
        os.kill(postgres, signal.SIGKILL)
        server.process.wait()
    with server.started() as url:
        assert sections(url) == 5
        assert server.postgres() != postgres
    assert server.process.returncode == 0


def test_taken_port_is_one_line_and_starts_no_postgres(
    project: Path, place: Path, run: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    data = place / "unused"
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = run(project / "scripts" / "server", PORT=str(port), NQPF_DATA=str(data))
    assert done.returncode == 1
    assert (
        done.stderr
        == f"nqpf: port {port} is taken: stop the server that has it, or choose another with --port\n"
    )
    assert not data.exists()
