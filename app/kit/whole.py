"""Answers sent at once: an ASGI extension between our server and what answers from memory.

A server that can do it has :data:`WHOLE` among the scope's ``extensions``. Then one message of that type,
with ``status``, ``head`` and ``body``, may answer a GET instead of ``http.response.start`` and
``http.response.body``. ``head`` is the status line and the headers' lines, with ``Content-Length`` wherever
there is a body. They are sent as they are, so whoever makes them vouches for them; the server adds its own.
"""

from collections.abc import Iterable
from http import HTTPStatus

from starlette.types import Message

WHOLE = "nqpf.response.whole"

Headers = Iterable[tuple[bytes, bytes]]

_STATUS_LINES = {each.value: f"HTTP/1.1 {each.value} {each.phrase}\r\n".encode() for each in HTTPStatus}


def whole(status: int, headers: Headers, body: bytes) -> Message:
    """The message that is a whole answer."""
    return {"type": WHOLE, "status": status, "head": _STATUS_LINES[status] + lines(headers), "body": body}


def lines(headers: Headers) -> bytes:
    """A line for each header, with its end."""
    return b"".join([b"%b: %b\r\n" % header for header in headers])


def with_headers(message: Message, headers: Headers) -> Message:
    """What begins an answer, or is a whole one, with more headers."""
    if message["type"] == WHOLE:
        return {**message, "head": message["head"] + lines(headers)}
    return {**message, "headers": [*message["headers"], *headers]}
