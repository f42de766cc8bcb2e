from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text

import app.bulletins.models
import app.bulletins.schedule
import app.editorial.models
import app.kit.changes
import app.kit.idempotency
import app.kit.throttle
import app.partners.models
import app.partners.tokens
import app.search.models
import app.search.suggest_models
import app.wechat.models  # noqa: F401 - the imports fill the metadata
from app.kit import migrate
from app.kit.connections import synchronous
from app.kit.db import Base
from app.kit.settings import Settings

CATALOGUE = """
SELECT 'relation', relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace
UNION ALL SELECT 'type', typname::text FROM pg_type WHERE typnamespace = 'public'::regnamespace
UNION ALL SELECT 'function', oid::regprocedure::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace
"""


@contextmanager
def connection(settings: Settings) -> Iterator[Connection]:
    engine = synchronous(settings.conninfo)
    with engine.connect() as opened:
        yield opened
    engine.dispose()


def catalogue(settings: Settings) -> set[tuple[str, str]]:
    with connection(settings) as opened:
        return {(row[0], row[1]) for row in opened.execute(text(CATALOGUE))}


def test_models_are_what_the_migrations_make(settings: Settings) -> None:
    with connection(settings) as opened:
        context = MigrationContext.configure(
            opened,
            opts={
                "compare_server_default": True,
                "include_name": lambda name, kind, _: (
                    kind != "table" or not name.startswith("procrastinate_")
                ),
            },
        )
        assert compare_metadata(context, Base.metadata) == []


def test_going_down_removes_everything_and_up_again_gives_the_same(empty_settings: Settings) -> None:
    migrate.upgrade(empty_settings)
    first = catalogue(empty_settings)
    migrate.downgrade(empty_settings, "base")
    left = {name for _, name in catalogue(empty_settings)}
    assert {name for name in left if "alembic_version" not in name} == set()
    migrate.upgrade(empty_settings)
    assert catalogue(empty_settings) == first


def test_every_migration_goes_down_and_up_by_itself(empty_settings: Settings) -> None:
    migrate.upgrade(empty_settings)
    while (at := migrate.current(empty_settings)) is not None:
        below = migrate.downgrade(empty_settings, "-1")
        migrate.upgrade(empty_settings, at)
        migrate.downgrade(empty_settings, below or "base")
    assert migrate.upgrade(empty_settings) == migrate.head()


def test_a_downgrade_to_an_unknown_revision_says_so(settings: Settings) -> None:
    with pytest.raises(migrate.DatabaseError, match="nowhere"):
        migrate.downgrade(settings, "nowhere")
