import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from app.kit.settings import Settings
from tests.cli.conftest import COMMAND, environment_with

Run = Callable[..., subprocess.CompletedProcess[str]]
Line = Callable[[subprocess.CompletedProcess[str]], str]

COMMANDS = [
    ("list",),
    ("import", "x.txt"),
    ("db", "upgrade"),
    ("serve", "--port", "0"),
    ("worker",),
    ("up", "--port", "0"),
]


@pytest.fixture
def password(settings: Settings) -> str:
    """The database as a role that PostgreSQL asks for a password."""
    with psycopg.connect(settings.conninfo, autocommit=True) as connection:
        connection.execute(
            "DO $$ BEGIN CREATE ROLE cautious LOGIN PASSWORD 'right';"
            " EXCEPTION WHEN duplicate_object THEN NULL; END $$"
        )
        rules = settings.data / "postgres" / "pg_hba.conf"
        if "cautious" not in rules.read_text():
            rules.write_text("local all cautious scram-sha-256\n" + rules.read_text())
        connection.execute("SELECT pg_reload_conf()")
    return settings.conninfo.replace("://postgres@", "://cautious:wrong@")


@pytest.mark.parametrize(
    "arguments", [["--help"], ["list"], ["list", "--json"], ["doctor"], ["export-openapi"]], ids=" ".join
)
def test_full_disk_below_the_output_is_one_line(settings: Settings, arguments: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*COMMAND, *arguments],
            check=False,
            env=environment_with({"DATABASE_URL": settings.conninfo}),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert done.returncode == 1
    assert done.stderr == "nqpf: cannot write the output: No space left on device\n"


def test_help_loads_nothing_heavy() -> None:
    heavy = "{'sqlalchemy', 'fastapi', 'alembic', 'uvicorn', 'psycopg', 'procrastinate', 'pdfplumber'}"
    code = f"import sys, app.cli.main; assert not {heavy} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_address_that_is_none_is_one_line(nqpf: Run, failure: Line, command: tuple[str, ...]) -> None:
    line = failure(nqpf(*command, DATABASE_URL="mysql://me:secret@db/x"))
    assert line.startswith("DATABASE_URL: it is no PostgreSQL address")
    assert "secret" not in line


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_host_that_is_not_there_is_one_line(nqpf: Run, failure: Line, command: tuple[str, ...]) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound and not listening: nobody else gets the port
        url = f"postgresql://me:secret@127.0.0.1:{unused.getsockname()[1]}/x"
        line = failure(nqpf(*command, DATABASE_URL=url, NQPF_DATABASE_WAIT=0))
    assert "Connection refused" in line
    assert line.endswith("check DATABASE_URL and that PostgreSQL runs there")
    assert "secret" not in line


@pytest.mark.parametrize("command", [("list",), ("up", "--port", "0")], ids=" ".join)
def test_wrong_password_is_one_line(
    nqpf: Run, failure: Line, password: str, command: tuple[str, ...]
) -> None:
    line = failure(nqpf(*command, DATABASE_URL=password))
    assert "password authentication failed" in line
    assert line.endswith("correct the user or the password in DATABASE_URL")


@pytest.mark.parametrize("command", [("list",), ("up", "--port", "0")], ids=" ".join)
def test_missing_database_is_one_line(
    nqpf: Run, failure: Line, settings: Settings, command: tuple[str, ...]
) -> None:
    url = settings.conninfo.replace("@/t", "@/missing")
    line = failure(nqpf(*command, DATABASE_URL=url))
    assert "does not exist" in line
    assert line.endswith("create it, or correct DATABASE_URL")


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_database_at_a_newer_migration_is_one_line(
    nqpf: Run, failure: Line, settings: Settings, command: tuple[str, ...]
) -> None:
    with psycopg.connect(settings.conninfo) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    line = failure(nqpf(*command))
    assert line.startswith(
        "the database is at migration 9999, which this nqpf does not know: install the newer"
    )


@pytest.mark.parametrize("command", [("list",), ("serve", "--port", "0"), ("worker",)], ids=" ".join)
def test_database_without_migrations_is_one_line(
    nqpf: Run, failure: Line, empty_settings: Settings, command: tuple[str, ...]
) -> None:
    line = failure(nqpf(*command, DATABASE_URL=empty_settings.conninfo))
    assert line.endswith("run `nqpf db upgrade`")


@pytest.mark.parametrize("command", ["serve", "up"])
def test_taken_port_is_one_line(nqpf: Run, failure: Line, command: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        line = failure(nqpf(command, "--port", port))
    assert line == f"port {port} is taken: stop the server that has it, or choose another with --port"


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("no host", "NQPF_HOST: no host is no address"),
        ("192.0.2.1", "NQPF_HOST: 192.0.2.1 is no address of this"),
    ],
)
def test_host_that_is_not_ours_is_one_line(nqpf: Run, failure: Line, host: str, expected: str) -> None:
    assert failure(nqpf("serve", "--port", "0", NQPF_HOST=host)).startswith(expected)


def test_data_folder_that_cannot_be_made_is_one_line(nqpf: Run, failure: Line, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    line = failure(nqpf("list", DATABASE_URL="", NQPF_DATA=tmp_path / "file" / "data"))
    assert line.startswith("cannot use ")
    assert line.endswith("set NQPF_DATA to another")


def test_unknown_setting_is_one_line(nqpf: Run, failure: Line) -> None:
    assert failure(nqpf("list", NQPF_PORT="1")).startswith("NQPF_PORT is no setting")


def test_permission_missing_in_the_middle_of_a_command_is_one_line(
    nqpf: Run, settings: Settings, stranger: str, failure: Callable[..., str]
) -> None:
    with psycopg.connect(settings.conninfo) as connection:
        connection.execute(f'GRANT SELECT ON alembic_version TO "{stranger}"')
    done = nqpf("list", DATABASE_URL=settings.conninfo.replace("//postgres@", f"//{stranger}@"))
    with psycopg.connect(settings.conninfo) as connection:
        connection.execute(f'DROP OWNED BY "{stranger}"')
    assert f'TO "{stranger}"' in failure(done)
