"""What the front answers with: messages made once and sent many times."""

import math
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import NamedTuple, Protocol

from starlette.types import Message

from app.kit.conditional import SMALL, compress, date, negotiate, unchanged
from app.kit.whole import whole

Header = tuple[bytes, bytes]
Target = tuple[str, bytes]
"""A decoded path, and the query as it was sent."""
Asked = dict[bytes, bytes]
"""The headers of a request that its answer depends on, several lines of one name joined."""

NOTHING: Message = {"type": "http.response.body", "body": b""}

_ASKING = frozenset({b"accept", b"accept-encoding", b"if-none-match", b"if-modified-since", b"origin"})
_MADE_HERE = frozenset({b"age", b"connection", b"content-length", b"etag", b"transfer-encoding"})
_OF_UNCHANGED = frozenset(
    {b"cache-control", b"content-location", b"expires", b"last-modified", b"link", b"vary"}
)
_OVERHEAD = 2_000
_LONG = 256


class Said(NamedTuple):
    """An answer in two messages, and in one (:mod:`app.kit.whole`) where its headers are known to be safe."""

    start: Message
    body: Message
    whole: Message | None


class Reply(Protocol):
    """Something that answers everybody who asks for one key."""

    def reply(self, asked: Asked) -> Said:
        """The answer to a request."""
        ...


def asks(headers: Iterable[Header]) -> Asked:
    """What the headers of a request ask for."""
    asked: Asked = {}
    for name, value in headers:
        if name in _ASKING:
            asked[name] = asked[name] + b", " + value if name in asked else value
    return asked


class Failure:
    """What an application said that could not answer, for all who waited for it."""

    def __init__(self, start: Message, body: bytes) -> None:
        self._said = Said(start, {"type": "http.response.body", "body": body}, None)

    def reply(self, asked: Asked) -> Said:  # noqa: ARG002 - a Reply
        return self._said


class Answer:
    """A public answer in every coding asked for so far. Times are monotonic seconds.

    Its messages can be sent as they are until ``tick``; then :meth:`renew` lets it age. Its lifetime
    ends at ``until``. ``size`` is about the memory it takes, in bytes; ``grown`` is called when it grows.
    ``targets`` are the spellings of its key that find it at once; before ``retry`` a failed load of it
    is not tried again.
    """

    def __init__(
        self,
        status: int,
        headers: Iterable[Header],
        body: bytes,
        *,
        keys: frozenset[str],
        lifetime: float,
        now: float,
        ready: Mapping[str, bytes] | None = None,
    ) -> None:
        """
        :param headers: those of the identity form, names in lower case.
        :param keys: surrogate keys.
        :param ready: the body in other codings, where the application has them.
        """
        self.status = status
        self.headers = tuple(headers)
        self.body = body
        self.keys = keys
        self.loaded = now
        self.until = now + lifetime
        self.size = _OVERHEAD + sum(len(key) + 100 for key in keys)
        self.grown: Callable[[], None] = _ignore
        self.targets: list[Target] = []
        self.retry = now
        self._stale: Answer | None = None
        self._ready = ready or {}
        given = dict(self.headers)
        self._etag = given.get(b"etag")
        self._modified = date(_text(given.get(b"last-modified")) or "")
        self._forms: dict[str | None, _Form] = {}
        self._age = b"0"
        self._identity = self._form(None)
        self.renew(now)

    def renew(self, now: float) -> None:
        """Let the answer be as old as it is at ``now``."""
        age = math.floor(now - self.loaded)
        self.tick = min(self.loaded + age + 1, self.until)
        self._age = b"%d" % age
        for form in self._forms.values():
            form.renew(self._age)

    def stale(self, now: float) -> Reply:
        """The same answer when nobody vouches for it any more: it says so, and is not to be kept."""
        if self._stale is None:
            headers = [header for header in self.headers if header[0] != b"cache-control"]
            headers += [(b"cache-control", b"no-cache"), (b"cache-status", b"nqpf; hit; detail=stale")]
            self._stale = Answer(
                self.status,
                headers,
                self.body,
                keys=self.keys,
                lifetime=math.inf,
                now=self.loaded,
                ready=self._ready,
            )
        if now >= self._stale.tick:
            self._stale.renew(now)
        return self._stale

    def grow(self, size: int) -> None:
        """Take ``size`` bytes more."""
        self.size += size
        self.grown()

    def reply(self, asked: Asked) -> Said:
        form = self._identity
        if not asked:
            return form.said
        if b"accept-encoding" in asked:
            form = self._form(_coding(asked[b"accept-encoding"]))
        match, since = asked.get(b"if-none-match"), asked.get(b"if-modified-since")
        if (match is not None or since is not None) and self.status == 200:
            # Nearly all who ask so name just the tag that they have.
            known = match is not None and match == form.etag
            if known or unchanged(_text(match), _text(since), form.opaque, self._modified):
                return form.unchanged
        return form.said

    def _form(self, coding: str | None) -> "_Form":
        found = self._forms.get(coding)
        if found is None:
            found = self._forms[coding] = self._made(coding)
            self.grow(len(found.body) + _OVERHEAD)
        return found

    def _made(self, coding: str | None) -> "_Form":
        if coding is None:
            return _Form(self.status, self.headers, self.body, None, self._etag, self._age)
        if len(self.body) < SMALL:
            return self._identity
        body = self._ready.get(coding) or compress(self.body, coding)
        if len(body) >= len(self.body):
            return self._identity
        etag = None if self._etag is None else _tag(self._etag, coding)
        return _Form(self.status, self.headers, body, coding, etag, self._age)


class _Form:
    """An answer in one coding: the messages that start it, or say that it is unchanged, and its body."""

    def __init__(
        self,
        status: int,
        headers: Iterable[Header],
        body: bytes,
        coding: str | None,
        etag: bytes | None,
        age: bytes,
    ) -> None:
        own = [] if etag is None else [(b"etag", etag)]
        self.etag = etag
        self.opaque = frozenset() if etag is None else {etag.removeprefix(b"W/").decode("latin-1")}
        self._status = status
        self._headers = [header for header in headers if header[0] not in _MADE_HERE] + own
        self._unchanged = [header for header in headers if header[0] in _OF_UNCHANGED] + own
        self._headers.append((b"content-length", b"%d" % len(body)))
        if coding is not None:
            self._headers.append((b"content-encoding", coding.encode()))
        self.body = body
        self.renew(age)

    def renew(self, age: bytes) -> None:
        aged = (b"age", age)
        self.said = _said(self._status, [*self._headers, aged], self.body)
        self.unchanged = _said(304, [*self._unchanged, aged], b"")


def _said(status: int, headers: list[Header], body: bytes) -> Said:
    start = {"type": "http.response.start", "status": status, "headers": headers}
    return Said(start, {"type": "http.response.body", "body": body}, whole(status, headers, body))


def _tag(etag: bytes, coding: str | None) -> bytes:
    """The entity tag of the same content in another coding."""
    return etag if coding is None else b'%s-%s"' % (etag.removesuffix(b'"'), coding.encode())


def _coding(accept: bytes) -> str | None:
    # A client chooses how long its header is: only what is short is remembered.
    return _remembered(accept) if len(accept) <= _LONG else negotiate(accept.decode("latin-1"))


@lru_cache(maxsize=256)
def _remembered(accept: bytes) -> str | None:
    return negotiate(accept.decode("latin-1"))


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("latin-1")


def _ignore() -> None:
    """Nobody counts the memory of this answer."""
