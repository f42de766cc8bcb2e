"""HTTP on the wire: what is refused before there is a request, how much waits, and answers sent at once."""

import asyncio
import sys
from collections.abc import Sized
from typing import Any, ClassVar

from httptools import HttpParserCallbackError, HttpParserInvalidMethodError, HttpParserInvalidURLError
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from app.kit.hub import STOP
from app.kit.problem_kinds import MEDIA_TYPE, unheard
from app.kit.whole import WHOLE, lines, whole

MAX_HEAD = 64 * 1024
_LINGER_SECONDS = 2.0
_PIECE = 4 * 1024
_EXTENSIONS: dict[str, dict[object, object]] = {WHOLE: {}}


class HttpProtocol(HttpToolsProtocol):
    """uvicorn's protocol, with refusals as problems, limits, and whole answers, for its ``http`` setting.

    ``MAX_HEAD`` bounds the bytes after a read that are neither body nor complete: a request line with its
    headers, or trailers. The parser joins each piece of a header to all before it, so a long one would
    stop every other connection.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.url = b""
        self._incomplete = 0
        self._held = bytearray()
        self._refused = False
        # Whole answers leave no line in uvicorn's log of them.
        self._extensions = {} if self.config.access_log else _EXTENSIONS

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.flow = _Flow(transport, self.pipeline, self._held)

    def data_received(self, data: bytes) -> None:
        if self._held or len(data) > _PIECE:
            self._held += data
            self._feed()
            return
        if self._refused:
            return
        self._incomplete += len(data)
        super().data_received(data)
        if self._incomplete > MAX_HEAD and not self._refused:
            self._refuse_head()

    def _feed(self) -> None:
        """Parse what is held, a piece at a time, as long as no request waits for the answer of another.

        A request takes a hundred times the memory of its bytes: what waits, waits as bytes.
        """
        held = bytes(self._held)
        self._held.clear()
        at = 0
        while at < len(held) and not self.pipeline and not self.transport.is_closing():
            self.data_received(held[at : at + _PIECE])
            at += _PIECE
        if self.transport.is_closing():
            return
        self._held += held[at:]
        if self._held:
            self.flow.pause_reading()
        elif self.cycle is None or self.cycle.response_complete:
            self.flow.resume_reading()

    def on_body(self, body: bytes) -> None:
        self._incomplete = 0
        super().on_body(body)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._incomplete = 0
        # uvicorn makes its cycles itself, without asking of which class.
        cycle.__class__ = Cycle
        cycle.scope["extensions"] = self._extensions
        super()._start_asgi_task(cycle, app)
        if self._held:
            self.loop.call_soon(self._feed)

    def shutdown(self) -> None:
        # The application's own shutdown comes after its last answer, so those who wait for one are told now.
        if stop := self.app_state.get(STOP):
            stop()
        super().shutdown()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's signature
        if len(self.url) >= MAX_HEAD - 1:  # The parser takes no longer address.
            self._refuse_head()
            return
        self._refuse("malformed-request", _reason(sys.exc_info()[1]))

    def _refuse_head(self) -> None:
        self._refuse("head-too-large", f"The request line and headers are longer than {MAX_HEAD} bytes.")

    def _refuse(self, kind: str, detail: str) -> None:
        """Answer with a problem, unless an answer before it is still due, and close."""
        self._refused = True
        cycle = self.cycle
        if cycle is not None and not cycle.response_complete:
            if not cycle.more_body:
                cycle.keep_alive = False
                return
            if cycle.response_started or self.pipeline:
                self.transport.close()
                return
            cycle.disconnected = True
            cycle.message_event.set()
        self.transport.write(self._answer(kind, detail))
        if not self.transport.can_write_eof():
            self.transport.close()
            return
        # Closed at once, with bytes on the way, the connection is reset and the answer may be lost.
        self.transport.write_eof()
        self.loop.call_later(_LINGER_SECONDS, self.transport.close)

    def _answer(self, kind: str, detail: str) -> bytes:
        problem = unheard(kind, detail)
        body = problem.model_dump_json().encode()
        headers = [
            *self.server_state.default_headers,
            (b"content-type", MEDIA_TYPE.encode()),
            (b"content-length", b"%d" % len(body)),
            (b"cache-control", b"no-store"),
            (b"connection", b"close"),
        ]
        return bytes(whole(problem.status, headers, body)["head"]) + b"\r\n" + body


def _reason(error: BaseException | None) -> str:
    """Why the parser gave up, for the client."""
    match error:
        case HttpParserInvalidMethodError():
            return "The method is unknown, or this is not HTTP at all (TLS on a port without it?)."
        # uvicorn reads the address in a callback.
        case HttpParserInvalidURLError() | HttpParserCallbackError():
            return "The address cannot be read. It is ASCII: percent-encode all else, as in ?q=%E7%AE%97."
    return f"It is not HTTP/1.1: {error}."


class _Flow(FlowControl):
    """uvicorn's, which goes on reading after each answer however much waits already."""

    def __init__(self, transport: asyncio.Transport, *waiting: Sized) -> None:
        super().__init__(transport)
        self._waiting = waiting

    def resume_reading(self) -> None:
        if self.read_paused and not any(self._waiting):
            super().resume_reading()


class Cycle(RequestResponseCycle):
    """uvicorn's request and response, which can send whole answers as well."""

    # The server has a new list every second: the headers, and their lines.
    _own: ClassVar[tuple[object, bytes]] = None, b""

    async def send(self, message: Any) -> None:
        if message["type"] != WHOLE:
            await super().send(message)
            return
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if self.disconnected:
            return
        if self.response_started:
            raise RuntimeError("a whole answer after the beginning of another")
        self.response_started = self.response_complete = True
        self.waiting_for_100_continue = False
        own = Cycle._own
        if own[0] is not self.default_headers:
            own = Cycle._own = self.default_headers, lines(self.default_headers)
        end = b"\r\n" if self.keep_alive else b"connection: close\r\n\r\n"
        head = message["head"] + own[1] + end
        # An empty piece is never sent by the asyncio of Python 3.12 and 3.13, and it goes on trying.
        if body := message["body"]:
            self.transport.writelines((head, body))
        else:
            self.transport.write(head)
        self.message_event.set()
        if not self.keep_alive:
            self.transport.close()
        self.on_response()
