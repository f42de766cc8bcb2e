import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]


def sourced(project: Path, script: str) -> list[str]:
    return ["bash", "-c", f"set -euo pipefail; source {project}/scripts/environment; {script}"]


@pytest.fixture
def prepared(checkout: Path, run: Run) -> Path:
    """A checkout whose `.venv` holds stand-ins that say how they were called; pytest fails with 5."""
    tools = checkout / ".venv" / "bin"
    tools.mkdir(parents=True)
    for name in ("ruff", "mypy", "lint-imports", "pytest", "nqpf"):
        code = 5 if name == "pytest" else 0
        (tools / name).write_text(f'#!/bin/sh\necho {name} "$@" "in $PWD"\nexit {code}\n')
        (tools / name).chmod(0o755)
    run(*sourced(checkout, "fingerprint development >$root/.venv/development.installed"))
    return checkout


def test_nothing_is_installed_where_nothing_has_changed(project: Path, run: Run) -> None:
    done = run(*sourced(project, "install local"), PATH="/usr/bin:/bin")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("part", ["requirements/local.txt", "pyproject.toml"])
def test_change_of_the_lock_or_the_project_is_noticed(checkout: Path, run: Run, part: str) -> None:
    (checkout / ".venv").mkdir()
    run(*sourced(checkout, "fingerprint local >$root/.venv/local.installed"))
    assert run(*sourced(checkout, "installed local")).returncode == 0
    with (checkout / part).open("a") as file:
        file.write("# changed\n")
    assert run(*sourced(checkout, "installed local")).returncode == 1


def test_machine_without_a_new_enough_python_is_told_what_to_install(
    checkout: Path, run: Run, tmp_path: Path
) -> None:
    old = tmp_path / "bin"
    old.mkdir()
    (old / "python3").write_text("#!/bin/sh\nexit 1\n")
    (old / "python3").chmod(0o755)
    for tool in ("bash", "dirname", "cat", "cksum"):
        (old / tool).symlink_to(f"/usr/bin/{tool}")
    done = run("/bin/bash", checkout / "scripts" / "server", PATH=str(old))
    assert done.returncode == 1
    assert done.stderr == (
        "server: no Python 3.11 or newer with venv found: "
        "install python3.11 or newer (on Debian also python3-venv)\n"
    )


def test_server_hands_its_options_over(prepared: Path, run: Run) -> None:
    done = run(prepared / "scripts" / "server", "--port", "9000")
    assert done.stdout == "nqpf up --port 9000 in /\n"


@pytest.mark.parametrize("script", ["scripts/test", ".ci/run"])
def test_every_check_runs_in_the_project_and_pytest_has_the_last_word(
    prepared: Path, run: Run, script: str
) -> None:
    done = run(prepared / script, "-k", "one thing")
    assert done.stdout.splitlines() == [
        f"ruff check --quiet . in {prepared}",
        f"ruff format --check --quiet . in {prepared}",
        f"mypy --no-error-summary in {prepared}",
        f"pytest -k one thing in {prepared}",
    ]
    assert done.returncode == 5


@pytest.mark.parametrize("tool", ["ruff", "mypy", "lint-imports"])
def test_failed_check_fails_the_whole(prepared: Path, run: Run, tool: str) -> None:
    (prepared / ".venv" / "bin" / tool).write_text("#!/bin/sh\necho broken\nexit 3\n")
    done = run(prepared / "scripts" / "test")
    assert done.returncode == 3
    assert done.stdout.splitlines()[-1] == "broken"
