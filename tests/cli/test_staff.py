import io
import subprocess
from collections.abc import Callable

import httpx2
import psycopg
import pytest

from app.kit.settings import Settings

Run = Callable[..., subprocess.CompletedProcess[str]]
PASSWORD = "一个很长的好密码 2026"  # noqa: S105 - it opens tests alone


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The password on standard input."""
    monkeypatch.setattr("sys.stdin", io.StringIO(PASSWORD + "\n"))


def status(api: httpx2.Client, name: str, password: str) -> int:
    return api.post("/v1/editorial/tokens", json={"name": name, "password": password}).status_code


@pytest.mark.usefixtures("typed")
def test_an_account_is_added_with_a_password_from_standard_input(nqpf: Run, api: httpx2.Client) -> None:
    done = nqpf("staff", "add", "zhang.wei", "--role", "reviewer", "--display-name", "张伟")
    assert done.returncode == 0, done.stderr
    assert PASSWORD not in done.stdout
    assert status(api, "zhang.wei", PASSWORD) == 201


def test_a_generated_password_is_shown_once_and_opens_the_desk(nqpf: Run, api: httpx2.Client) -> None:
    done = nqpf("staff", "add", "li.na", "--generate")
    assert status(api, "li.na", done.stdout.rstrip().rpartition("：")[2]) == 201


def test_a_disabled_account_is_enabled_by_a_reset(nqpf: Run, api: httpx2.Client) -> None:
    nqpf("staff", "add", "li.na", "--generate")
    assert nqpf("staff", "disable", "li.na").returncode == 0
    done = nqpf("staff", "reset", "li.na", "--generate")
    password = done.stdout.rstrip().rpartition("：")[2]
    assert status(api, "li.na", password) == 201
    nqpf("staff", "disable", "li.na")
    assert status(api, "li.na", password) == 401


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("disable", "nobody"), "staff.missing"),
        (("reset", "nobody", "--generate"), "staff.missing"),
        (("add", "../x", "--generate"), "name"),
        (("add", "李娜", "--generate"), "name"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    nqpf: Run, failure: Callable[..., str], arguments: tuple[str, ...], reason: str
) -> None:
    assert reason in failure(nqpf("staff", *arguments))


def test_a_name_is_taken_once_and_a_short_password_refused(
    nqpf: Run, failure: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    nqpf("staff", "add", "li.na", "--generate")
    assert "name.taken" in failure(nqpf("staff", "add", "li.na", "--generate"))
    monkeypatch.setattr("sys.stdin", io.StringIO("short\n"))
    assert "password" in failure(nqpf("staff", "add", "ulf"))


def test_what_the_command_line_does_is_in_the_audit_log(nqpf: Run, settings: Settings) -> None:
    nqpf("staff", "add", "li.na", "--generate")
    with psycopg.connect(settings.conninfo) as connection:
        rows = connection.execute("SELECT actor, action, object, after FROM audit_entry").fetchall()
    ((actor, action, subject, after),) = rows
    assert actor.startswith("cli:")
    assert (action, subject) == ("staff.add", "staff:li.na")
    assert after == {"name": "li.na", "display_name": "li.na", "role": "editor"}
