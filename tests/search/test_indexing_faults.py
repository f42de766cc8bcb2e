"""What becomes of the index when Meilisearch fails: on a strict fake that fails as it is told."""

import pytest
from meilisearch.errors import MeilisearchError

from app.search import meilisearch_index
from app.search.indexing import Repairs
from app.search.meilisearch_index import Index, IndexingError
from tests.conftest import Publish
from tests.search.conftest import meilisearch_settings
from tests.search.fake_meilisearch import KEY as FAKE_KEY
from tests.search.fake_meilisearch import FakeMeilisearch, Task, failing
from tests.search.keeping import FIRST, SECOND, Kept


def adding(task: Task) -> bool:
    return task.type == "documentAdditionOrUpdate"


Faked = tuple[Kept, FakeMeilisearch]


def test_a_refused_document_is_left_out_and_the_others_are_not(fake: Faked, publish: Publish) -> None:
    kept, server = fake
    server.faults.append(
        failing(
            "invalid_document_fields",
            when=lambda task: adding(task) and any(d["id"] == "2026-06-01-2" for d in task.documents),
        )
    )
    publish(FIRST, SECOND)
    kept.reindex()
    assert kept.drift() == ["2026-06-01"]
    assert set(kept.index.stamps()) == {"2026-06-01-1", "2026-06-02-0", "2026-06-02-1"}
    server.faults.clear()
    assert kept.reconcile() == Repairs(slugs=("2026-06-01",))
    assert kept.drift() == []


@pytest.mark.parametrize(("code", "type_"), [("no_space_left_on_device", "system"), ("internal", "internal")])
def test_a_full_disk_or_a_broken_server_keeps_the_position_until_it_is_mended(
    fake: Faked, publish: Publish, code: str, type_: str
) -> None:
    kept, server = fake
    kept.reindex()
    publish(FIRST, SECOND)
    before = kept.position()
    server.faults.append(failing(code, type_, when=adding))
    asked = len(server.log)
    with pytest.raises(IndexingError, match=code):
        kept.follow()
    assert len(server.log) - asked < 10, "it does not try every document by itself"
    assert kept.position() == before
    server.faults.clear()
    assert kept.follow() == 2
    assert kept.drift() == []


@pytest.mark.parametrize("fate", ["canceled", "forgotten"])
def test_a_task_of_unknown_outcome_is_sent_again(fake: Faked, publish: Publish, fate: str) -> None:
    kept, server = fake
    kept.reindex()
    publish(FIRST)

    def once(task: Task) -> None:
        server.faults.clear()
        task.outcome["status"] = "canceled"
        task.forgotten = fate == "forgotten"

    server.faults.append(once)
    assert kept.follow() == 1
    assert kept.drift() == []


def test_a_task_whose_outcome_stays_unknown_keeps_the_position(fake: Faked, publish: Publish) -> None:
    kept, server = fake
    kept.reindex()
    publish(FIRST)
    before = kept.position()
    server.faults.append(lambda task: task.outcome.update(status="canceled"))
    with pytest.raises(IndexingError, match="unknown"):
        kept.follow()
    assert kept.position() == before


def test_a_task_that_says_it_indexed_fewer_is_not_believed(fake: Faked, publish: Publish) -> None:
    kept, server = fake
    kept.reindex()
    publish(FIRST)

    def one_less(task: Task) -> None:
        if adding(task):
            task.outcome["details"]["indexedDocuments"] -= 1

    server.faults.append(one_less)
    with pytest.raises(IndexingError, match="2 documents were sent"):
        kept.follow()


def test_a_server_that_is_down_or_refuses_the_key_keeps_the_position(fake: Faked, publish: Publish) -> None:
    kept, _ = fake
    kept.reindex()
    publish(FIRST)
    before = kept.position()
    wrong_key = Index(meilisearch_settings(kept.meilisearch.meili_url or "", "wrong"), "test")
    down = Index(meilisearch_settings("http://127.0.0.1:9", FAKE_KEY), "test")
    for index in (wrong_key, down):
        with pytest.raises(MeilisearchError):
            Kept(kept.settings, kept.meilisearch, index).follow()
    assert kept.position() == before


def test_long_batches_are_sent_in_parts(
    fake: Faked, publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, server = fake
    monkeypatch.setattr(meilisearch_index, "_BATCH_BYTES", 100)
    publish(FIRST, SECOND)
    kept.reindex()
    assert server.log.count("POST /indexes/test_next/documents") == 4
    assert kept.drift() == []
