"""Finished answers: JSON bytes with validators, conditional requests and compression."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

from fastapi import Request, Response
from pydantic import BaseModel

from app.kit.conditional import SMALL, compress, negotiate, unchanged

JSON = "application/json"
SPARSE = "application/vnd.nqpf.sparse+json"
"""Says that ``fields`` left parts of the object out, so a typed reader is not misled."""

_SETTLED = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class CachePolicy:
    """How long an answer may be reused without asking, in seconds."""

    max_age: int

    def header(self) -> str:
        return f"public, max-age={self.max_age}"


PUBLIC = CachePolicy(max_age=60)


def reply(
    request: Request,
    content: BaseModel,
    *,
    modified: datetime | None,
    fields: frozenset[str] | None = None,
    listed: bool = False,
    volatile: frozenset[str] = frozenset(),
    headers: Mapping[str, str] | None = None,
    policy: CachePolicy = PUBLIC,
) -> Response:
    """Answer with ``content``, or 304 when the client has it already.

    :param modified: when the content last changed; None leaves ``Last-Modified`` out.
    :param fields: the fields to keep; of each item when ``listed``.
    :param volatile: fields that say how the answer was made. The ``ETag`` leaves them out and is weak.
    """
    body = content.model_dump_json(include=_included(fields, listed=listed)).encode()
    return finished(
        request,
        body,
        JSON if fields is None else SPARSE,
        modified=modified,
        lasting=content.model_dump_json(exclude=set(volatile)).encode() if volatile else None,
        headers=headers,
        policy=policy,
    )


def finished(
    request: Request,
    body: bytes,
    media_type: str,
    *,
    modified: datetime | None,
    lasting: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    policy: CachePolicy = PUBLIC,
) -> Response:
    """Answer with ready bytes: validators, compression and 304 as HTTP asks.

    :param lasting: the part of the body that says whether it has changed, where that is not all of it.
    """
    coding = negotiate(_header(request, "accept-encoding") or "") if len(body) >= SMALL else None
    tag = hashlib.sha256(body if lasting is None else lasting).hexdigest()[:32]
    etag = f'"{tag}-{coding}"' if coding else f'"{tag}"'
    head = {
        "ETag": etag if lasting is None else f"W/{etag}",
        "Cache-Control": policy.header(),
        "Vary": "Accept-Encoding",
        **(headers or {}),
    }
    if modified is not None and datetime.now(UTC) - modified < _SETTLED:
        # Its validator counts whole seconds: a second change might still fall into the same one.
        modified = None
    if modified is not None:
        head["Last-Modified"] = format_datetime(modified.astimezone(UTC), usegmt=True)
    match, since = _header(request, "if-none-match"), request.headers.get("if-modified-since")
    if unchanged(match, since, {etag}, modified):
        return Response(status_code=304, headers=head)
    if coding:
        head["Content-Encoding"] = coding
    return Response(compress(body, coding), media_type=media_type, headers=head)


def private(
    content: BaseModel | None, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """An answer for the one who asked: nobody stores it, and browsers take it for nothing but JSON."""
    head = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", **(headers or {})}
    if content is None:
        return Response(status_code=status, headers=head)
    return Response(content.model_dump_json(), status, head, media_type=JSON)


def _included(fields: frozenset[str] | None, *, listed: bool) -> Any:
    if fields is None:
        return None
    return {"items": {"__all__": set(fields)}, "next": True} if listed else set(fields)


def _header(request: Request, name: str) -> str | None:
    """A header that is a list, which may stand on several lines."""
    return ", ".join(request.headers.getlist(name)) or None
