"""``nqpf serve --workers 2``: processes that share a port."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress

import httpx2
import psutil
import psycopg

from app.kit.settings import Settings
from tests.cli.test_server import address

Start = Callable[..., "subprocess.Popen[str]"]

LISTENING = b"""
SELECT count(*) FROM pg_stat_activity
WHERE query LIKE '%touched FROM change%' AND pid <> pg_backend_pid() AND datname = current_database()
"""


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def workers(process: "subprocess.Popen[str]") -> set[int]:
    """The processes below it that serve, without multiprocessing's own tracker of resources."""
    found = set()
    for each in psutil.Process(process.pid).children():
        with suppress(psutil.NoSuchProcess):  # It has ended meanwhile.
            if "resource_tracker" not in " ".join(each.cmdline()):
                found.add(each.pid)
    return found


def test_both_answer_a_killed_one_is_replaced_and_all_end_together(start: Start, settings: Settings) -> None:
    serving = start("serve", "--port", 0, "--workers", 2)
    base = address(serving)

    def answers() -> bool:
        return httpx2.get(f"{base}/v1/bulletins", timeout=60).status_code == 200

    with psycopg.connect(settings.conninfo, autocommit=True) as connection:

        def both_listen() -> bool:
            return connection.execute(LISTENING).fetchone() == (2,)

        assert answers()
        until(both_listen)
        first = workers(serving)
        assert len(first) == 2
        for stopped in first:
            os.kill(stopped, signal.SIGSTOP)  # Whatever is answered now comes from the other one.
            try:
                assert answers()
            finally:
                os.kill(stopped, signal.SIGCONT)
        killed = first.pop()
        os.kill(killed, signal.SIGKILL)
        until(lambda: len(workers(serving) - {killed}) == 2)
        until(both_listen)
        assert answers()
        last = workers(serving)
        serving.terminate()
        assert serving.wait(60) == 0
        until(lambda: not any(map(psutil.pid_exists, last)))
