"""WeChat as a real HTTP server: strict, with faults on demand."""

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.wechat.simulator_rules import Refusal
from tests.wechat.simulator_world import World


@dataclass
class Fault:
    """Something that happens to one call of a path.

    ``code`` refuses it; ``status`` answers so without a body; ``drop`` closes the connection, after the
    work when ``works``; ``gate`` is waited for after the work.
    """

    path: str
    code: int | None = None
    status: int | None = None
    drop: bool = False
    works: bool = False
    gate: threading.Event | None = None


@dataclass
class Simulator:
    """The server; ``log`` holds what it was asked, as (path, body)."""

    url: str
    world: World
    faults: list[Fault] = field(default_factory=list)
    log: list[tuple[str, Any]] = field(default_factory=list)
    watch: Callable[[str], None] = lambda _path: None

    def fail(self, path: str, **how: Any) -> None:
        self.faults.append(Fault(path, **how))

    def asked(self, path: str) -> list[Any]:
        return [body for called, body in self.log if called == path]

    def fault(self, path: str) -> Fault | None:
        with self.world.lock:
            found = next((fault for fault in self.faults if fault.path == path), None)
            if found:
                self.faults.remove(found)
            return found


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: "_Server"

    def answer(self) -> None:
        simulator = self.server.simulator
        parts = urlsplit(self.path)
        params = dict(parse_qsl(parts.query))
        token = params.pop("access_token", None)
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = parts.path.removeprefix("/cgi-bin/")
        fault = simulator.fault(path)
        if fault and fault.drop and not fault.works:
            self.close_connection = True
            return
        if fault and fault.status:
            self._send(fault.status, b"<html>busy</html>", "text/html")
            return
        answer = self._done(simulator, path, token, params, raw, fault)
        if fault and fault.gate:
            fault.gate.wait(10)
        if fault and fault.drop:
            self.close_connection = True
            return
        kind = "text/plain" if path == "media/uploadimg" else "application/json; encoding=utf-8"
        self._send(200, json.dumps(answer, ensure_ascii=False).encode(), kind)

    def _done(
        self, simulator: Simulator, path: str, token: str | None, params: Any, raw: bytes, fault: Fault | None
    ) -> dict[str, Any]:
        world = simulator.world
        with world.lock:
            try:
                self._check(world, fault)
                body, media = self._content(raw)
                simulator.log.append((path, body))
                answer = world.handle(path, token, params, body, media)
            except Refusal as refusal:
                answer = {"errcode": refusal.code, "errmsg": f"{refusal.message} rid: 1-2-3", **refusal.more}
        simulator.watch(path)
        return answer

    def _check(self, world: World, fault: Fault | None) -> None:
        if self.client_address[0] not in world.whitelist:
            raise Refusal(40164, f"invalid ip {self.client_address[0]}, not in whitelist")
        if fault and fault.code is not None:
            raise Refusal(fault.code, "told to")

    def _content(self, raw: bytes) -> tuple[Any, bytes]:
        kind = self.headers.get("Content-Type", "")
        if found := re.match("multipart/form-data; boundary=(.+)", kind):
            head, _, rest = raw.partition(b"\r\n\r\n")
            if b'name="media"; filename=' not in head:
                raise Refusal(41005, "media data missing")
            return None, rest.rpartition(b"\r\n--" + found[1].encode())[0]
        if not raw:
            return None, b""
        if b"\\u" in raw:
            raise Refusal(47001, "escaped characters would be shown as they are")
        with suppress(ValueError):
            return json.loads(raw), b""
        raise Refusal(47001, "data format error")

    def _send(self, status: int, content: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        with suppress(BrokenPipeError, ConnectionResetError):
            self.wfile.write(content)

    do_GET = do_POST = answer  # noqa: N815 - the names that http.server calls

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.simulator = Simulator(f"http://127.0.0.1:{self.server_address[1]}", World())

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is no error of ours."""


@contextmanager
def simulating() -> Iterator[Simulator]:
    """WeChat, while the context lasts."""
    server = _Server()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server.simulator
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
