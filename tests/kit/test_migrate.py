import threading
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from alembic.script import ScriptDirectory

from app.kit import migrate
from app.kit.migrate import (
    DatabaseError,
    DeniedDatabaseError,
    NewerDatabaseError,
    OlderDatabaseError,
    UnreachableDatabaseError,
)
from app.kit.settings import Settings


@pytest.fixture
def stranger(settings: Settings) -> Iterator[str]:
    """The name of a role without a permission."""
    name = f"r{uuid4().hex}"
    with psycopg.connect(settings.conninfo, autocommit=True) as connection:
        connection.execute(f'CREATE ROLE "{name}" LOGIN')
        yield name
        connection.execute(f'DROP ROLE "{name}"')


def move_to(settings: Settings, revision: str) -> None:
    with psycopg.connect(settings.conninfo) as connection:
        connection.execute("UPDATE alembic_version SET version_num = %s", [revision])


def test_empty_database_goes_to_the_head(empty_settings: Settings) -> None:
    assert migrate.current(empty_settings) is None
    with pytest.raises(
        OlderDatabaseError, match=r"at migration none and .* is needed: run `nqpf db upgrade`"
    ):
        migrate.check(empty_settings)
    assert migrate.upgrade(empty_settings) == migrate.head()
    migrate.check(empty_settings)
    assert migrate.current(empty_settings) == migrate.head()


def test_names_of_files_tell_what_alembic_knows_and_where_it_ends() -> None:
    scripts = ScriptDirectory(str(Path(__file__).parents[2] / "migrations"))
    assert migrate.revisions() == {script.revision for script in scripts.walk_revisions()}
    assert migrate.head() == scripts.get_current_head()


def test_database_at_several_migrations_is_refused(settings: Settings) -> None:
    with psycopg.connect(settings.conninfo) as connection:
        connection.execute("INSERT INTO alembic_version VALUES ('0001')")
    for use in (migrate.current, migrate.check, migrate.upgrade):
        with pytest.raises(DatabaseError, match=f"several migrations at once \\(0001, {migrate.head()}\\)"):
            use(settings)


def test_upgrade_of_what_is_up_to_date_changes_nothing(settings: Settings) -> None:
    assert migrate.upgrade(settings) == migrate.head()


def test_two_upgrades_at_once_run_one_after_the_other(empty_settings: Settings) -> None:
    reached: list[str | None] = []
    upgrades = [
        threading.Thread(target=lambda: reached.append(migrate.upgrade(empty_settings))) for _ in range(2)
    ]
    for upgrade in upgrades:
        upgrade.start()
    for upgrade in upgrades:
        upgrade.join()
    assert reached == [migrate.head()] * 2


def test_database_of_newer_code_is_left_alone(settings: Settings) -> None:
    move_to(settings, "9999")
    with pytest.raises(NewerDatabaseError, match="at migration 9999, which this nqpf does not know"):
        migrate.check(settings)
    with pytest.raises(NewerDatabaseError):
        migrate.upgrade(settings)
    with pytest.raises(NewerDatabaseError):
        migrate.downgrade(settings, "base")
    assert migrate.current(settings) == "9999"


def test_failed_migration_leaves_nothing_behind(empty_settings: Settings) -> None:
    with psycopg.connect(empty_settings.conninfo) as connection:
        connection.execute("CREATE TABLE bulletin ()")
    with pytest.raises(DatabaseError, match="a migration failed and nothing was changed") as failed:
        migrate.upgrade(empty_settings)
    assert "\n" not in str(failed.value)
    assert migrate.current(empty_settings) is None


def test_unknown_revision_is_named(settings: Settings) -> None:
    with pytest.raises(DatabaseError, match=r"'nonsense'.*nqpf db current"):
        migrate.upgrade(settings, "nonsense")


SERVER = 'connection to server at "::1", port 5432 failed: '


@pytest.mark.parametrize(
    ("reason", "shown", "remedy"),
    [
        (
            "Connection refused\n\tIs the server running?",
            f"{SERVER}Connection refused",
            "PostgreSQL runs there",
        ),
        ('FATAL:  password authentication failed for user "me"', "password authentication", "the password"),
        ('FATAL:  database "x" does not exist', 'database "x" does not exist', "create it"),
        ('FATAL:  role "me" does not exist', 'role "me" does not exist', "create the role"),
        ("FATAL:  sorry, too many clients already", "sorry, too many clients", "PostgreSQL runs there"),
    ],
)
def test_failed_connection_is_explained_in_one_line(reason: str, shown: str, remedy: str) -> None:
    line = migrate.explain(psycopg.OperationalError(f"connection failed: {SERVER}{reason}"))
    assert line.startswith(f"the database cannot be reached ({shown}")
    assert remedy in line.rpartition(": ")[2]
    assert "DATABASE_URL" in line
    assert "\n" not in line


def test_unreachable_database_is_told_apart(settings: Settings) -> None:
    with pytest.raises(UnreachableDatabaseError):
        migrate.current(settings.with_database("postgresql:///x?host=/nowhere"))


def test_missing_permission_is_one_line_with_its_grant(
    settings: Settings, empty_settings: Settings, stranger: str
) -> None:
    def as_stranger(of: Settings) -> Settings:
        return of.with_database(of.conninfo.replace("//postgres@", f"//{stranger}@"))

    with pytest.raises(DeniedDatabaseError, match="permission denied for table alembic_version") as denied:
        migrate.check(as_stranger(settings))
    assert f'GRANT ALL ON ALL TABLES IN SCHEMA public TO "{stranger}"' in str(denied.value)
    with pytest.raises(DeniedDatabaseError, match="permission denied for schema public") as denied:
        migrate.upgrade(as_stranger(empty_settings))
    assert f'run GRANT USAGE, CREATE ON SCHEMA public TO "{stranger}"' in str(denied.value)
    assert "\n" not in str(denied.value)
