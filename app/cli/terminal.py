"""What all commands share: settings, the database, failing in one line, progress, JSON."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import typer

from app.kit.settings import Settings


class Failure(Exception):  # noqa: N818 - it is how a command ends
    """The command cannot go on; the message is one line that says how to mend it."""


def say(line: str) -> None:
    typer.echo(line)


def say_json(value: object) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2))


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
def migrated_database(settings: Settings) -> Iterator[Settings]:
    """Like :func:`database`, and at the migration that the code needs."""
    from app.kit import migrate

    with database(settings) as connected:
        migrate.check(connected)
        yield connected


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
