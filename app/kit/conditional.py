"""What a request asks of ready bytes (RFC 9110): a content coding, or only to hear of a change."""

import gzip
import re
from collections.abc import Collection
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Annotated

import zstandard
from fastapi import Header

from app.kit.problems import Problem

SMALL = 1_000
"""Bodies below this many bytes are not worth compressing."""

_ETAG = re.compile(r'"[^"]*"')


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


def unchanged(match: str | None, since: str | None, tags: Collection[str], modified: datetime | None) -> bool:
    """Whether the client has the answer already (RFC 9110 §13).

    :param match: ``If-None-Match``; it decides alone where it is given, and compares weakly.
    :param since: ``If-Modified-Since``; what is no date is ignored.
    :param tags: the quoted entity tags that stand for the answer, without ``W/``.
    :param modified: when the answer last changed; None when that is not known.
    """
    if match is not None:
        return match.strip() == "*" or any(tag in tags for tag in _ETAG.findall(match))
    if since is None or modified is None:
        return False
    moment = date(since)
    return moment is not None and modified.replace(microsecond=0) <= moment


IfMatch = Annotated[
    str | None,
    Header(
        alias="If-Match",
        max_length=200,
        description="The `ETag` of what you have read; what has changed since is not overwritten",
        examples=['"3.1"'],
    ),
]


def demand_match(match: str | None, etag: str) -> None:
    """Make sure that a writer has read what it is about to replace; ``*`` does not say so.

    :raises Problem: ``If-Match`` is missing, or names another state than ``etag``.
    """
    if match is None or match.strip() == "*":
        raise Problem("precondition-required", "If-Match must name the ETag that was read.")
    if etag not in [tag.strip() for tag in match.split(",")]:
        raise Problem("precondition-failed", f"It is at {etag} now.", headers={"ETag": etag})


def date(header: str) -> datetime | None:
    """The moment that a header names; None when it names none."""
    try:
        moment = parsedate_to_datetime(header)
    except (ValueError, OverflowError):
        return None
    return moment if moment.tzinfo is not None else None
