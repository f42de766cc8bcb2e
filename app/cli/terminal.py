"""What all commands share: settings, the database, failing in one line, progress, JSON."""

import getpass
import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import typer

from app.kit.settings import Settings

_RETRY_SECONDS = 0.5


class Failure(Exception):  # noqa: N818 - it is how a command ends
    """The command cannot go on; the message is one line that says how to mend it."""


def say(line: str) -> None:
    typer.echo(line)


def say_json(value: object) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2))


def user() -> str:
    """Who runs the command."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # An account without a name.
        return "nqpf"


@contextmanager
def database(settings: Settings) -> Iterator[Settings]:
    """The settings with a database: DATABASE_URL, or the embedded one while the context lasts."""
    if settings.database_url:
        yield settings
        return
    from app.kit import embedded_postgres

    with embedded_postgres.running(settings.data) as url:
        yield settings.with_database(url)


@contextmanager
def migrated_database(settings: Settings, *, patient: bool = False) -> Iterator[Settings]:
    """Like :func:`database`, and at the migration that the code needs; ``patient`` waits for one away."""
    from app.kit import migrate

    with database(settings) as connected:
        if patient:
            await_database(connected)
        migrate.check(connected)
        yield connected


def await_database(settings: Settings) -> None:
    """Give a database that is away some time: a server often starts before, or restarts beside it.

    :raises UnreachableDatabaseError: it is still away, or it refuses us.
    """
    from app.kit import migrate

    deadline = time.monotonic() + settings.database_wait
    told = False
    while True:
        try:
            with migrate.connection(settings):
                return
        except migrate.AwayDatabaseError as error:
            if time.monotonic() >= deadline:
                raise
            if not told:
                typer.echo(f"nqpf: {error}; waiting for it up to {settings.database_wait} s", err=True)
            told = True
        time.sleep(_RETRY_SECONDS)


@contextmanager
def progress(total: int) -> Iterator[Callable[[], None]]:
    """A bar on standard error for more than one step, if that is a terminal; call the value after a step."""
    if total < 2 or not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import Progress

    # Lines said meanwhile go above the bar, but only where both share the terminal.
    bar = Progress(console=Console(stderr=True), transient=True, redirect_stdout=sys.stdout.isatty())
    with bar:
        task = bar.add_task("", total=total)
        yield lambda: bar.advance(task)
