import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

import pytest

from app.kit.settings import PREFIX, variables

ROOT = Path(__file__).parents[2]
PARTS = (
    "app",
    "migrations",
    "requirements",
    "scripts",
    "tests/samples",
    ".ci",
    "pyproject.toml",
    "README.md",
)


def copy_project(target: Path) -> Path:
    """A clean checkout: no `.venv`, no data."""
    for part in PARTS:
        source = ROOT / part
        (target / part).parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target / part)
    return target


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """A machine's environment: an empty home, no settings, as in continuous integration."""
    (tmp_path / "home").mkdir()
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in variables() and not name.startswith((PREFIX, "PYTEST", "COV"))
    }
    return kept | {"HOME": str(tmp_path / "home"), "CI": "true", "PIP_NO_COMPILE": "1"}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A clean checkout of the test's own."""
    return copy_project(tmp_path / "checkout")


@contextmanager
def locked(path: Path) -> Iterator[TextIO]:
    """Only one test process at a time; the value is the lock's file, to leave a mark in."""
    with path.with_suffix(".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.seek(0, os.SEEK_END)
        yield lock


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[Path]:
    """A folder that the test processes share until the last one has ended.

    It is outside pytest's own, which pytest closes to other users, PostgreSQL's among them.
    """
    base = tmp_path_factory.getbasetemp()
    link = (base if worker_id == "master" else base.parent) / "place"
    with link.with_suffix(".users").open("a") as users:
        with locked(link):
            fcntl.flock(users, fcntl.LOCK_SH)
            if not link.exists():
                link.symlink_to(tempfile.mkdtemp(prefix="nqpf-"))
            place = link.resolve()
        yield place
        with locked(link), suppress(BlockingIOError):
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            link.unlink()
            shutil.rmtree(place)


Once = Callable[[str, Callable[[Path], None]], Path]


@pytest.fixture(scope="session")
def once(place: Path) -> Once:
    """Makes a shared folder by name, unless it has been made, and returns it."""

    def make(name: str, fill: Callable[[Path], None]) -> Path:
        folder = place / name
        with locked(folder) as lock:
            if not lock.tell():
                folder.mkdir()
                fill(folder)
                lock.write("made")
        return folder

    return make


@pytest.fixture
def project(once: Once, environment: dict[str, str]) -> Path:
    """A checkout whose dependencies were installed as on a fresh machine, once for all tests."""

    def install(folder: Path) -> None:
        copy_project(folder)
        command = ["bash", "-c", "set -euo pipefail; source scripts/environment; install local"]
        subprocess.run(
            command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=True
        )

    return once("project", install)


@pytest.fixture
def run(environment: dict[str, str]) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs a script from a folder that is not the project's, without standard input."""

    def run_script(*command: object, **changes: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(part) for part in command],
            cwd="/",
            env=environment | changes,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    return run_script
