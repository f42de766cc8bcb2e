from importlib import import_module
from typing import Any

import psycopg

from app.bulletins.document import BulletinDocument
from app.kit.settings import Settings
from tests.bulletins.conftest import on_the_shelf
from tests.conftest import Publish, Withdraw

ROWS = (
    "SELECT slug, version, kind, note, at, until, date, published_at, content_hash, document, tags,"
    ' "references", sources, text FROM published_version ORDER BY slug, version'
)


def rows(settings: Settings, statement: str = ROWS) -> list[Any]:
    with psycopg.connect(settings.conninfo) as connection:
        return connection.execute(statement.encode()).fetchall()


def test_every_version_is_kept_with_its_time_and_note(
    settings: Settings, publish: Publish, withdraw: Withdraw
) -> None:
    publish(on_the_shelf(1))
    publish(on_the_shelf(1).model_copy(update={"abstract": "改了"}), note="更正说明。")
    withdraw("2026-03-02", "撤回说明。")
    found = rows(settings, "SELECT version, kind, note, at, until FROM published_version ORDER BY version")
    assert [row[:3] for row in found] == [
        (1, "published", ""), (2, "corrected", "更正说明。"), (3, "withdrawn", "撤回说明。"),
    ]  # fmt: skip
    changes = rows(settings, "SELECT at FROM change ORDER BY seq")
    assert [row[3] for row in found] == [at for (at,) in changes]
    assert [row[4] for row in found] == [*(at for (at,) in changes[1:]), None]


def test_what_nobody_may_read_is_not_kept(
    settings: Settings, publish: Publish, everything: BulletinDocument
) -> None:
    publish(everything)
    assert "没有公开的一行" not in str(rows(settings))


def test_the_migration_begins_history_with_what_is_live(
    settings: Settings, publish: Publish, everything: BulletinDocument
) -> None:
    publish(everything, on_the_shelf(1), on_the_shelf(5))
    publish(on_the_shelf(5).model_copy(update={"abstract": "改了"}))
    kept = [row for row in rows(settings) if row[5] is None]
    migration = import_module("migrations.versions.0040_published_version")
    with psycopg.connect(settings.conninfo) as connection:
        connection.execute("DELETE FROM published_version")
        connection.execute(migration.FROM_LIVE)
    assert rows(settings) == kept
