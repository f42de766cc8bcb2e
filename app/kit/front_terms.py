"""The terms on which an answer opts in to be kept: all that a handler's cache policy says to the front."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from app.kit.front_answer import Header

_KEEPABLE = frozenset({200, 404, 410})
_REFUSING = frozenset({"no-store", "no-cache", "private"})
_LIFETIME = re.compile(r"[1-9][0-9]{0,8}")
# Who asks for another form by Accept is not answered from here (``Front.bypass``).
_VARYING = frozenset({"", "accept", "accept-encoding", "origin"})
# What RFC 9110 allows in no name and in no value: some servers would send it as it is.
_NO_NAME = re.compile(rb"[^!#$%&'*+\-.^_`|~0-9A-Za-z]")
_NO_VALUE = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Terms:
    """How many seconds an answer may be kept, and the surrogate keys whose change ends that."""

    lifetime: int
    keys: frozenset[str]


def terms(status: int, headers: Iterable[Header]) -> Terms | None:
    """The terms that an answer's headers state; None when it did not opt in.

    It opts in by ``Surrogate-Key`` and a public ``Cache-Control`` with a lifetime: ``max-age``, for it is
    the one that ``Age`` counts against, or ``s-maxage`` where that stands alone. And it must be the same
    for everybody: not encoded yet, without cookies, varying with nothing but coding, origin and ``Accept``.
    """
    given: dict[bytes, str] = {}
    for name, value in headers:
        if _NO_NAME.search(name) or _NO_VALUE.search(value):
            return None
        text = value.decode("latin-1")
        given[name] = f"{given[name]},{text}" if name in given else text
    control = _directives(given.get(b"cache-control", ""))
    keys = given.get(b"surrogate-key", "").replace(",", " ").split()
    lifetime = control.get("max-age", control.get("s-maxage", ""))
    if (
        status not in _KEEPABLE
        or not keys
        or "public" not in control
        or _REFUSING & control.keys()
        or not _LIFETIME.fullmatch(lifetime)
        or b"set-cookie" in given
        or b"content-encoding" in given
        or {name.strip() for name in given.get(b"vary", "").lower().split(",")} - _VARYING
    ):
        return None
    return Terms(int(lifetime), frozenset(keys))


def _directives(control: str) -> dict[str, str]:
    parts = (part.partition("=") for part in control.lower().split(","))
    return {name.strip(): value.strip().strip('"') for name, _, value in parts}
