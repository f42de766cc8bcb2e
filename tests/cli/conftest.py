import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol
from uuid import uuid4

import psycopg
import pytest

from app.cli.main import main
from app.kit.settings import PREFIX, Settings, variables

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
COMMAND = [sys.executable, "-P", "-m", "app.cli"]


class Nqpf(Protocol):
    def __call__(self, *arguments: object, **environment: object) -> subprocess.CompletedProcess[str]: ...


def environment_with(values: dict[str, object]) -> dict[str, str]:
    """The tests' environment with these settings and no others."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in variables() and not name.startswith(PREFIX)
    }
    return kept | {name: str(value) for name, value in values.items()}


@pytest.fixture
def nqpf(
    settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Nqpf:
    """Runs the command in this process, on the test's own database and in a folder of its own."""

    def run(*arguments: object, **environment: object) -> subprocess.CompletedProcess[str]:
        handlers = {number: signal.getsignal(number) for number in SIGNALS}
        values = environment_with(
            {"DATABASE_URL": settings.conninfo, "NQPF_DATA": tmp_path / "data", **environment}
        )
        capsys.readouterr()
        with monkeypatch.context() as changed:
            changed.setattr(os, "environ", values)
            changed.setattr(sys, "argv", ["nqpf", *map(str, arguments)])
            changed.chdir(tmp_path)
            try:
                main()
                code = 0
            except SystemExit as ended:
                code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
            finally:
                for number, handler in handlers.items():
                    signal.signal(number, handler)
        said = capsys.readouterr()
        return subprocess.CompletedProcess(sys.argv, code, said.out, said.err)

    return run


class Started(Protocol):
    def __call__(self, *arguments: object, **environment: object) -> subprocess.Popen[str]: ...


@pytest.fixture
def start(settings: Settings, tmp_path: Path) -> Iterator[Started]:
    """Starts a command that runs until it is stopped; whatever still runs is killed at the end."""
    processes: list[subprocess.Popen[str]] = []

    def run(*arguments: object, **environment: object) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [*COMMAND, *map(str, arguments)],
            env=environment_with(
                {"DATABASE_URL": settings.conninfo, "NQPF_DATA": tmp_path / "data", **environment}
            ),
            cwd=tmp_path,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        return process

    yield run
    for process in processes:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream and not stream.closed:
                stream.close()


@pytest.fixture
def stranger(settings: Settings) -> Iterator[str]:
    """The name of a role without a permission."""
    name = f"r{uuid4().hex}"
    with psycopg.connect(settings.conninfo, autocommit=True) as connection:
        connection.execute(f'CREATE ROLE "{name}" LOGIN')
        yield name
        connection.execute(f'DROP ROLE "{name}"')


@pytest.fixture
def failure() -> Callable[[subprocess.CompletedProcess[str]], str]:
    """The one line on standard error that a failed command ends with."""

    def line(done: subprocess.CompletedProcess[str]) -> str:
        assert done.returncode == 1, done.stdout + done.stderr
        # The log goes there too, if an earlier test of this process has started it.
        *_, said = done.stderr.splitlines()
        assert said.startswith("nqpf: ")
        assert done.stderr.count("nqpf: ") == 1
        return said.removeprefix("nqpf: ")

    return line
