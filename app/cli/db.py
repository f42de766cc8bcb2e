"""``nqpf db``: the database's migrations."""

import asyncio
from typing import Annotated

import typer

from app.cli.terminal import database, say, say_json
from app.kit.settings import Settings

app = typer.Typer(help="Bring the database to another migration.", no_args_is_help=True)

Revision = Annotated[str, typer.Argument(help="A migration, head, base, or a step such as -1.")]


@app.command()
def upgrade(revision: Revision = "head") -> None:
    """Run the migrations that the database still lacks."""
    with database(Settings.load()) as settings:
        say(f"The database is at migration {bring_up(settings, revision)}.")


@app.command(context_settings={"ignore_unknown_options": True})
def downgrade(revision: Revision) -> None:
    """Undo the migrations after the given one; what they added is lost."""
    from app.kit import migrate

    with database(Settings.load()) as settings:
        say(f"The database is at migration {migrate.downgrade(settings, revision) or 'none'}.")


@app.command()
def current(
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON for a script.")] = False,
) -> None:
    """Say which migration the database is at, and which one this version needs."""
    from app.kit import migrate

    with database(Settings.load()) as settings:
        found, needed = migrate.current(settings), migrate.head()
    if as_json:
        say_json({"current": found, "needed": needed})
    else:
        say(f"The database is at migration {found or 'none'}; {needed} is needed.")


def bring_up(settings: Settings, revision: str = "head") -> str | None:
    """Migrate, and bring the tags to the curated taxonomy; the migration the database is at then."""
    from app.kit import migrate

    reached = migrate.upgrade(settings, revision)
    if reached == migrate.head():
        asyncio.run(_curate(settings))
    return reached


async def _curate(settings: Settings) -> None:
    from app.bulletins.taxonomy import curated
    from app.editorial.commands import curate_tags
    from app.kit.db import connect
    from app.wiring import changes

    async with connect(settings) as database_, database_.session() as session:
        await curate_tags(session, changes, curated())
