import json
import subprocess
from collections.abc import Callable

import psycopg

from app.bulletins.taxonomy import curated
from app.kit import migrate
from app.kit.settings import Settings

Run = Callable[..., subprocess.CompletedProcess[str]]


def test_database_goes_up_and_down(nqpf: Run, empty_settings: Settings) -> None:
    url = empty_settings.conninfo
    head = migrate.head()
    current = nqpf("db", "current", DATABASE_URL=url)
    assert current.stdout == f"The database is at migration none; {head} is needed.\n"
    for _ in range(2):
        done = nqpf("db", "upgrade", DATABASE_URL=url)
        assert done.stdout == f"The database is at migration {head}.\n", done.stderr
    assert nqpf("db", "downgrade", "base", DATABASE_URL=url).stdout == "The database is at migration none.\n"


def test_current_migration_is_json_for_a_script(nqpf: Run, empty_settings: Settings) -> None:
    done = nqpf("db", "current", "--json", DATABASE_URL=empty_settings.conninfo)
    assert json.loads(done.stdout) == {"current": None, "needed": migrate.head()}


def test_step_back_is_no_option(nqpf: Run, settings: Settings) -> None:
    assert nqpf("db", "downgrade", "-1").returncode == 0
    assert migrate.current(settings) != migrate.head()


def test_unknown_migration_is_one_line(nqpf: Run, failure: Callable[..., str]) -> None:
    assert "'nonsense'" in failure(nqpf("db", "downgrade", "nonsense"))


def test_upgrade_brings_the_curated_tags(nqpf: Run, empty_settings: Settings) -> None:
    nqpf("db", "upgrade", DATABASE_URL=empty_settings.conninfo)
    with psycopg.connect(empty_settings.conninfo) as connection:
        slugs = {row[0] for row in connection.execute("SELECT slug FROM tag")}
    assert slugs == set(curated().by_slug)


def test_without_an_address_the_embedded_database_is_used(nqpf: Run, settings: Settings) -> None:
    # The tests' own cluster is running: the command joins it and leaves it running.
    done = nqpf("db", "current", DATABASE_URL="", NQPF_DATA=settings.data)
    assert done.returncode == 0, done.stderr
    assert migrate.current(settings) == migrate.head()
