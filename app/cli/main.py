"""The ``nqpf`` command. What a command needs is imported inside it, so that ``--help`` is quick."""

import errno
import os
import signal
import sys
from types import FrameType

import typer

from app.cli import content, db, doctor, exporting, partners, publishing, search, server, staff, up, wechat

app = typer.Typer(
    name="nqpf",
    help="The content platform of 《新质生产力每日动态》.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("up")(up.up)
app.command("serve")(server.serve)
app.command("worker")(server.worker)
app.command("import")(content.import_)
app.command("list")(content.list_)
app.command("show")(content.show)
app.command("export")(exporting.export)
app.command("verify")(exporting.verify)
app.command("withdraw")(content.withdraw)
app.command("export-openapi")(server.export_openapi)
app.add_typer(db.app, name="db")
app.add_typer(publishing.app, name="publish")
app.add_typer(search.app, name="search")
app.add_typer(partners.app, name="partners")
app.add_typer(staff.app, name="staff")
app.add_typer(wechat.app, name="wechat")
app.command("doctor")(doctor.doctor)


def main() -> None:
    """Run the command; what an operator can mend is one line on standard error, without a traceback."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    if signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:
        signal.signal(signal.SIGHUP, _interrupt)
    try:
        app()
    except Exception as error:
        shown = error if isinstance(error, _expected()) else _full(error) or _denial(error)
        if shown is None:
            raise
        typer.echo(f"nqpf: {shown}", err=True)
        sys.exit(1)


def _interrupt(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - a signal handler
    # Once: what is stopped on the way out is not to be stopped half-way by a second signal.
    for other in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(other, signal.SIG_IGN)
    raise KeyboardInterrupt


def _full(error: Exception) -> str | None:
    """Where there is no room for what is written, such as on standard output to a file."""
    if not isinstance(error, OSError) or error.errno not in {errno.ENOSPC, errno.EDQUOT}:
        return None
    if error.filename is None:
        # What is still to be written there would fail once more at the end, with a traceback.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return f"cannot write {error.filename or 'the output'}: {error.strerror}"


def _denial(error: Exception) -> Exception | None:
    """A permission that turned out to be missing in the middle of a command."""
    from app.kit.migrate import denial
    from app.kit.settings import Settings, SettingsError

    try:
        return denial(error, Settings.load())
    except SettingsError:
        return None


def _expected() -> tuple[type[Exception], ...]:
    from app.cli.terminal import Failure
    from app.kit.embedded_postgres import EmbeddedPostgresError
    from app.kit.migrate import DatabaseError
    from app.kit.settings import SettingsError

    return Failure, EmbeddedPostgresError, DatabaseError, SettingsError
