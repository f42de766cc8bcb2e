"""Whole copies of what is public, in files: made of one snapshot without holding it in memory."""

import asyncio
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import and_, func, literal, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from app.bulletins import finished, shapes
from app.bulletins.finished import FORM
from app.bulletins.models import Bulletin, Finished, Reference, Tag
from app.kit.changes import Change
from app.kit.db import Database
from app.partners.export_files import MEDIA_TYPES, Sink, sinks
from app.partners.export_manifest import MANIFEST, SCHEMA_VERSION, TABLES, Export, ExportFile, Table

BATCH = 200
UNFINISHED = ".unfinished-"
"""What the folders begin with that are still written, or that somebody was killed over."""


async def build(database: Database, parent: Path, name: str | None = None) -> Export:
    """Write an export below ``parent``: a folder that appears when everything is in it.

    :param name: of the folder, which must not exist or be empty; by default made of ``seq`` and time.
    :raises OSError: the folder cannot be written.
    """
    work = Path(tempfile.mkdtemp(prefix=UNFINISHED, dir=parent))
    try:
        export = await _write(database, work)
        _show(work, parent / (name or export.name))
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return export


async def _write(database: Database, folder: Path) -> Export:
    created = datetime.now(UTC)
    counts: dict[Table, int] = dict.fromkeys(TABLES, 0)
    async with database.snapshot() as session:
        # In the snapshot of the rows: whoever follows the changes after it misses none.
        seq = await session.scalar(select(func.max(Change.seq))) or 0
        with ExitStack() as stack:
            files: dict[Table, dict[str, Sink]] = {table: sinks(folder, table) for table in TABLES}
            for table in TABLES:
                for sink in files[table].values():
                    stack.callback(sink.close)
            async for table, rows in _rows(session):
                counts[table] += len(rows)
                for sink in files[table].values():
                    # Compressing takes long: other jobs go on meanwhile.
                    await asyncio.to_thread(sink.write, rows)
    export = Export(
        name=f"{seq}-{created:%Y%m%dT%H%M%S%fZ}",
        schema_version=SCHEMA_VERSION,
        seq=seq,
        created_at=created,
        tables=counts,
        files=await asyncio.to_thread(_described, folder, counts),
    )
    manifest = folder / MANIFEST
    manifest.write_text(export.model_dump_json(indent=2) + "\n", encoding="utf-8")
    _settle(manifest)
    return export


async def _rows(session: AsyncSession) -> AsyncIterator[tuple[Table, list[bytes]]]:
    """Every public object as its JSON, a batch of one table at a time."""
    joined = and_(Finished.slug == Bulletin.slug, Finished.kind == "bulletin", Finished.form == FORM)
    ready = select(Bulletin.slug, literal(0), Finished.body).outerjoin(Finished, joined)
    stream = await session.stream(ready.order_by(Bulletin.date).execution_options(yield_per=BATCH))
    async for batch in stream.partitions():
        bodies = await finished.bodies(session, "bulletin", [tuple(row) for row in batch])
        yield "bulletins", bodies
        yield "sections", [section for body in bodies for section in _sections(body)]
    tags = await session.stream_scalars(
        select(Tag).options(selectinload(Tag.parent)).order_by(Tag.slug).execution_options(yield_per=BATCH)
    )
    async for some in tags.partitions():
        yield "tags", [shapes.tag(row).model_dump_json().encode() for row in some]
    references = await session.stream_scalars(
        select(Reference)
        .options(selectinload(Reference.source))
        .where(Reference.citation_count > 0)
        .order_by(Reference.listed_on, Reference.id)
        .execution_options(yield_per=BATCH)
    )
    async for cited in references.partitions():
        yield "references", [shapes.reference(row).model_dump_json().encode() for row in cited]


def _show(work: Path, target: Path) -> None:
    work.chmod(0o755)
    work.rename(target)


def _sections(bulletin: bytes) -> list[bytes]:
    whole = json.loads(bulletin)
    name = {field: whole[field] for field in ("slug", "title", "date")}
    return [
        json.dumps({**section, "bulletin": name}, ensure_ascii=False, separators=(",", ":")).encode()
        for section in whole["sections"]
    ]


def _described(folder: Path, counts: dict[Table, int]) -> list[ExportFile]:
    described = []
    for table in TABLES:
        for extension, media_type in MEDIA_TYPES.items():
            path = folder / f"{table}.{extension}"
            _settle(path)
            described.append(
                ExportFile(
                    name=path.name,
                    table=table,
                    media_type=media_type,
                    bytes=path.stat().st_size,
                    sha256=digest(path),
                    rows=counts[table],
                )
            )
    return described


def digest(path: Path) -> str:
    """The hexadecimal SHA-256 of a file, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _settle(path: Path) -> None:
    """Have it on the disk before the folder gets its name."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
