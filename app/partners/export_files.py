"""Writing rows to the files of an export, a batch at a time."""

import gzip
import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path

import zstandard

from app.partners.export_manifest import Table

MEDIA_TYPES: Mapping[str, str] = {
    "ndjson.gz": "application/gzip",
    "ndjson.zst": "application/zstd",
    "parquet": "application/vnd.apache.parquet",
}


class Sink(ABC):
    """A file that takes rows as their JSON."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")

    @abstractmethod
    def write(self, rows: Sequence[bytes]) -> None: ...

    def close(self) -> None:
        self._file.close()


class Gzip(Sink):
    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._gzip = gzip.GzipFile("", "wb", compresslevel=6, fileobj=self._file, mtime=0)

    def write(self, rows: Sequence[bytes]) -> None:
        self._gzip.writelines(row + b"\n" for row in rows)

    def close(self) -> None:
        self._gzip.close()
        super().close()


class Zstd(Sink):
    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._zstd = zstandard.ZstdCompressor(level=9).stream_writer(self._file)

    def write(self, rows: Sequence[bytes]) -> None:
        for row in rows:
            self._zstd.write(row + b"\n")

    def close(self) -> None:
        self._zstd.close()  # type: ignore[no-untyped-call]


class Parquet(Sink):
    """Columns of plain types; what is nested deeper, such as a section's body, is a column of JSON."""

    def __init__(self, path: Path, table: Table) -> None:
        # Imported here: only who exports pays for it.
        import pyarrow.parquet as pq  # type: ignore[import-untyped]

        from app.partners import export_columns

        super().__init__(path)
        self._columns = export_columns
        self._table = table
        self._writer = pq.ParquetWriter(self._file, export_columns.SCHEMAS[table], compression="zstd")

    def write(self, rows: Sequence[bytes]) -> None:
        self._writer.write_table(self._columns.columns(self._table, [json.loads(row) for row in rows]))

    def close(self) -> None:
        self._writer.close()
        super().close()


def sinks(folder: Path, table: Table) -> dict[str, Sink]:
    """The open files of a table by their extension."""
    return {
        "ndjson.gz": Gzip(folder / f"{table}.ndjson.gz"),
        "ndjson.zst": Zstd(folder / f"{table}.ndjson.zst"),
        "parquet": Parquet(folder / f"{table}.parquet", table),
    }
