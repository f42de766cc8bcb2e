"""``nqpf publish``: what publishing prepares."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.terminal import migrated_database, progress, say
from app.kit.settings import Settings

if TYPE_CHECKING:
    from app.kit.db import Database

app = typer.Typer(help="What publishing prepares.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """What publishing prepares."""


@app.command()
def rebuild(
    everything: Annotated[
        bool, typer.Option("--all", help="Also what is good already; starts over when stopped.")
    ] = False,
) -> None:
    """Make the finished answers that are missing or of another form; goes on where it was stopped.

    Meanwhile all is answered; what is not finished yet takes longer.
    """
    with migrated_database(Settings.load()) as settings:
        say(f"{asyncio.run(_rebuild(settings, everything))} bulletins are finished anew.")


async def _rebuild(settings: Settings, everything: bool) -> int:
    from app.bulletins.finished import lacking
    from app.kit.db import connect

    async with connect(settings) as database:
        async with database.snapshot() as session:
            slugs = await lacking(session, everything=everything)
        with progress(len(slugs)) as advance:
            await _each(database, slugs, advance)
    return len(slugs)


async def _each(database: "Database", slugs: list[str], advance: Callable[[], None]) -> None:
    from app.bulletins.finished import rebuild
    from app.wiring import changes

    done = 0
    async for reached in rebuild(database, changes, slugs):
        for _ in range(reached - done):
            advance()
        done = reached
