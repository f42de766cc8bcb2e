"""``nqpf serve``, ``nqpf worker`` and the description of the API."""

import asyncio
import multiprocessing
import os
import signal
import socket
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.listening import address, listen
from app.cli.terminal import Failure, migrated_database, say
from app.kit.settings import Settings

if TYPE_CHECKING:
    from starlette.types import ASGIApp

Host = Annotated[str | None, typer.Option(help="Address to listen on.", show_default="NQPF_HOST, 127.0.0.1")]
Port = Annotated[
    int | None,
    typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.", show_default="PORT, 8000"),
]
GRACE = 10
"""Seconds for the answers under way when the server is told to stop."""

Attached = Annotated[bool, typer.Option("--attached", hidden=True, help="Stop when standard input ends.")]


def serve(
    host: Host = None,
    port: Port = None,
    fd: Annotated[int | None, typer.Option(hidden=True, help="A listening socket to take over.")] = None,
    attached: Attached = False,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Processes that share the port.")] = 1,
) -> None:
    """Serve the API until it is stopped."""
    import uvicorn
    from uvicorn.supervisors import Multiprocess

    from app.kit.http import HttpProtocol

    settings = Settings.load()
    if attached:
        stop_with_parent()
    if fd is None:
        listener = listen(host or settings.host, settings.port if port is None else port)
    else:
        listener = socket.socket(fileno=fd)
    with listener, migrated_database(settings, patient=True) as connected:
        # Workers are processes of their own: they read the settings, with this database, by themselves.
        os.environ["DATABASE_URL"] = connected.conninfo
        if fd is None:
            say(f"Serving {address(listener)}")
        config = uvicorn.Config(
            "app.cli.server:application",
            factory=True,
            http=HttpProtocol,
            workers=workers,
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=GRACE,
        )
        server = uvicorn.Server(config)
        if workers > 1:
            Multiprocess(config, [listener]).run()
            return
        with suppress(KeyboardInterrupt):  # uvicorn raises the signal again after it has stopped in order.
            server.run(sockets=[listener])
    if not server.started:
        raise Failure("the API did not start, see above")


def application() -> "ASGIApp":
    """The API of the environment's settings, in a process that ends with the one that started it."""
    from app.kit.telemetry import configure_logging
    from app.main import create_app

    settings = Settings.load()
    configure_logging(settings.log_format)
    if parent := multiprocessing.parent_process():

        def follow() -> None:
            parent.join()
            os.kill(os.getpid(), signal.SIGTERM)

        threading.Thread(target=follow, daemon=True).start()
    return create_app(settings)


def worker(attached: Attached = False) -> None:
    """Run background jobs until it is stopped."""
    settings = Settings.load()
    if attached:
        stop_with_parent()
    with migrated_database(settings, patient=True) as connected:
        from app import worker as jobs
        from app.kit.telemetry import configure_logging

        configure_logging(connected.log_format)
        with suppress(KeyboardInterrupt):  # Told to stop while it started.
            asyncio.run(jobs.run(connected))


def export_openapi(
    file: Annotated[Path | None, typer.Argument(help="Where to write it; standard output without.")] = None,
) -> None:
    """Write the OpenAPI description of the API."""
    import json

    from app.kit.front_store import Store
    from app.main import create_api

    text = json.dumps(create_api(Settings(), Store()).openapi(), ensure_ascii=False, indent=2) + "\n"
    if file is None:
        typer.echo(text, nl=False)
        return
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise Failure(f"cannot write {file}: {error.strerror}") from None


def stop_with_parent() -> None:
    """Stop in order when standard input ends: its other end is held by the process that started us."""

    def wait() -> None:
        while os.read(0, 1024):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, daemon=True).start()
