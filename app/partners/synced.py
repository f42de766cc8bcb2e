"""What the sync feed gives, straight from the JSON that is kept: it is much to give."""

from datetime import datetime
from typing import Any

from app.bulletins.models import PublishedVersion, Tag
from app.bulletins.shapes import anchor
from app.bulletins.versions import Merged, Past
from app.kit.changes import Change

_SAME = ("series", "title", "language", "organisation", "producers", "abstract", "contacts")

Json = dict[str, Any]


def put_bulletin(row: PublishedVersion, merged: Merged, seq: int, event: str) -> Json:
    """Keep this version, as it reads with what was merged."""
    return {
        "action": "put",
        "object": "bulletin",
        "id": row.slug,
        "version": row.version,
        "seq": seq,
        "event": event,
        "at": row.at,
        "note": row.note,
        "bulletin": _bulletin(row, merged),
    }


def put_tag(row: Tag, seq: int, event: str, at: datetime | None) -> Json:
    """Keep this tag, whose parent must be loaded."""
    tag = {
        "slug": row.slug,
        "name": row.name,
        "name_en": row.name_en,
        "kind": row.kind,
        "aliases": row.aliases,
        "parent": row.parent.slug if row.parent else None,
    }
    return {
        "action": "put",
        "object": "tag",
        "id": row.slug,
        "version": None,
        "seq": seq,
        "event": event,
        "at": at,
        "note": "",
        "tag": tag,
    }


def remove(change: Change, kind: str, reason: str, **more: str | int) -> Json:
    """Delete the change's subject, or the object that ``more`` names by ``id`` and ``version``."""
    return {
        "action": "remove",
        "object": kind,
        "id": change.subject,
        "version": change.version,
        "seq": change.seq,
        "event": change.kind,
        "at": change.at,
        "note": change.payload.get("note", ""),
        "reason": reason,
        **more,
    }


def _bulletin(row: PublishedVersion, merged: Merged) -> Json:
    """A whole bulletin, without its neighbours: :class:`app.partners.schemas.SyncedBulletin`."""
    tags = {tag["slug"]: tag for tag in row.tags}
    if tags.keys() & merged.slugs.keys():
        past = Past(row, row.at, None, None, merged)
        return past.whole().model_dump(exclude={"previous", "next"})
    document = row.document
    assert document is not None  # noqa: S101 - it has not been withdrawn
    citations = document["citations"]
    return {
        "slug": row.slug,
        "date": row.date,
        **{name: document[name] for name in _SAME},
        "tags": row.tags,
        "version": row.version,
        "content_hash": row.content_hash,
        "published_at": row.published_at,
        "updated_at": row.at,
        "sections": [_section(section, tags, citations) for section in document["sections"]],
        "citations": [
            {
                "number": citation["number"],
                "purpose": citation["purpose"],
                "sections": citation["sections"],
                "inferred": citation["inferred"],
                "reference": {"id": merged.references.get(reference, reference), **citation["reference"]},
            }
            for citation, reference in zip(citations, row.references, strict=True)
        ],
    }


def _section(section: Json, tags: dict[str, Json], citations: list[Json]) -> Json:
    number = section["number"]
    return {
        "number": number,
        "numeral": section["numeral"],
        "heading": section["heading"],
        "anchor": anchor(number),
        "page": section["page"],
        "body": section["body"],
        "tags": [tags[tag["slug"]] for tag in section["tags"]],
        "citations": [citation["number"] for citation in citations if number in citation["sections"]],
    }
