"""A partner's server: takes webhooks over real HTTP and answers as it is told."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import monotonic
from typing import Any

Answer = tuple[int, dict[str, str], bytes]
Behaviour = Callable[["Received"], Answer]


@dataclass(frozen=True)
class Received:
    """One request, with its headers by their names in lower case."""

    path: str
    headers: dict[str, str]
    body: bytes
    at: float


@dataclass
class Receiver:
    """Keeps what came; ``behaviours`` by path decide the answers, 204 otherwise."""

    port: int
    received: list[Received] = field(default_factory=list)
    behaviours: dict[str, Behaviour] = field(default_factory=dict)
    stopped: threading.Event = field(default_factory=threading.Event)
    _news: threading.Condition = field(default_factory=threading.Condition)

    def url(self, path: str = "/") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def take(self, received: Received) -> None:
        with self._news:
            self.received.append(received)
            self._news.notify_all()

    def wait(self, count: int, seconds: float = 30, within: str = "/") -> list[Received]:
        """The requests below a path, as soon as there are so many."""

        def found() -> list[Received]:
            return [each for each in self.received if each.path.startswith(within)]

        with self._news:
            assert self._news.wait_for(lambda: len(self.received) >= count <= len(found()), seconds), len(
                found()
            )
            return found()

    def never(self, _: Received) -> Answer:
        """An answer that does not come before the test ends."""
        self.stopped.wait(60)
        return 200, {}, b""


def _fine(_: Received) -> Answer:
    return 204, {}, b""


@contextmanager
def receiving() -> Iterator[Receiver]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            received = Received(self.path, headers, body, monotonic())
            receiver.take(received)
            status, more, answer = receiver.behaviours.get(self.path, _fine)(received)
            self.send_response(status)
            for name, value in more.items():
                self.send_header(name, value)
            if status != 204:
                self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

        def handle_error(self, *_: Any) -> None:
            pass  # clients hang up in these tests

    server = Server(("127.0.0.1", 0), Handler)
    receiver = Receiver(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.stopped.set()
        server.shutdown()
        server.server_close()
        thread.join()
