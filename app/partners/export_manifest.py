"""What an export says about itself."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

SCHEMA_VERSION = 1
"""One more whenever a reader of an older export would not understand a newer one."""

MANIFEST = "manifest.json"

Table = Literal["bulletins", "sections", "tags", "references"]
TABLES: tuple[Table, ...] = ("bulletins", "sections", "tags", "references")


class ExportFile(BaseModel):
    """A file; ``sha256`` is hexadecimal, ``bytes`` its size."""

    model_config = ConfigDict(frozen=True)

    name: Annotated[str, Field(pattern=r"^[a-z]+\.(ndjson\.gz|ndjson\.zst|parquet)$")]
    table: Table
    media_type: str
    bytes: int
    sha256: str
    rows: int


class Export(BaseModel):
    """A whole copy of what was public after the change ``seq``; the sync feed goes on from there."""

    model_config = ConfigDict(frozen=True)

    name: str = Field(examples=["812-20260625T184100123456Z"])
    schema_version: int
    seq: int = Field(description="The last change that is in it, 0 for none")
    created_at: datetime
    tables: dict[Table, int] = Field(description="Rows of each table")
    files: list[ExportFile]


class Exports(BaseModel):
    """The exports that are kept, the newest first."""

    items: list[Export]
