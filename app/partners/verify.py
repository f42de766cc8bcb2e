"""Whether a copy of an export is whole: its manifest, its files, and every bulletin's content hash."""

import gzip
import hashlib
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import zstandard
from pydantic import ValidationError

from app.bulletins.document import BulletinDocument, canonical_json
from app.kit.reasons import reason
from app.partners.export import digest
from app.partners.export_manifest import MANIFEST, SCHEMA_VERSION, TABLES, Export, ExportFile

_HASHED = BulletinDocument.model_fields.keys() - {"unplaced"}


def verify(folder: Path) -> Iterator[str]:
    """What is wrong with the copy, a line each; nothing if it is whole."""
    try:
        export = Export.model_validate_json((folder / MANIFEST).read_bytes())
    except OSError as error:
        yield f"{MANIFEST}: {error.strerror}"
        return
    except ValidationError as error:
        yield f"{MANIFEST}: it is no manifest: {reason(error.errors()[0])}"
        return
    if export.schema_version != SCHEMA_VERSION:
        yield f"{MANIFEST}: schema version {export.schema_version}, but {SCHEMA_VERSION} is understood"
        return
    for file in export.files:
        yield from (f"{file.name}: {trouble}" for trouble in _troubles(folder, file, export))
    known = {MANIFEST, *(file.name for file in export.files)}
    for path in sorted(folder.iterdir()):
        if path.name not in known:
            yield f"{path.name}: the manifest does not name it"
    for table in TABLES:
        if table not in {file.table for file in export.files}:
            yield f"{MANIFEST}: it names no file of {table}"


def _troubles(folder: Path, file: ExportFile, export: Export) -> Iterator[str]:
    path = folder / file.name
    if not path.is_file():
        yield "it is missing"
        return
    if (size := path.stat().st_size) != file.bytes:
        yield f"it has {size} bytes instead of {file.bytes}"
        return
    if digest(path) != file.sha256:
        yield "its SHA-256 is another"
        return
    try:
        yield from _content(path, file, export)
    except (OSError, EOFError, zlib.error, zstandard.ZstdError, ValueError, KeyError, TypeError) as error:
        yield f"it cannot be read: {type(error).__name__}: {error}"


def _content(path: Path, file: ExportFile, export: Export) -> Iterator[str]:
    rows = 0
    if path.suffix == ".parquet":
        import pyarrow.parquet as pq  # type: ignore[import-untyped]

        rows = pq.ParquetFile(path).metadata.num_rows
    else:
        for line in _lines(path):
            rows += 1
            if file.table == "bulletins" and (trouble := _hash_trouble(json.loads(line))):
                yield trouble
    if not rows == file.rows == export.tables[file.table]:
        yield f"it has {rows} rows instead of {file.rows}"


def _lines(path: Path) -> Iterator[str]:
    if path.suffix == ".gz":
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            yield from lines
    else:
        with zstandard.open(path, "rt", encoding="utf-8") as lines:
            yield from lines


def _hash_trouble(bulletin: dict[str, Any]) -> str | None:
    """Count the content hash again as the README tells every reader to."""
    content = {name: bulletin[name] for name in _HASHED}
    for section in content["sections"]:
        del section["anchor"], section["citations"]
        section["tags"] = [tag["slug"] for tag in section["tags"]]
    for citation in content["citations"]:
        del citation["reference"]["id"]
    found = f"sha256:{hashlib.sha256(canonical_json(content)).hexdigest()}"
    if found == bulletin["content_hash"]:
        return None
    return f"the content of {bulletin['slug']} has another hash than it says"
