"""Finished answers: JSON bytes with validators, conditional requests and compression."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

from fastapi import Request, Response
from pydantic import BaseModel

from app.kit.changes import EVERYTHING
from app.kit.conditional import SMALL, compress, negotiate, unchanged

JSON = "application/json"
SPARSE = "application/vnd.nqpf.sparse+json"
"""Says that ``fields`` left parts of the object out, so a typed reader is not misled."""

READY = "nqpf.ready"
"""In the scope's ``extensions``: a dict that takes the answer's body in other codings, by their names."""

_SETTLED = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class CachePolicy:
    """How long an answer may be reused without asking, in seconds.

    ``s_maxage`` is for caches that are told of changes (:mod:`app.kit.purging`), and may be long;
    ``stale_while_revalidate`` for how long they may answer with it while they ask again.
    """

    max_age: int
    s_maxage: int | None = None
    stale_while_revalidate: int | None = None

    def header(self) -> str:
        directives = {
            "max-age": self.max_age,
            "s-maxage": self.s_maxage,
            "stale-while-revalidate": self.stale_while_revalidate,
        }
        return ", ".join(["public", *(f"{name}={value}" for name, value in directives.items() if value)])


PUBLIC = CachePolicy(max_age=60)
BEHIND_CDN = CachePolicy(max_age=60, s_maxage=86_400, stale_while_revalidate=60)
"""For public answers where a cache in front of this one is told of changes."""


@dataclass(frozen=True, slots=True)
class Body:
    """Bytes to answer with; ``etag`` and the codings in ``ready`` where they have been made already.

    ``lasting`` is the part that says whether it has changed, where that is not all of it: the
    ``ETag`` is of that part, and weak.
    """

    content: bytes
    media_type: str = JSON
    etag: str | None = None
    ready: Mapping[str, bytes] = field(default_factory=dict)
    lasting: bytes | None = None


def sparse(content: bytes, fields: frozenset[str] | None, *, listed: bool = False) -> Body:
    """The JSON object, or of each of its ``items``, only these fields; all of it when None."""
    if fields is None:
        return Body(content)
    whole = json.loads(content)
    if listed:
        kept = {**whole, "items": [_only(item, fields) for item in whole["items"]]}
    else:
        kept = _only(whole, fields)
    return Body(json.dumps(kept, ensure_ascii=False, separators=(",", ":")).encode(), SPARSE)


def without(content: bytes, names: frozenset[str]) -> bytes:
    """The JSON object without some fields."""
    whole = json.loads(content)
    return json.dumps(_only(whole, whole.keys() - names), ensure_ascii=False, separators=(",", ":")).encode()


def _only(item: Mapping[str, Any], fields: Set[str]) -> dict[str, Any]:
    return {name: value for name, value in item.items() if name in fields}


def reply(
    request: Request,
    body: Body | BaseModel,
    *,
    keys: Iterable[str],
    modified: datetime | None,
    headers: Mapping[str, str] | None = None,
    policy: CachePolicy | None = None,
) -> Response:
    """Answer with the body, or 304 when the client has it already.

    :param keys: the surrogate keys by which the answer is dropped when what it says changes.
    :param modified: when the content last changed; None leaves ``Last-Modified`` out.
    :param policy: None for that of the application, which knows what stands in front of it.
    """
    policy = policy or request.app.state.policy
    if isinstance(body, BaseModel):
        body = Body(body.model_dump_json().encode())
    _offer(request, body)
    names = [EVERYTHING, *keys]
    head = {
        "Cache-Control": policy.header(),
        "Surrogate-Key": " ".join(names),
        "Cache-Tag": ",".join(names),
        "Vary": "Accept-Encoding",
        **(headers or {}),
    }
    if modified is not None and datetime.now(UTC) - modified < _SETTLED:
        # Its validator counts whole seconds: a second change might still fall into the same one.
        modified = None
    if modified is not None:
        head["Last-Modified"] = format_datetime(modified.astimezone(UTC), usegmt=True)
    return _validated(request, body, head, modified)


def _validated(request: Request, body: Body, head: dict[str, str], modified: datetime | None) -> Response:
    """The body with its ``ETag``, or 304."""
    coding = negotiate(_header(request, "accept-encoding") or "") if len(body.content) >= SMALL else None
    tag = body.etag or hashlib.sha256(body.lasting or body.content).hexdigest()[:32]
    etag = f'"{tag}-{coding}"' if coding else f'"{tag}"'
    head["ETag"] = etag if body.lasting is None else f"W/{etag}"
    match, since = _header(request, "if-none-match"), request.headers.get("if-modified-since")
    if unchanged(match, since, {etag}, modified):
        return Response(status_code=304, headers=head)
    if coding:
        head["Content-Encoding"] = coding
    content = body.ready.get(coding or "") or compress(body.content, coding)
    return Response(content, media_type=body.media_type, headers=head)


def reply_privately(request: Request, body: Body) -> Response:
    """:func:`reply` for the one who asked: only they keep it, and ask each time whether it has changed."""
    head = {
        "Cache-Control": "private, no-cache",
        "Vary": "Accept-Encoding, Authorization",
        "X-Content-Type-Options": "nosniff",
    }
    return _validated(request, body, head, None)


def private(
    content: BaseModel | None, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """An answer for the one who asked: nobody stores it, and browsers take it for nothing but JSON."""
    head = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", **(headers or {})}
    if content is None:
        return Response(status_code=status, headers=head)
    return Response(content.model_dump_json(), status, head, media_type=JSON)


def _offer(request: Request, body: Body) -> None:
    """Hand over what nobody has to compress again."""
    taken = request.scope.get("extensions", {}).get(READY)
    if taken is not None:
        taken.update(body.ready)


def _header(request: Request, name: str) -> str | None:
    """A header that is a list, which may stand on several lines."""
    return ", ".join(request.headers.getlist(name)) or None
