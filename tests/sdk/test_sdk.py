"""The committed description is what other people's generators can use."""

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import Server
from tests.partners.conftest import new_key

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
DESCRIPTION = ROOT / "openapi" / "openapi.json"
REQUIREMENTS = ROOT / "requirements" / "sdk.txt"

needs_node = pytest.mark.skipif(shutil.which("npm") is None, reason="Node.js and npm are not installed")


def run(command: Sequence[object], folder: Path, **environment: str) -> str:
    done = subprocess.run(
        [*map(str, command)],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@contextmanager
def installed(folder: Path, lock: Path) -> Iterator[bool]:
    """Whether the folder has been made from this lock file; held by one process at a time."""
    stamp = folder / "made-from"
    with (HERE / ".lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield stamp.is_file() and stamp.read_bytes() == lock.read_bytes()
        stamp.write_bytes(lock.read_bytes())


@pytest.fixture(scope="session")
def node() -> Path:
    """The folder of the installed Node.js programs."""
    lock = HERE / "package-lock.json"
    with installed(HERE / "node_modules", lock) as is_there:
        if not is_there:
            run(["npm", "ci", "--ignore-scripts"], HERE)
    return HERE / "node_modules" / ".bin"


@pytest.fixture(scope="session")
def generator() -> Path:
    """The folder of a Python environment with the generator, whose dependencies are not ours."""
    folder = HERE / ".venv"
    with installed(folder, REQUIREMENTS) as is_there:
        if not is_there:
            run([sys.executable, "-m", "venv", "--clear", folder], HERE)
            pip = [folder / "bin" / "pip", "--quiet", "--disable-pip-version-check"]
            run([*pip, "install", "--require-hashes", "--requirement", REQUIREMENTS], HERE)
    return folder / "bin"


@needs_node
def test_the_description_passes_spectral_s_rules_without_exceptions(node: Path) -> None:
    ruleset = HERE / ".spectral.yaml"
    assert ruleset.read_text() == "extends: spectral:oas\n"
    lint = [node / "spectral", "lint", DESCRIPTION, "--ruleset", ruleset, "--fail-severity", "hint"]
    assert "No results" in run(lint, HERE)


@needs_node
def test_a_typescript_client_compiles_under_strict(node: Path, tmp_path: Path) -> None:
    for name in ("partner.ts", "tsconfig.json", "package.json"):
        shutil.copy(HERE / name, tmp_path)
    (tmp_path / "node_modules").symlink_to(HERE / "node_modules")
    run([node / "openapi-typescript", DESCRIPTION, "--output", "openapi.d.ts"], tmp_path)
    run([node / "tsc", "--project", "."], tmp_path)


def test_a_python_client_follows_a_topic(generator: Path, library_server: Server, tmp_path: Path) -> None:
    generate = [generator / "openapi-python-client", "generate", "--meta", "none", "--path", DESCRIPTION]
    path = f"{generator}:{os.environ['PATH']}"
    said = run([*generate, "--output-path", "client"], tmp_path, PATH=path)
    assert "Error(s)" not in said
    key = new_key(library_server.settings, "生成的客户端")
    partner = [generator / "python", HERE / "partner.py", f"http://127.0.0.1:{library_server.port}", key]
    assert run(partner, tmp_path, PYTHONPATH=str(tmp_path)).endswith(" sections\n")
