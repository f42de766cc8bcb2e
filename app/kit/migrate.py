"""Which migration a database is at, and bringing it to another with Alembic."""

import re
from collections.abc import Iterator, Set
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from psycopg import errors
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import Connection, func, select, text
from sqlalchemy.exc import DBAPIError, OperationalError, ProgrammingError

from app.kit.connections import synchronous
from app.kit.settings import Settings

if TYPE_CHECKING:
    from alembic.config import Config

_FATAL = re.compile(r"FATAL:\s+(.+)")
_UNCONNECTED = re.compile(r"((?:connection to server|failed to resolve) .+)")
_LOCK = 0x616C656D  # "alem": two processes never migrate at once.


class DatabaseError(Exception):
    """The database cannot be used as it is; the message is one line that says how to mend it."""


class UnreachableDatabaseError(DatabaseError):
    """No connection: nobody listens there, or PostgreSQL refuses us."""


class AwayDatabaseError(UnreachableDatabaseError):
    """Nobody listens there, or PostgreSQL starts or stops: it may come back by itself."""


class DeniedDatabaseError(DatabaseError):
    """Our role lacks a permission."""


class NewerDatabaseError(DatabaseError):
    """The database is at a migration that this version of the code does not know."""


class OlderDatabaseError(DatabaseError):
    """Migrations are still to be run."""


@cache
def revisions() -> Set[str]:
    """The migrations that the code knows: their files begin with their numbers.

    A server asks only this and for the :func:`head`, and does without the 6 MB that Alembic takes.
    """
    return {file.name.partition("_")[0] for file in (_folder() / "versions").glob("[0-9]*_*.py")}


def head() -> str:
    """The newest migration that the code knows: the one with the highest number."""
    return max(revisions())


def current(settings: Settings) -> str | None:
    """The migration the database is at; None for an empty one.

    :raises UnreachableDatabaseError: there is no connection.
    """
    with connection(settings) as opened:
        return _current(opened)


def check(settings: Settings) -> None:
    """Make sure that code and database fit.

    :raises DatabaseError: they do not, or there is no connection.
    """
    with connection(settings) as opened:
        found = _known(_current(opened))
    if found != head():
        raise OlderDatabaseError(
            f"the database is at migration {found or 'none'} and {head()} is needed: run `nqpf db upgrade`"
        )


def upgrade(settings: Settings, revision: str = "head") -> str | None:
    """Run the migrations up to ``revision`` in one transaction; the one the database is at then.

    :raises DatabaseError: there is no connection, no such revision, or the database is newer.
    """
    from alembic import command

    with _migrating(settings) as (config, opened):
        command.upgrade(config, revision)
        return _current(opened)


def downgrade(settings: Settings, revision: str) -> str | None:
    """Undo the migrations after ``revision`` (``base`` for all, ``-1`` for one) in one transaction.

    :raises DatabaseError: there is no connection, no such revision, or the database is newer.
    """
    from alembic import command

    with _migrating(settings) as (config, opened):
        command.downgrade(config, revision)
        return _current(opened)


def explain(error: Exception) -> str:
    """A failed connection as one line that says how to mend it."""
    said = str(error)
    found = _FATAL.search(said) or _UNCONNECTED.search(said)
    reason = found[1] if found else said.splitlines()[0]
    if "password authentication failed" in reason or "no password supplied" in reason:
        hint = "correct the user or the password in DATABASE_URL"
    elif reason.startswith("database ") and "does not exist" in reason:
        hint = "create it, or correct DATABASE_URL"
    elif reason.startswith("role "):
        hint = "create the role, or correct DATABASE_URL"
    else:
        hint = "check DATABASE_URL and that PostgreSQL runs there"
    return f"the database cannot be reached ({reason}): {hint}"


def denial(error: BaseException, settings: Settings) -> DeniedDatabaseError | None:
    """What to say of a missing permission, if that is what ``error`` or one of its causes is."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, errors.InsufficientPrivilege):
        cause = cause.__cause__
    if cause is None:
        return None
    reason = str(cause).splitlines()[0]
    role = conninfo_to_dict(settings.conninfo).get("user") or "the user of DATABASE_URL"
    if reason.startswith("must be owner"):
        remedy = "run this as its owner"
    elif reason.startswith("permission denied for schema"):
        remedy = f'as its owner, run GRANT USAGE, CREATE ON SCHEMA public TO "{role}"'
    else:
        remedy = "; ".join(
            f'GRANT {rights} IN SCHEMA public TO "{role}"'
            for rights in ("ALL ON ALL TABLES", "ALL ON ALL SEQUENCES")
        )
        remedy = f"as their owner, run {remedy}"
    return DeniedDatabaseError(f"the database refuses ({reason}): {remedy}")


def _folder() -> Path:
    """Beside the package in a checkout, inside it in an installed wheel."""
    package = Path(__file__).resolve().parents[1]
    beside = package.parent / "migrations"
    return beside if (beside / "env.py").is_file() else package / "migrations"


def _current(opened: Connection) -> str | None:
    if opened.scalar(select(func.to_regclass("alembic_version"))) is None:
        return None
    found = opened.scalars(text("SELECT version_num FROM alembic_version ORDER BY 1")).all()
    if len(found) > 1:
        raise DatabaseError(
            f"the database is at several migrations at once ({', '.join(found)}): restore its backup, "
            "or leave the true one in the table alembic_version"
        )
    return found[0] if found else None


def _known(revision: str | None) -> str | None:
    if revision is not None and revision not in revisions():
        raise NewerDatabaseError(
            f"the database is at migration {revision}, which this nqpf does not know: "
            "install the newer nqpf, or downgrade the database with it"
        )
    return revision


@contextmanager
def connection(settings: Settings) -> Iterator[Connection]:
    """A connection in one transaction, for tools that run before or beside the application.

    :raises UnreachableDatabaseError: there is none.
    :raises DeniedDatabaseError: our role may not do what is done with it.
    """
    engine = synchronous(settings.conninfo)
    try:
        opened = engine.connect()
    except OperationalError as error:
        away = not (found := _FATAL.search(str(error.orig))) or found[1].startswith("the database system is")
        kind = AwayDatabaseError if away else UnreachableDatabaseError
        raise kind(explain(error.orig or error)) from error
    try:
        with opened, opened.begin():
            yield opened
    except ProgrammingError as error:
        raise denial(error, settings) or error from error


@contextmanager
def _migrating(settings: Settings) -> Iterator[tuple["Config", Connection]]:
    from alembic.config import Config
    from alembic.util import CommandError

    with connection(settings) as opened:
        opened.execute(select(func.pg_advisory_xact_lock(_LOCK)))
        _known(_current(opened))
        config = Config()
        config.set_main_option("script_location", str(_folder()).replace("%", "%%"))
        config.set_main_option("path_separator", "os")
        config.attributes["connection"] = opened
        try:
            yield config, opened
        except CommandError as error:
            raise DatabaseError(f"{error}: `nqpf db current` shows where the database is") from error
        except DBAPIError as error:
            if denied := denial(error, settings):
                raise denied from error
            reason = str(error.orig).splitlines()[0]
            raise DatabaseError(f"a migration failed and nothing was changed: {reason}") from error
