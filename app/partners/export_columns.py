"""The columns of the Parquet files."""

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]

from app.partners.export_manifest import Table

_TEXT, _TEXTS, _NUMBER = pa.string(), pa.list_(pa.string()), pa.int32()
_DAY, _TIME = pa.date32(), pa.timestamp("us", tz="UTC")
_JSON = "json"

_COLUMNS: Mapping[Table, Mapping[str, Any]] = {
    "bulletins": {
        "slug": _TEXT,
        "series": _TEXT,
        "title": _TEXT,
        "date": _DAY,
        "language": _TEXT,
        "organisation": _TEXT,
        "producers": _TEXTS,
        "abstract": _TEXT,
        "tags": _TEXTS,
        "version": _NUMBER,
        "content_hash": _TEXT,
        "published_at": _TIME,
        "updated_at": _TIME,
        "previous": _TEXT,
        "next": _TEXT,
        "sections": _JSON,
        "citations": _JSON,
        "contacts": _JSON,
    },
    "sections": {
        "bulletin": _TEXT,
        "number": _NUMBER,
        "numeral": _TEXT,
        "heading": _TEXT,
        "anchor": _TEXT,
        "page": _NUMBER,
        "body": _JSON,
        "tags": _TEXTS,
        "citations": pa.list_(_NUMBER),
    },
    "tags": {
        "slug": _TEXT,
        "name": _TEXT,
        "name_en": _TEXT,
        "kind": _TEXT,
        "aliases": _TEXTS,
        "parent": _TEXT,
        "bulletin_count": _NUMBER,
        "section_count": _NUMBER,
    },
    "references": {
        "id": _TEXT,
        "source": _TEXT,
        "title": _TEXT,
        "date": _DAY,
        "url": _TEXT,
        "source_slug": _TEXT,
        "citation_count": _NUMBER,
    },
}

SCHEMAS: Mapping[Table, pa.Schema] = {
    table: pa.schema([(name, _TEXT if kind is _JSON else kind) for name, kind in columns.items()])
    for table, columns in _COLUMNS.items()
}


def columns(table: Table, rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Public objects as columns: of a tag or a bulletin that an object names, its slug."""
    made = [{name: _value(name, kind, row[name]) for name, kind in _COLUMNS[table].items()} for row in rows]
    return pa.Table.from_pylist(made, schema=SCHEMAS[table])


def _value(name: str, kind: Any, value: Any) -> Any:
    if kind is _JSON:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    if name == "tags":
        return [tag["slug"] for tag in value]
    if name == "bulletin":
        return value["slug"]
    if value is not None and kind is _DAY:
        return date.fromisoformat(value)
    if kind is _TIME:
        return datetime.fromisoformat(value)
    return value
