"""``nqpf export`` and ``nqpf verify``: whole copies of what is public."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.terminal import Failure, migrated_database, say
from app.kit.settings import Settings

if TYPE_CHECKING:
    from app.partners.export_manifest import Export

Target = Annotated[
    Path | None,
    typer.Argument(metavar="DIR", help="A new or empty folder; without, it is one that the API serves."),
]


def export(folder: Target = None) -> None:
    """Write everything that is public to files, as NDJSON (gzip, zstd) and Parquet with a manifest."""
    if folder is not None:
        folder = _empty(folder)
    with migrated_database(Settings.load()) as settings:
        try:
            made = asyncio.run(_export(settings, folder))
        except OSError as error:
            raise Failure(f"cannot write {error.filename or folder}: {error.strerror}") from None
    rows = ", ".join(f"{count} {table}" for table, count in made.tables.items())
    say(f"Exported {rows}, up to change {made.seq}, to {folder or settings.data / 'exports' / made.name}")


def verify(folder: Annotated[Path, typer.Argument(metavar="DIR", help="A copy of an export.")]) -> None:
    """Check a copy against its manifest, and every bulletin against its content hash."""
    from app.partners.verify import verify

    troubles = 0
    for trouble in verify(folder):
        say(trouble)
        troubles += 1
    if troubles:
        raise Failure(f"{folder} is not a whole copy, see above")
    say(f"{folder} is whole.")


def _empty(folder: Path) -> Path:
    """The folder, which does not exist or is empty, below one that exists."""
    folder = folder.absolute()
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise Failure(f"{folder} exists already and is not empty")
        folder.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Failure(f"cannot write {folder}: {error.strerror}") from None
    return folder


async def _export(settings: Settings, folder: Path | None) -> "Export":
    from app.kit.db import connect
    from app.partners import export_shelf
    from app.partners.export import build

    async with connect(settings) as database:
        if folder is None:
            made = await export_shelf.add(database, settings.data / "exports")
            if made is None:
                raise Failure("another export is being made")
            return made
        return await build(database, folder.parent, folder.name)
