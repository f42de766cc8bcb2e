import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.bulletins.document import BulletinDocument
from app.kit.db import connect
from app.kit.settings import Settings
from app.search import postgres, postgres_index
from app.search.contract import Search
from app.search.vocabulary import understand
from tests.conftest import Publish
from tests.search.shelf import bulletin

T = TypeVar("T")

FIRST = bulletin(
    "2026-05-01",
    ("软银投资日本", "软银计划建设数据中心。", ["softbank"]),
    ("湖北改革", "湖北推进数据要素改革。", []),
    abstract="软银与湖北。",
)
SECOND = bulletin("2026-05-02", ("软银业绩", "软银公布业绩。", []))
CORRECTED = bulletin("2026-05-01", ("稀土出口", "稀土出口回升。", []))

ROWS = "SELECT slug, number, version, tags, text, words::text, starts::text FROM search_section ORDER BY 1, 2"
TERMS = "SELECT term, df, pinyin, initials FROM search_term WHERE df > 0 ORDER BY term"


def run(settings: Settings, work: Callable[[AsyncSession], Coroutine[Any, Any, T]]) -> T:
    async def inside() -> T:
        async with connect(settings) as database, database.session() as session:
            return await work(session)

    return asyncio.run(inside())


def rows(settings: Settings, statement: str) -> list[tuple[Any, ...]]:
    async def read(session: AsyncSession) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in await session.execute(text(statement))]

    return run(settings, read)


def found(settings: Settings, q: str) -> list[str]:
    async def ask() -> list[str]:
        async with connect(settings) as database:
            async with database.snapshot() as session:
                query = await understand(session, q)
            answer = await postgres.PostgresEngine(database).search(Search(query))
            return [f"{hit.slug}/{hit.number}" for hit in answer.hits]

    return asyncio.run(ask())


def reindex(settings: Settings) -> tuple[int, list[tuple[int, int]]]:
    async def build() -> tuple[int, list[tuple[int, int]]]:
        told: list[tuple[int, int]] = []
        async with connect(settings) as database:
            return await postgres.reindex(database, lambda done, of: told.append((done, of))), told

    return asyncio.run(build())


def test_a_published_bulletin_is_found_at_once(settings: Settings, publish: Publish) -> None:
    publish(FIRST)

    assert set(found(settings, "软银")) == {"2026-05-01/0", "2026-05-01/1"}


def test_a_corrected_bulletin_is_found_by_its_new_words_only(settings: Settings, publish: Publish) -> None:
    publish(FIRST, CORRECTED)

    assert found(settings, "软银") == []
    assert found(settings, "稀土") == ["2026-05-01/1"]


def test_a_section_is_found_by_its_tags_names_although_it_does_not_say_them(
    settings: Settings, publish: Publish
) -> None:
    publish(bulletin("2026-05-01", ("机构观点", "分析人士的看法。", ["ai-capex"])))

    assert found(settings, "AI资本开支") == found(settings, "ai capex") == ["2026-05-01/1"]


def test_a_publication_that_fails_leaves_no_trace(settings: Settings, publish: Publish) -> None:
    publish(SECOND)
    before = rows(settings, ROWS), rows(settings, TERMS)

    async def withdraw_and_fail(session: AsyncSession) -> None:
        await postgres.remove(session, ["2026-05-02"])
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run(settings, withdraw_and_fail)

    assert (rows(settings, ROWS), rows(settings, TERMS)) == before


def test_a_removed_bulletin_is_found_no_more_and_its_words_are_unknown(
    settings: Settings, publish: Publish
) -> None:
    publish(FIRST, SECOND)

    run(settings, lambda session: postgres.remove(session, ["2026-05-01"]))

    assert found(settings, "软银") == ["2026-05-02/1"]
    assert ("软银", 1, "ruanyin", "ry") in rows(settings, TERMS)
    assert "湖北" not in {term for term, *_ in rows(settings, TERMS)}


def test_words_are_counted_by_the_sections_that_have_them(settings: Settings, publish: Publish) -> None:
    publish(FIRST, SECOND, CORRECTED, FIRST)

    counts = {term: df for term, df, *_ in rows(settings, TERMS)}

    assert (counts["软银"], counts["湖北"], counts["业绩"]) == (3, 2, 1)
    assert "稀土" not in counts


def test_building_anew_gives_what_publishing_gave(settings: Settings, publish: Publish) -> None:
    publish(FIRST, SECOND, CORRECTED)
    before = rows(settings, ROWS), rows(settings, TERMS)

    total, told = reindex(settings)

    assert (rows(settings, ROWS), rows(settings, TERMS)) == before
    assert total == len(before[0])
    assert told[-1] == (2, 2)
    assert rows(settings, "SELECT * FROM search_section_next") == []


def test_building_anew_brings_back_what_was_lost_and_drops_what_is_not_public(
    settings: Settings, publish: Publish
) -> None:
    publish(FIRST, SECOND)
    before = rows(settings, ROWS)

    async def spoil(session: AsyncSession) -> None:
        await session.execute(text("DELETE FROM search_section WHERE slug = '2026-05-01'"))
        await session.execute(text("UPDATE search_section SET slug = '1999-01-01'"))
        await session.execute(text("DELETE FROM search_term"))

    run(settings, spoil)
    reindex(settings)

    assert rows(settings, ROWS) == before


def test_an_interrupted_build_goes_on_and_searches_the_old_rows_meanwhile(
    settings: Settings, publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(FIRST, SECOND)
    monkeypatch.setattr(postgres_index, "tokenizer", lambda: "another way")

    async def stopped() -> None:
        def stop(done: int, _all: int) -> None:
            if done == 1:
                raise KeyboardInterrupt

        async with connect(settings) as database:
            await postgres.reindex(database, stop)

    with pytest.raises(KeyboardInterrupt):
        asyncio.run(stopped())
    assert len(found(settings, "软银")) == 3
    assert {row[0] for row in rows(settings, "SELECT tokenizer FROM search_section")} != {"another way"}

    _, told = reindex(settings)

    assert told[-1] == (1, 1)
    assert {row[0] for row in rows(settings, "SELECT tokenizer FROM search_section")} == {"another way"}


def test_what_was_prepared_by_a_former_tokenizer_is_prepared_again(
    settings: Settings, publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(FIRST, SECOND)
    run(settings, lambda session: postgres_index._prepare(session, FIRST.slug))
    monkeypatch.setattr(postgres_index, "tokenizer", lambda: "another way")

    reindex(settings)

    assert {row[0] for row in rows(settings, "SELECT tokenizer FROM search_section")} == {"another way"}


def test_what_is_published_during_a_build_is_in_its_result(
    settings: Settings, publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(FIRST, SECOND)
    prepare = postgres_index._prepare

    async def slowly(session: AsyncSession, slug: str) -> None:
        await prepare(session, slug)
        if slug == SECOND.slug:
            monkeypatch.setattr(postgres_index, "_prepare", prepare)
            await asyncio.to_thread(publish, CORRECTED)

    monkeypatch.setattr(postgres_index, "_prepare", slowly)
    reindex(settings)

    assert found(settings, "稀土") == ["2026-05-01/1"]
    assert found(settings, "湖北") == []


def test_no_bulletin_is_no_reason_to_fail(settings: Settings) -> None:
    assert reindex(settings)[0] == 0
    assert run(settings, postgres.drift) == []


def test_a_bulletin_without_text_is_indexed_as_nothing(settings: Settings, publish: Publish) -> None:
    publish(BulletinDocument.model_validate(FIRST.model_dump(mode="json") | {"sections": [], "abstract": ""}))

    assert rows(settings, ROWS) == []
    assert reindex(settings)[0] == 0
