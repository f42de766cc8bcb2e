"""Keeping Meilisearch's index: on the real one where MEILI_URL is set, else on a strict fake."""

import asyncio
import threading
from typing import Any

import psycopg
import pytest
from sqlalchemy import func, select, update

from app import wiring
from app.bulletins.events import TagMerged
from app.bulletins.models import Tag
from app.bulletins.taxonomy import Taxonomy, curated
from app.editorial import commands
from app.kit import changes
from app.kit.db import Database
from app.search import indexing
from app.search.contract import Phrase, Query, Search, Term
from app.search.indexing import FOLLOWER, BusyError, Repairs, clock, follower, reindex
from app.search.meilisearch_index import Index
from app.search.meilisearch_schema import stamp
from tests.conftest import Publish, Withdraw
from tests.search.conftest import ask_meilisearch
from tests.search.keeping import FIRST, SECOND, SHORTER, Kept


def test_a_new_index_holds_every_live_section(kept: Kept, publish: Publish) -> None:
    publish(FIRST, SECOND)
    kept.reindex()
    expected = {id_: stamp(1) for id_ in ("2026-06-01-1", "2026-06-01-2", "2026-06-02-0", "2026-06-02-1")}
    assert kept.index.stamps() == expected
    assert kept.index.count() == 4
    assert kept.drift() == []
    assert kept.index.beside().created() is None


def test_the_follower_brings_publications_and_corrections_into_the_index(
    kept: Kept, publish: Publish
) -> None:
    kept.reindex()
    publish(FIRST)
    assert kept.follow() == 1
    assert kept.drift() == []
    publish(SHORTER, SECOND)
    assert kept.drift() == ["2026-06-02", "2026-06-01"]
    assert kept.follow() == 2
    assert kept.drift() == []
    assert kept.index.stamps()["2026-06-01-1"] == stamp(2)
    assert "2026-06-01-2" not in kept.index.stamps(), "the correction has one section less"


def test_what_was_withdrawn_is_taken_out(kept: Kept, publish: Publish, withdraw: Withdraw) -> None:
    publish(FIRST, SECOND)
    kept.reindex()
    withdraw("2026-06-01")
    assert kept.follow() == 1
    assert {id_[:10] for id_ in kept.index.stamps()} == {"2026-06-02"}


def test_handling_changes_twice_does_no_harm(kept: Kept, publish: Publish) -> None:
    publish(FIRST, SECOND)
    kept.reindex()
    kept.execute("UPDATE change_position SET seq = 0")
    assert kept.follow() == 2
    assert kept.drift() == []


def test_without_an_index_the_follower_moves_on_and_reconciling_builds_it(
    kept: Kept, publish: Publish
) -> None:
    publish(FIRST)
    assert kept.follow() == 1
    assert kept.index.created() is None, "documents without settings would be no index"
    assert kept.reconcile().rebuilt
    assert kept.drift() == []


def test_reconciling_mends_what_is_lacking_outdated_and_superfluous(kept: Kept, publish: Publish) -> None:
    publish(FIRST, SECOND)
    kept.reindex()
    assert kept.reconcile() == Repairs()
    kept.execute("UPDATE bulletin SET version = 7 WHERE slug = '2026-06-01'")
    kept.execute("UPDATE bulletin SET abstract = '' WHERE slug = '2026-06-02'")
    assert kept.reconcile() == Repairs(slugs=("2026-06-02", "2026-06-01"))
    assert kept.index.stamps() == {
        "2026-06-01-1": stamp(7),
        "2026-06-01-2": stamp(7),
        "2026-06-02-1": stamp(1),
    }


def test_a_new_alias_of_a_tag_reaches_the_settings(kept: Kept) -> None:
    kept.reindex()

    async def rename(database: Database) -> None:
        async with database.session() as session:
            await session.execute(update(Tag).where(Tag.slug == "softbank").values(aliases=["孙正义的公司"]))

    kept.run(rename)
    assert kept.reconcile() == Repairs(settings=True)
    assert kept.reconcile() == Repairs()
    assert "孙正义的公司" in kept.index._index.get_settings()["synonyms"]["软银"]


def test_a_renamed_tag_reaches_documents_and_synonyms_through_the_follower(
    kept: Kept, publish: Publish
) -> None:
    publish(FIRST, SECOND)
    kept.reindex()
    kept.follow()
    tags = [
        tag.model_copy(update={"name": "软件银行"}) if tag.slug == "softbank" else tag
        for tag in curated().tags
    ]

    async def rename(database: Database) -> None:
        async with database.session() as session:
            await commands.curate_tags(session, wiring.changes, Taxonomy(tags=tuple(tags)))

    kept.run(rename)
    assert kept.follow() == 1

    query = Query("软件银行", (Term((Phrase("软件银行", ("软件银行",)),)),))
    answer = asyncio.run(ask_meilisearch(kept.meilisearch, kept.index.uid, Search(query)))
    assert [(hit.slug, hit.number) for hit in answer.hits] == [("2026-06-01", 1)]
    assert "软件银行" in kept.index._index.get_settings()["synonyms"]["softbank"]


def test_a_merged_tag_reaches_documents_and_synonyms_through_the_follower(
    kept: Kept, publish: Publish
) -> None:
    publish(FIRST, SECOND)
    kept.reindex()
    kept.follow()

    async def merge(database: Database) -> None:
        async with database.session() as session:
            at = await wiring.changes.begin(session)
            await wiring.changes.record(session, TagMerged(slug="softbank", into="quantum", at=at))

    kept.run(merge)
    assert kept.follow() == 1

    name = curated().by_slug["quantum"].name
    query = Query(name, (Term((Phrase(name, (name,)),)),))
    answer = asyncio.run(ask_meilisearch(kept.meilisearch, kept.index.uid, Search(query)))
    assert [(hit.slug, hit.number) for hit in answer.hits] == [("2026-06-01", 1)]
    assert name in kept.index._index.get_settings()["synonyms"]["软银"]


def test_building_anew_exchanges_the_index_in_one_moment_and_leaves_none_behind(
    kept: Kept, publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(FIRST, SECOND)
    kept.reindex()
    before = kept.index.created()
    counts = []
    replace = Index.replace

    def watched(index: Index, *arguments: Any) -> None:
        counts.append(kept.index.count())
        replace(index, *arguments)
        counts.append(kept.index.count())

    monkeypatch.setattr(Index, "replace", watched)
    kept.reindex()
    assert set(counts) == {4}, "searches see the old one whole until the new one is"
    assert kept.index.created() != before
    assert kept.index.beside().created() is None
    assert kept.drift() == []


def test_what_is_published_meanwhile_is_in_the_new_index(
    kept: Kept, publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(FIRST)
    kept.reindex()
    replace = Index.replace

    def publishing(index: Index, *arguments: Any) -> None:
        monkeypatch.setattr(Index, "replace", replace)
        replace(index, *arguments)
        publish_elsewhere()

    def publish_elsewhere() -> None:
        thread = threading.Thread(target=lambda: publish(SECOND, SHORTER))
        thread.start()
        thread.join()

    monkeypatch.setattr(Index, "replace", publishing)
    kept.reindex()
    assert kept.drift() == []
    assert kept.follow() == 0


def test_an_interrupted_rebuild_goes_on_where_it_was(
    kept: Kept, publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(FIRST, SECOND)
    monkeypatch.setattr(indexing, "BATCH", 1)

    def interrupted(done: int, _total: int) -> None:
        if done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        kept.run(lambda database: reindex(database, kept.index, interrupted))
    assert kept.index.created() is None
    steps: list[tuple[int, int]] = []
    kept.run(lambda database: reindex(database, kept.index, lambda *step: steps.append(step)))
    assert steps == [(0, 1), (1, 1)], "one of the two was there already"
    assert kept.drift() == []


def test_one_rebuild_runs_at_a_time(kept: Kept) -> None:
    async def both(database: Database) -> None:
        async with database.session() as holder:
            await holder.execute(select(func.pg_advisory_xact_lock(indexing._REINDEX_LOCK)))
            with pytest.raises(BusyError):
                await reindex(database, kept.index)

    kept.run(both)


def test_a_worker_killed_at_any_step_loses_nothing(kept: Kept, publish: Publish) -> None:
    kept.reindex()
    publish(FIRST, SECOND)
    before = kept.position()
    *killed, (end, position) = kept.killed_at_each_step("follow")
    assert len(killed) >= 10
    assert set(killed) == {(9, before)}, "the position moves only when all is done"
    assert (end, kept.drift(), kept.follow()) == (0, [], 0)
    assert position > before


def test_a_rebuild_killed_at_any_step_is_finished_by_the_next(kept: Kept, publish: Publish) -> None:
    kept.reindex()
    publish(FIRST, SECOND)
    *killed, (end, _) = kept.killed_at_each_step("reindex")
    assert len(killed) > 20
    assert {signal for signal, _ in killed} == {9}
    assert (end, kept.drift()) == (0, [])
    assert kept.index.beside().created() is None


@pytest.mark.parametrize("work", ["reconcile", "rebuild"])
def test_the_follower_waits_while_others_write_to_the_index(
    kept: Kept, publish: Publish, monkeypatch: pytest.MonkeyPatch, work: str
) -> None:
    kept.reindex()
    publish(FIRST)
    held = []
    name = "replace" if work == "reconcile" else "give_place_to"
    write = getattr(Index, name)

    def watched(index: Index, *arguments: Any) -> None:
        with psycopg.connect(kept.settings.conninfo) as connection:
            try:
                connection.execute("SELECT FROM change_position FOR UPDATE NOWAIT")
            except psycopg.errors.LockNotAvailable:
                held.append(True)
        write(index, *arguments)

    monkeypatch.setattr(Index, name, watched)
    kept.reconcile() if work == "reconcile" else kept.reindex()
    assert held == [True]


def test_the_clock_reconciles(kept: Kept, publish: Publish) -> None:
    publish(FIRST)

    async def tick(database: Database) -> None:
        for index in (None, kept.index):
            await clock(database, index).tasks["reconcile-search"](timestamp=0)

    kept.run(tick)
    assert kept.drift() == []


def test_without_meilisearch_the_follower_only_moves_on(kept: Kept, publish: Publish) -> None:
    publish(FIRST)
    work = follower(lambda: None)
    assert kept.run(lambda database: changes.catch_up(database, FOLLOWER, work)) == 1
