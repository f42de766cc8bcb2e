"""Fills the database with a generated archive: ``python -m scripts.load 2000``."""

import gc
import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from itertools import islice
from multiprocessing.connection import Connection
from typing import Annotated

import typer
import uvloop
from rich.progress import Progress, track
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app import wiring
from app.bulletins import finished
from app.bulletins.curate import curate
from app.bulletins.document import BulletinDocument
from app.bulletins.events import BulletinPublished
from app.bulletins.taxonomy import curated
from app.editorial.models import Draft, Revision, SourceFile
from app.editorial.workflow import State
from app.ingest.report import ImportReport
from app.kit.changes import ChangeLog
from app.kit.db import Database, connect, new_id
from app.kit.settings import Settings, SettingsError
from scripts import searching
from scripts.archive import UNTIL, generate

PUBLISHED = 2_000
"""So many bulletins are published as editors would; a longer archive repeats them, moved back in time."""

BATCH = 100

# Every table that a bulletin's content stands in; rows of the others are shared.
REPEATED = (
    "bulletin",
    "section",
    "bulletin_tag",
    "section_tag",
    "bulletin_source",
    "citation",
    "search_section",
    "section_suggestion",
    "published_version",
)

_COUNTS = (
    "UPDATE tag SET bulletin_count = bulletin_count * (1 + :times)",
    "UPDATE tag SET section_count = section_count * (1 + :times)",
    "UPDATE reference SET citation_count = citation_count * (1 + :times)",
    "UPDATE search_term SET df = df * (1 + :times)",
)


async def publish_all(
    database: Database,
    documents: Iterator[BulletinDocument],
    log: ChangeLog = wiring.changes,
    then: Callable[[list[BulletinPublished]], object] = lambda _events: None,
) -> None:
    """Publish documents, the latest first, as the desk would: a draft, its revision, a change.

    ``then`` is told what each transaction has published.
    """
    gc.disable()  # Nearly all of a batch's many objects are in use: looking for others takes a seventh.
    try:
        while batch := list(islice(documents, BATCH)):
            async with database.session() as session:
                at = await log.begin(session)
                await _draft(session, batch)
                events = [BulletinPublished(document=document, version=1, at=at) for document in batch]
                await log.record(session, *events)
            then(events)
    finally:
        gc.enable()


async def _draft(session: AsyncSession, documents: Sequence[BulletinDocument]) -> None:
    drafts = [
        Draft(
            id=new_id(),
            slug=document.slug,
            title=document.title,
            state=State.published,
            latest_revision=1,
            published_revision=1,
            version=1,
        )
        for document in documents
    ]
    session.add_all(drafts)
    session.add_all(SourceFile(sha256=draft.id.hex, name="archive", content=b"") for draft in drafts)
    await session.flush()
    for draft, document in zip(drafts, documents, strict=True):
        report = ImportReport(file="archive", format="generated", sha256=draft.id.hex)
        session.add(
            Revision(
                draft_id=draft.id,
                number=1,
                document=document.model_dump(mode="json"),
                report=report.model_dump(mode="json"),
                source_file=report.sha256,
                author="archive",
                note="",
            )
        )


async def repeat(session: AsyncSession, times: int, days: int, tables: Sequence[str] = REPEATED) -> None:
    """Copy the archive ``times`` times, each copy ``days`` further back. The change log knows of none."""
    for table in tables:
        columns = list(
            await session.scalars(
                text(
                    "SELECT attname FROM pg_attribute"
                    " WHERE attrelid = :t ::regclass AND attnum > 0 AND attidentity = ''"
                ),
                {"t": table},
            )
        )
        values = ", ".join(_copied(table, column) for column in columns)
        names = ", ".join(f'"{column}"' for column in columns)
        await session.execute(
            text(
                f"INSERT INTO {table} ({names}) SELECT {values}"  # noqa: S608 - names from the catalogue
                f" FROM {table}, generate_series(1, :times) AS copy"
            ),
            {"times": times, "days": days},
        )
    for statement in _COUNTS:
        await session.execute(text(statement), {"times": times})


def _copied(table: str, column: str) -> str:
    match column:
        case "id" | "bulletin_id" | "section_id":
            return f"md5({column}::text || copy * :days)::uuid"
        case "date":
            return "date - copy * :days"
        case "slug" if table in {"bulletin", "search_section", "published_version"}:
            return "to_char(date - copy * :days, 'YYYY-MM-DD')"
        case "document":
            return "document || jsonb_build_object('date', date - copy * :days)"
        case _:
            return f'"{column}"'


async def load(
    settings: Settings, count: int, *, seed: int = 1, until: date = UNTIL, quiet: bool = False
) -> None:
    """Fill a migrated, empty database with ``count`` bulletins, one a day back from ``until``.

    :raises ValueError: more than ``PUBLISHED``, and no multiple of it.
    """
    published = min(count, PUBLISHED)
    if count % published:
        raise ValueError(f"an archive of more than {PUBLISHED} bulletins must be a multiple of it")
    async with connect(settings) as database:
        async with database.session() as session:
            await curate(session, curated())
        with generated(published, seed, until) as documents, searching.indexer(settings) as index:
            seen = track(documents, total=published, description="publishing", disable=quiet)
            await publish_all(database, iter(seen), searching.WITHOUT, index)
        if count > published:
            async with database.session() as session:
                await repeat(session, count // published - 1, published)
            await finish(database, until - timedelta(days=published - 1), quiet=quiet)
        await vacuum(database)


@contextmanager
def generated(count: int, seed: int, until: date) -> Iterator[Iterator[BulletinDocument]]:
    """An archive that another process generates while this one publishes.

    :raises EOFError: when the next document is asked for, and that process has ended before its time.
    """
    processes = multiprocessing.get_context("spawn")
    receiving, sending = processes.Pipe(duplex=False)
    process = processes.Process(target=_send, args=(sending, count, seed, until))
    process.start()
    sending.close()
    try:
        yield (receiving.recv() for _ in range(count))
    finally:
        receiving.close()
        process.terminate()
        process.join()


def _send(pipe: Connection, count: int, seed: int, until: date) -> None:
    for document in generate(count, seed=seed, until=until):
        pipe.send(document)


async def finish(database: Database, seam: date, *, quiet: bool) -> None:
    """Make the finished answers of all copies, and anew that of ``seam``, which was the oldest."""
    async with database.snapshot() as session:
        slugs = [seam.isoformat(), *await finished.lacking(session)]
    with Progress(disable=quiet) as progress:
        task = progress.add_task("finishing", total=len(slugs))
        async for done in finished.rebuild(database, wiring.changes, slugs, BATCH):
            progress.update(task, completed=done)


async def vacuum(database: Database) -> None:
    """Let the planner know of new rows."""
    async with database.engine.connect() as connection:
        await (await connection.execution_options(isolation_level="AUTOCOMMIT")).execute(
            text("VACUUM ANALYZE")
        )


def main(
    count: Annotated[int, typer.Argument(help="Number of bulletins", min=1)] = 2_000,
    seed: Annotated[int, typer.Option(help="The same seed gives the same archive")] = 1,
) -> None:
    """Fill the database of DATABASE_URL, which must be migrated, with a generated archive."""
    try:
        uvloop.run(load(Settings.load(), count, seed=seed))
    except (SettingsError, ValueError) as error:
        raise typer.BadParameter(str(error)) from None


if __name__ == "__main__":
    typer.run(main)
