"""Servers in a thread, their clients, and what they say to bytes."""

import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx2
import uvicorn
from starlette.types import ASGIApp
from uvicorn.config import LifespanType
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.kit.http import HttpProtocol


@contextmanager
def served(
    app: ASGIApp, http: type[HttpToolsProtocol] = HttpProtocol, lifespan: LifespanType = "off"
) -> Iterator[int]:
    """The port of a server with the protocol."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        options: dict[str, Any] = {"log_config": None, "access_log": False, "lifespan": lifespan}
        # Longer than tests wait: an end of the connection is one that the server has decided on.
        config = uvicorn.Config(app, http=http, timeout_keep_alive=60, **options)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join()


def client_of(port: int, headers: Mapping[str, str] | None = None, timeout: float = 20) -> httpx2.Client:
    """A client of a server here, to be closed."""
    # Without TLS: to load the authorities of all the world takes longer than many a test.
    base = f"http://127.0.0.1:{port}"
    return httpx2.Client(base_url=base, headers=headers, timeout=timeout, verify=False)


def told(port: int, *pieces: bytes, until: bytes = b"") -> bytes:
    """What the server says to these bytes, to its end of the connection or to ``until``."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        for piece in pieces:
            connection.sendall(piece)
        said = b""
        while not (until and said.endswith(until)):
            if not (data := connection.recv(65536)):
                break
            said += data
        return said
