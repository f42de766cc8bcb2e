import asyncio
from collections.abc import Sequence

import psycopg
import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app import wiring
from app.bulletins.taxonomy import Taxonomy, curated
from app.editorial import commands
from app.kit.db import connect
from app.kit.settings import Settings
from app.search import postgres, postgres_index, postgres_mend
from app.search.indexing import clock
from tests.conftest import Publish
from tests.search.shelf import bulletin
from tests.search.test_postgres_index import FIRST, ROWS, SECOND, TERMS, found, reindex, rows, run


def mend(settings: Settings) -> Sequence[str]:
    async def work() -> Sequence[str]:
        async with connect(settings) as database:
            return await postgres.mend(database)

    return asyncio.run(work())


def change(settings: Settings, statement: str) -> None:
    with psycopg.connect(settings.conninfo) as connection:
        connection.execute(statement.encode())


def jobs(settings: Settings) -> int:
    with psycopg.connect(settings.conninfo) as connection:
        statement = "SELECT count(*) FROM procrastinate_jobs WHERE task_name = %s"
        (count,) = connection.execute(statement, [postgres.MEND]).fetchone() or (0,)
    return int(count)


def rename(settings: Settings, slug: str, name: str) -> None:
    """Curate the tags with one of them renamed."""
    tags = [tag.model_copy(update={"name": name}) if tag.slug == slug else tag for tag in curated().tags]

    async def work() -> None:
        async with connect(settings) as database, database.session() as session:
            await commands.curate_tags(session, wiring.changes, Taxonomy(tags=tuple(tags)))

    asyncio.run(work())


DAMAGE = {
    "lacking": "DELETE FROM search_section WHERE slug = '2026-05-01' AND number = 2",
    "superfluous": "UPDATE search_section SET number = 9 WHERE slug = '2026-05-01' AND number = 2",
    "another version": "UPDATE search_section SET version = 7 WHERE slug = '2026-05-01' AND number = 0",
    "cut in a former way": "UPDATE search_section SET tokenizer = '' WHERE slug = '2026-05-01'",
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_rows_that_are_not_what_is_live_are_found_and_mended(
    settings: Settings, publish: Publish, damage: str
) -> None:
    publish(FIRST, SECOND)
    right = rows(settings, ROWS)
    assert run(settings, postgres.drift) == []
    change(settings, DAMAGE[damage])
    assert run(settings, postgres.drift) == ["2026-05-01"]

    assert mend(settings) == ["2026-05-01"]

    assert rows(settings, ROWS) == right
    assert run(settings, postgres.drift) == []


def test_rows_of_what_is_not_live_are_taken_out_and_their_words_forgotten(
    settings: Settings, publish: Publish
) -> None:
    publish(FIRST)
    words = rows(settings, TERMS)
    publish(SECOND)
    change(settings, "DELETE FROM bulletin WHERE slug = '2026-05-02'")

    assert mend(settings) == ["2026-05-02"]

    assert found(settings, "业绩") == []
    assert rows(settings, TERMS) == words


def test_another_way_to_cut_words_has_everything_cut_anew(
    settings: Settings, publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(FIRST, SECOND)
    for module in (postgres_index, postgres_mend):
        monkeypatch.setattr(module, "tokenizer", lambda: "another way")
    monkeypatch.setattr(postgres_mend, "_BATCH", 1)

    assert mend(settings) == ["2026-05-02", "2026-05-01"]
    assert mend(settings) == []


def test_sections_are_found_by_the_new_name_of_a_tag_once_the_job_has_run(
    settings: Settings, publish: Publish
) -> None:
    publish(FIRST, SECOND)
    assert set(found(settings, '"SoftBank"')) == {"2026-05-01/0", "2026-05-01/1"}
    before = jobs(settings)

    rename(settings, "softbank", "孙正义的公司")

    assert jobs(settings) == before + 1
    assert run(settings, postgres.drift) == ["2026-05-01"], "only what has the tag"

    async def work() -> None:
        async with connect(settings) as database:
            await clock(database, None).tasks[postgres.MEND]()

    asyncio.run(work())
    assert set(found(settings, '"孙正义的公司"')) == {"2026-05-01/0", "2026-05-01/1"}
    assert run(settings, postgres.drift) == []


def test_a_tag_that_nothing_has_leaves_all_rows_as_they_are(settings: Settings, publish: Publish) -> None:
    publish(FIRST)
    rename(settings, "compute", "计算力")
    assert run(settings, postgres.drift) == []


def test_a_name_that_changes_during_a_rebuild_is_in_its_result(
    settings: Settings, publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(FIRST, bulletin("2026-05-03", ("稀土", "稀土出口回升。", [])))
    prepare = postgres_index._prepare
    prepared: list[str] = []

    async def interrupted(session: AsyncSession, slug: str) -> None:
        if prepared:
            raise InterruptedError
        prepared.append(slug)
        await prepare(session, slug)

    with monkeypatch.context() as patched:
        patched.setattr(postgres_index, "_prepare", interrupted)
        with pytest.raises(InterruptedError):
            reindex(settings)
    assert prepared == ["2026-05-01"]
    rename(settings, "softbank", "孙正义的公司")
    reindex(settings)
    assert set(found(settings, '"孙正义的公司"')) == {"2026-05-01/0", "2026-05-01/1"}
