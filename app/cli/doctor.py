"""``nqpf doctor``: looks at every setting and connection and says what is wrong and how to mend it."""

import json
import os
import platform
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from app.cli.listening import answers, listen
from app.cli.terminal import Failure, database, say, say_json
from app.kit.settings import Settings, SettingsError

if TYPE_CHECKING:
    from sqlalchemy import Connection

_MARKS = {"ok": "ok     ", "warning": "warning", "error": "ERROR  "}
_OLDEST_POSTGRES = 150000


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at; ``remedy`` says how to mend it where it is not in order."""

    name: str
    status: Literal["ok", "warning", "error"]
    message: str
    remedy: str = ""


def doctor(
    only: Annotated[str, typer.Option(metavar="CHECK", help="Fail unless just this check is ok.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON for a script.")] = False,
) -> None:
    """Check settings, data folder, port, database, worker and Meilisearch; exit code 1 on an error."""
    checks = []
    for check in _checks():
        checks.append(check)
        if not as_json:
            say(f"{_MARKS[check.status]} {check.name}: {check.message}")
            if check.remedy:
                say(f"        {check.remedy}")
    if as_json:
        say_json({"checks": [asdict(check) for check in checks]})
    if only:
        healthy = any(check.name == only and check.status == "ok" for check in checks)
    else:
        healthy = not any(check.status == "error" for check in checks)
    if not healthy:
        raise typer.Exit(1)


def _checks() -> Iterator[Check]:
    yield Check("python", "ok", f"{platform.python_version()} on {platform.system()}")
    try:
        settings = Settings.load()
    except SettingsError as error:
        for problem in error.problems:
            yield Check("settings", "error", problem, "correct or unset the variable")
        return
    yield Check("settings", "ok", "every variable is understood")
    data = _data(settings)
    yield data
    yield _port(settings)
    if settings.database_url or data.status == "ok":
        yield from _database(settings)
    yield _meilisearch(settings)
    yield _wechat(settings)


def _wechat(settings: Settings) -> Check:
    from app.wechat.accounts import load

    try:
        accounts = load(settings)
    except SettingsError as error:
        return Check("wechat", "error", str(error), "correct the file, or unset the variable")
    if accounts is None:
        return Check("wechat", "ok", "NQPF_WECHAT is not set: there is no official account")
    return Check("wechat", "ok", f"accounts: {', '.join(accounts.account)} (`nqpf wechat accounts --check`)")


def _data(settings: Settings) -> Check:
    """Whether files can be made in the folder, or the folder itself; root may not everywhere either."""
    folder = settings.data
    nearest = next(path for path in (folder, *folder.parents) if os.path.lexists(path))
    try:
        with tempfile.TemporaryFile(dir=nearest):
            return Check("data", "ok", f"{folder} can be written to")
    except OSError as error:
        remedy = "make the folder writable for this user or set NQPF_DATA to another"
        return Check("data", "error", f"{folder} cannot be written to ({error.strerror})", remedy)


def _port(settings: Settings) -> Check:
    try:
        listen(settings.host, settings.port).close()
    except Failure as failure:
        host = "127.0.0.1" if settings.host in {"0.0.0.0", "::"} else settings.host  # noqa: S104
        if answers(f"http://{host}:{settings.port}/health/live"):
            return Check("port", "ok", f"an API answers on port {settings.port}")
        line, _, remedy = str(failure).partition(": ")
        return Check("port", "error", line, remedy)
    return Check("port", "ok", f"{settings.host} port {settings.port} is free")


def _database(settings: Settings) -> Iterator[Check]:
    from app.kit.embedded_postgres import EmbeddedPostgresError
    from app.kit.migrate import DatabaseError, DeniedDatabaseError, connection

    if settings.database_url is None and not os.path.lexists(settings.data / "postgres"):
        yield Check("database", "warning", f"none yet in {settings.data}", "scripts/server makes one")
        return
    try:
        with database(settings) as connected, connection(connected) as open_connection:
            yield from _inside(connected, open_connection)
    except (DatabaseError, EmbeddedPostgresError) as error:
        line, _, remedy = str(error).rpartition(": ")
        name = "permissions" if isinstance(error, DeniedDatabaseError) else "database"
        yield Check(name, "error", line, remedy)


def _inside(settings: Settings, connection: "Connection") -> Iterator[Check]:
    from sqlalchemy import text

    from app.kit.migrate import DatabaseError, check, head

    number, version = connection.execute(
        text("SELECT current_setting('server_version_num')::int, current_setting('server_version')")
    ).one()
    shown = f"PostgreSQL {version} at {settings.database_shown}"
    if number < _OLDEST_POSTGRES:
        yield Check("database", "error", shown, "use PostgreSQL 15 or newer")
        return
    yield Check("database", "ok", shown)
    try:
        check(settings)
    except DatabaseError as error:
        line, _, remedy = str(error).rpartition(": ")
        yield Check("migrations", "error", line, remedy)
        return
    yield Check("migrations", "ok", f"at {head()}, the newest")
    drafts, bulletins = connection.execute(
        text("SELECT (SELECT count(*) FROM draft), (SELECT count(*) FROM bulletin)")
    ).one()
    yield Check("content", "ok", f"{_number(drafts, 'draft')}, {_number(bulletins, 'published bulletin')}")
    yield _worker(connection)


def _worker(connection: "Connection") -> Check:
    from sqlalchemy import text

    workers, waiting, failed = connection.execute(
        text(
            "SELECT (SELECT count(*) FROM procrastinate_workers"
            " WHERE last_heartbeat > now() - interval '30 seconds'),"
            " count(*) FILTER (WHERE status = 'todo'), count(*) FILTER (WHERE status = 'failed')"
            " FROM procrastinate_jobs"
        )
    ).one()
    message = f"{workers} running, {_number(waiting, 'job')} waiting, {failed} failed"
    if not workers:
        return Check("worker", "warning", message, "start one with `nqpf worker`")
    return Check("worker", "warning" if failed else "ok", message, "see the worker's log" if failed else "")


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _meilisearch(settings: Settings) -> Check:
    if settings.meili_url is None and settings.meili_key:
        remedy = "set MEILI_URL, or unset MEILI_KEY"
        return Check("meilisearch", "warning", "MEILI_KEY is set without MEILI_URL", remedy)
    if settings.meili_url is None:
        return Check("meilisearch", "ok", "MEILI_URL is not set: PostgreSQL searches")
    request = urllib.request.Request(settings.meili_url.rstrip("/") + "/version")  # noqa: S310 - http(s) only
    if settings.meili_key:
        request.add_header("Authorization", f"Bearer {settings.meili_key.get_secret_value()}")
    try:
        with urllib.request.urlopen(request, timeout=5) as response:  # noqa: S310
            version = json.load(response)["pkgVersion"]
    except urllib.error.HTTPError as error:
        return Check("meilisearch", "error", f"it answers {error.code}", "correct MEILI_KEY")
    except (OSError, ValueError, KeyError) as error:
        return Check("meilisearch", "error", f"no answer ({error})", "check MEILI_URL and that it runs there")
    return Check("meilisearch", "ok", f"Meilisearch {version} at {settings.meili_url}")
