import os
import pty
import subprocess
from contextlib import suppress

import psycopg
import pytest

from app.bulletins.document import BulletinDocument
from app.kit.settings import Settings
from tests.bulletins.conftest import on_the_shelf
from tests.cli.conftest import COMMAND, Nqpf, environment_with
from tests.conftest import Publish


@pytest.fixture
def five(publish: Publish) -> list[BulletinDocument]:
    """Bulletins that are published."""
    documents = [on_the_shelf(index) for index in range(5)]
    publish(*documents)
    return documents


def forget(settings: Settings) -> None:
    with psycopg.connect(settings.conninfo) as connection:
        connection.execute("DELETE FROM finished WHERE slug > '2026-03-02'")


def test_rebuild_makes_what_is_missing_and_all_of_it_when_told(
    nqpf: Nqpf, settings: Settings, five: list[BulletinDocument]
) -> None:
    assert nqpf("publish", "rebuild").stdout == "0 bulletins are finished anew.\n"
    forget(settings)
    assert nqpf("publish", "rebuild").stdout == "3 bulletins are finished anew.\n"
    assert nqpf("publish", "rebuild").stdout == "0 bulletins are finished anew.\n"
    assert nqpf("publish", "rebuild", "--all").stdout == f"{len(five)} bulletins are finished anew.\n"


@pytest.mark.usefixtures("five")
def test_rebuild_shows_a_bar_on_a_terminal(settings: Settings) -> None:
    forget(settings)
    leader, follower = pty.openpty()
    done = subprocess.run(
        [*COMMAND, "publish", "rebuild"],
        env=environment_with({"DATABASE_URL": settings.conninfo, "TERM": "xterm"}),
        stdout=subprocess.PIPE,
        stderr=follower,
        check=True,
    )
    os.close(follower)
    shown = b""
    with suppress(OSError):  # the end of a terminal
        while part := os.read(leader, 100_000):
            shown += part
    os.close(leader)
    assert done.stdout.decode() == "3 bulletins are finished anew.\n"
    assert b"100%" in shown
