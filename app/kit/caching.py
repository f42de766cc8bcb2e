"""Finished answers: JSON bytes with validators, conditional requests and compression."""

import gzip
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any

import zstandard
from fastapi import Request, Response
from pydantic import BaseModel

JSON = "application/json"
SPARSE = "application/vnd.nqpf.sparse+json"
"""Says that ``fields`` left parts of the object out, so a typed reader is not misled."""

_SETTLED = timedelta(seconds=2)
_ETAG = re.compile(r'"[^"]*"')

SMALL = 1_000
"""Bodies below this many bytes are not worth compressing."""


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
    if _unchanged(request, etag, modified):
        return Response(status_code=304, headers=head)
    if coding:
        head["Content-Encoding"] = coding
    return Response(compress(body, coding), media_type=media_type, headers=head)


def _included(fields: frozenset[str] | None, *, listed: bool) -> Any:
    if fields is None:
        return None
    return {"items": {"__all__": set(fields)}, "next": True} if listed else set(fields)


def compress(body: bytes, coding: str | None) -> bytes:
    """The body in a content coding, the same bytes every time."""
    match coding:
        case "zstd":
            return zstandard.ZstdCompressor(level=6).compress(body)
        case "gzip":
            return gzip.compress(body, compresslevel=6, mtime=0)
        case _:
            return body


def negotiate(accept: str) -> str | None:
    """The content coding to answer with: zstd before gzip at equal weight, None for neither.

    What is not named is acceptable but not asked for, ``identity`` included.
    """
    weights: dict[str, float] = {}
    for part in accept.lower().split(","):
        coding, _, parameter = part.partition(";")
        name, _, weight = parameter.strip().partition("=")
        try:
            weights[coding.strip()] = float(weight) if name.strip() == "q" else 1.0
        except ValueError:
            weights[coding.strip()] = 0.0
    offered = [(weights.get(coding, weights.get("*", 0.0)), coding) for coding in ("gzip", "zstd")]
    best, name = max(offered)
    return name if best > 0 and best >= weights.get("identity", 0.0) else None


def _header(request: Request, name: str) -> str | None:
    """A header that is a list, which may stand on several lines."""
    return ", ".join(request.headers.getlist(name)) or None


def _unchanged(request: Request, etag: str, modified: datetime | None) -> bool:
    """RFC 9110 §13: If-None-Match decides alone where it is given, and compares weakly."""
    known = _header(request, "if-none-match")
    if known is not None:
        return known.strip() == "*" or etag in _ETAG.findall(known)
    since = request.headers.get("if-modified-since")
    if since is None or modified is None:
        return False
    try:
        moment = parsedate_to_datetime(since)
    except (ValueError, OverflowError):
        return False
    if moment.tzinfo is None:
        return False
    return modified.replace(microsecond=0) <= moment
