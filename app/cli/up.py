"""``nqpf up``: everything on one machine, in one command."""

import asyncio
import os
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from app.cli.db import bring_up
from app.cli.listening import address, answers, listen
from app.cli.server import Host, Port
from app.cli.terminal import Failure, await_database, database, say
from app.kit.settings import Settings

SAMPLE = Path(__file__).resolve().parents[2] / "tests" / "samples" / "2026-06-25.txt"
"""A real bulletin, in a checkout."""

_PORT_SECONDS = 3.0  # A server that lost its parent leaves the port within this time.
_READY_SECONDS = 60.0
_STOP_SECONDS = 15.0
_WATCH_SECONDS = 1.0
_MOST_DEATHS = 5  # Of the worker, within this time; one more start would not help.
_DEATHS_SECONDS = 60.0

_WORKER = ["worker", "--attached"]


def up(host: Host = None, port: Port = None) -> None:
    """Start PostgreSQL (unless DATABASE_URL is set), API and worker, with a sample in an empty database."""
    settings = Settings.load()
    try:
        with listen(
            host or settings.host, settings.port if port is None else port, _PORT_SECONDS
        ) as listener:
            url = address(listener)
            with database(settings) as connected:
                await_database(connected)
                bring_up(connected)
                if SAMPLE.is_file() and _is_empty(connected):
                    asyncio.run(_import_sample(connected))
                serving = ["serve", "--attached", "--fd", str(listener.fileno())]
                with _children(connected, {"API": serving, "worker": _WORKER}) as children:
                    listener.close()
                    _wait_until_ready(url, children)
                    _introduce(url, connected)
                    _watch(children, settings, connected)
    except KeyboardInterrupt:
        say("Stopped.")


def _is_empty(settings: Settings) -> bool:
    from sqlalchemy import text

    from app.kit.migrate import connection

    with connection(settings) as opened:
        return not opened.execute(text("SELECT EXISTS (SELECT FROM draft)")).scalar_one()


async def _import_sample(settings: Settings) -> None:
    """Publish the real bulletin of the checkout."""
    from app.cli.importing import import_path
    from app.kit.db import connect
    from app.kit.image_store import image_store

    async with connect(settings) as database_:
        outcome = await import_path(database_, image_store(settings), SAMPLE, note="", author="sample")
    if outcome.refusal:
        raise Failure(f"the sample bulletin was refused: {outcome.refusal.message}")
    say(f"Published the sample bulletin {SAMPLE.stem}.")


@contextmanager
def _children(
    settings: Settings, commands: Mapping[str, list[str]]
) -> Iterator[dict[str, subprocess.Popen[bytes]]]:
    """Commands of ours as processes that stop with us, even when we are killed (see ``--attached``)."""
    children: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for name, arguments in commands.items():
            children[name] = _start(settings, arguments)
        yield children
    finally:
        deadline = time.monotonic() + _STOP_SECONDS
        for child in children.values():
            child.terminate()
        for child in children.values():
            try:
                child.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


def _start(settings: Settings, arguments: list[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 - our own program and arguments
        # -P: an `app` in the current folder is not ours.
        [sys.executable, "-P", "-m", "app.cli", *arguments],
        stdin=subprocess.PIPE,
        pass_fds=[int(arguments[-1])] if "--fd" in arguments else [],
        env={**os.environ, "DATABASE_URL": settings.conninfo},
    )


def _check(children: Mapping[str, subprocess.Popen[bytes]]) -> None:
    for name, child in children.items():
        if child.poll() is not None:
            raise Failure(f"the {name} stopped by itself (exit code {child.returncode}), see above")


def _wait_until_ready(url: str, children: Mapping[str, subprocess.Popen[bytes]]) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while True:
        _check(children)
        if answers(f"{url}/health/ready"):
            return
        if time.monotonic() > deadline:
            raise Failure("the API does not get ready: `nqpf doctor` says why")
        time.sleep(0.1)


def _watch(children: dict[str, subprocess.Popen[bytes]], settings: Settings, connected: Settings) -> None:
    """Until the API stops; the worker is started again, PostgreSQL too if it is ours, else waited for."""
    answering = True
    deaths: deque[float] = deque(maxlen=_MOST_DEATHS)
    while True:
        if (code := children["worker"].poll()) is not None:
            _count(deaths, code)
            say(f"The worker stopped by itself (exit code {code}) and is started again.")
            children["worker"] = _start(connected, _WORKER)
        _check(children)
        problem = _problem(connected)
        if problem and answering:
            say(f"PostgreSQL is away: {problem}" if settings.database_url else "PostgreSQL is started again.")
        if problem and not settings.database_url:
            _start_again(settings)
        if not problem and not answering:
            say("PostgreSQL answers again.")
        answering = not problem
        time.sleep(_WATCH_SECONDS)


def _count(deaths: deque[float], code: int) -> None:
    deaths.append(time.monotonic())
    if len(deaths) == _MOST_DEATHS and deaths[-1] - deaths[0] < _DEATHS_SECONDS:
        raise Failure(
            f"the worker stopped {_MOST_DEATHS} times within a minute (exit code {code}), see above"
        )


def _problem(connected: Settings) -> str | None:
    """Why there is no connection, None if there is one."""
    from app.kit.migrate import UnreachableDatabaseError, connection

    try:
        with connection(connected):
            return None
    except UnreachableDatabaseError as error:
        return str(error)


def _start_again(settings: Settings) -> None:
    from psycopg import OperationalError

    # It may run and refuse for the moment, as it does while it recovers.
    with suppress(OperationalError), database(settings):
        pass


def _introduce(url: str, settings: Settings) -> None:
    say(f"Ready at {url}")
    say(f"  bulletins      {url}/v1/bulletins")
    say(f"  documentation  {url}/docs")
    say(f"  database       {settings.database_shown}")
    say("Stop with Ctrl-C.")
