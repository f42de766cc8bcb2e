"""A real HTTP server on a socket, whose answers are a function of the requests."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Asked:
    """A request; ``port`` is the client's, the same for all that share a connection."""

    method: str
    path: str
    body: Any
    headers: Mapping[str, str]
    port: int


@dataclass(frozen=True)
class Given:
    """An answer; without ``status`` the connection is dropped instead."""

    status: int | None
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


Answering = Callable[[Asked], Given]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: "_Server"

    def answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        content = json.loads(body) if body else None
        asked = Asked(self.command, self.path, content, dict(self.headers), self.client_address[1])
        given = self.server.answering(asked)
        if given.status is None:
            self.close_connection = True
            return
        content = json.dumps(given.body, ensure_ascii=False).encode()
        self.send_response(given.status)
        for name, value in {"Content-Type": "application/json", **given.headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PATCH = do_DELETE = answer  # noqa: N815 - the names that http.server calls

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, answering: Answering) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answering = answering

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is no error of ours."""


@contextmanager
def answering(function: Answering) -> Iterator[str]:
    """The address of a server that answers by the function, while the context lasts."""
    server = _Server(function)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
