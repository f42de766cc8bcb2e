import asyncio
import gzip
import json
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import httpx2
import psycopg
import pytest
from pydantic import TypeAdapter

from app.bulletins.document import BulletinDocument, Section, SectionTag
from app.kit.db import connect
from app.kit.settings import Settings
from app.partners import export
from app.partners.examples import SYNC_PAGE
from app.partners.export_manifest import Export
from app.partners.schemas import SyncPage
from scripts.archive import generate
from tests.conftest import Publish, Withdraw, publish_into
from tests.partners.conftest import MakeKey, bearer
from tests.partners.follower import Copy, live

FIRST = date(2026, 5, 1)


@pytest.fixture
def key(make_key: MakeKey) -> str:
    return make_key()


def bulletin(day: int, *tags: str, abstract: str = "摘要。") -> BulletinDocument:
    when = FIRST + timedelta(days=day)
    section = Section(
        number=1, numeral="一", heading="算力", tags=tuple(SectionTag(slug=tag) for tag in tags)
    )
    return BulletinDocument(title=f"动态 {when}", date=when, abstract=abstract, sections=(section,))


def slug(day: int) -> str:
    return bulletin(day).slug


def changes(copy: Copy) -> list[tuple[str, str]]:
    return [(item["action"], item["id"]) for item in copy.heard if item["object"] == "bulletin"]


def problem(answer: httpx2.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, str(answer.json()["type"]).rpartition("/")[2]


def test_the_whole_state_comes_in_pages_and_is_what_readers_see(
    api: httpx2.Client, publish: Publish, key: str
) -> None:
    publish(*generate(7, seed=3))
    copy = Copy(api, key, limit=3).catch_up()
    assert copy.bulletins == live(api)
    assert len(changes(copy)) == len(set(changes(copy))) == 7
    known = {tag["slug"]: tag["name"] for tag in api.get("/v1/tags?limit=200").json()["items"]}
    assert {slug: copy.tags[slug]["name"] for slug in known} == known
    assert not copy.page()
    assert len(changes(copy)) == 7


def test_published_corrected_withdrawn_and_published_again_arrive_in_order(
    api: httpx2.Client, publish: Publish, withdraw: Withdraw, key: str
) -> None:
    copy = Copy(api, key).catch_up()
    publish(bulletin(1))
    publish(bulletin(1, abstract="更正。"), note="改了摘要。")
    publish(bulletin(2))
    copy.catch_up()
    withdraw(slug(1), note="来源不实。")
    copy.catch_up()
    publish(bulletin(1, abstract="再发。"))
    copy.catch_up()
    told = [(i["event"], i["id"], i["version"], i["note"]) for i in copy.heard if i["object"] == "bulletin"]
    assert told == [
        ("bulletin.published", slug(1), 1, ""),
        ("bulletin.corrected", slug(1), 2, "改了摘要。"),
        ("bulletin.published", slug(2), 1, ""),
        ("bulletin.withdrawn", slug(1), 3, "来源不实。"),
        ("bulletin.published", slug(1), 4, ""),
    ]
    assert copy.bulletins == live(api)


def test_what_was_withdrawn_before_it_was_fetched_is_a_tombstone_without_content(
    api: httpx2.Client, publish: Publish, withdraw: Withdraw, key: str
) -> None:
    copy = Copy(api, key).catch_up()
    publish(bulletin(1, abstract="机密。"))
    withdraw(slug(1))
    answer = copy.ask()
    assert "机密" not in answer.text
    items = answer.json()["items"]
    assert {(item["action"], item["reason"]) for item in items} == {("remove", "withdrawn")}


def test_a_state_that_is_read_while_it_changes_ends_as_what_readers_see(
    api: httpx2.Client, publish: Publish, withdraw: Withdraw, key: str
) -> None:
    publish(*(bulletin(day, "compute") for day in range(16)))
    acts: Iterator[Callable[[], object]] = iter(
        [
            lambda: publish(bulletin(0, "energy")),  # read already
            lambda: withdraw(slug(15)),  # not read yet
            lambda: publish(bulletin(14, "energy", abstract="更正。")),
            lambda: publish(bulletin(20, "compute")),
            lambda: withdraw(slug(1)),
        ]
    )
    everything = Copy(api, key, limit=2)
    while everything.page() and changes(everything) == []:
        pass

    def act() -> None:
        for now in islice(acts, 1):
            now()

    everything.catch_up(act)
    assert next(acts, None) is None
    everything.catch_up()
    assert everything.bulletins == live(api)
    versions: dict[str, list[int]] = defaultdict(list)
    for item in everything.heard:
        if item["object"] == "bulletin":
            versions[item["id"]].append(item["version"])
    assert all(each == sorted(each) for each in versions.values())


def test_filters_keep_tombstones_and_what_leaves_them_is_removed(
    api: httpx2.Client, publish: Publish, withdraw: Withdraw, key: str
) -> None:
    publish(bulletin(1, "compute"), bulletin(2, "energy"), bulletin(3, "compute", "energy"))
    copy = Copy(api, key, filters={"tag": "compute"}).catch_up()
    assert sorted(copy.bulletins) == [slug(1), slug(3)]
    publish(bulletin(1, "energy"), bulletin(2, "compute"), bulletin(4, "energy"))
    withdraw(slug(3))
    publish(bulletin(4, "energy", abstract="与我无关。"))
    copy.heard.clear()
    copy.catch_up()
    assert changes(copy) == [("remove", slug(1)), ("put", slug(2)), ("remove", slug(3))]
    assert [item["reason"] for item in copy.heard if item["action"] == "remove"] == ["filtered", "withdrawn"]
    assert copy.bulletins == live(api, tag="compute")


def test_every_filter_of_lists_selects_the_same_here(api: httpx2.Client, publish: Publish, key: str) -> None:
    selections: list[dict[str, Any]] = [
        {"tag.any": ["compute", "energy"]},
        {"tag.not": ["compute"]},
        {"from": "2026-06-05", "to": "2026-06-15"},
        {"source": "Reuters"},
        {"q": "算力"},
        {"tag": ["compute"], "tag.not": ["energy"], "q": "中国"},
    ]
    documents = list(generate(25, seed=4))
    copies = [Copy(api, key, limit=7, filters=filters) for filters in selections]
    for stage in (documents, map(retagged, documents, documents[1:] + documents[:1])):
        publish(*stage)
        for copy in copies:
            assert copy.catch_up().bulletins == live(api, **copy.filters), copy.filters


def retagged(document: BulletinDocument, other: BulletinDocument) -> BulletinDocument:
    """The bulletin with the tags of another one, and a word more."""
    sections = tuple(
        section.model_copy(update={"tags": source.tags})
        for section, source in zip(document.sections, cycle(other.sections), strict=False)
    )
    return document.model_copy(update={"sections": sections, "abstract": f"{document.abstract}算力。"})


def test_many_writers_and_a_slow_reader_miss_nothing_and_keep_the_order(
    api: httpx2.Client, settings: Settings, key: str
) -> None:
    copy = Copy(api, key, limit=3).catch_up()
    writers, days, rounds = 4, 4, 3
    done = threading.Event()

    def write(writer: int) -> None:
        for version in range(rounds):
            documents = [bulletin(10 * writer + day, abstract=f"{version}") for day in range(days)]
            publish_into(settings, documents)

    def read() -> None:
        while not done.is_set():
            copy.page()
        copy.catch_up()

    with ThreadPoolExecutor(writers + 1) as pool:
        reading = pool.submit(read)
        for future in [pool.submit(write, writer) for writer in range(writers)]:
            future.result()
        done.set()
        reading.result()
    heard = [item for item in copy.heard if item["seq"] and item["object"] == "bulletin"]
    seqs = [item["seq"] for item in heard]
    assert seqs == sorted(set(seqs))
    versions: dict[str, list[int]] = defaultdict(list)
    for item in heard:
        versions[item["id"]].append(item["version"])
    assert len(versions) == writers * days
    assert set(map(tuple, versions.values())) == {tuple(range(1, rounds + 1))}
    assert copy.bulletins == live(api)


def test_curated_tags_arrive_anew(api: httpx2.Client, settings: Settings, key: str) -> None:
    copy = Copy(api, key).catch_up()
    with psycopg.connect(settings.conninfo) as connection:
        connection.execute("UPDATE tag SET name_en = 'Computing power' WHERE slug = 'compute'")
        connection.execute(
            "INSERT INTO change (kind, subject, version, payload, at)"
            " VALUES ('tags.curated', 'taxonomy', 1, '{\"tags\": [\"compute\"]}', now())"
        )
    copy.catch_up()
    assert copy.tags["compute"]["name_en"] == "Computing power"


def test_an_export_and_what_came_after_its_last_change_are_a_complete_copy(
    api: httpx2.Client, settings: Settings, publish: Publish, withdraw: Withdraw, key: str, tmp_path: Path
) -> None:
    publish(bulletin(1, "compute"), bulletin(2, "compute"), bulletin(3, "energy"))

    async def run() -> Export:
        async with connect(settings) as database:
            return await export.build(database, tmp_path, "copy")

    made = asyncio.run(run())
    lines = gzip.decompress((tmp_path / "copy" / "bulletins.ndjson.gz").read_bytes()).splitlines()
    copy = Copy(api, key, filters={"since": made.seq})
    for each in map(json.loads, lines):
        del each["previous"], each["next"]
        copy.bulletins[each["slug"]] = each
    assert copy.bulletins == live(api)
    publish(bulletin(1, "compute", abstract="更正。"), bulletin(4, "compute"))
    withdraw(slug(2))
    assert copy.catch_up().bulletins == live(api)
    assert changes(copy) == [("put", slug(1)), ("put", slug(4)), ("remove", slug(2))]
    some = Copy(api, key, filters={"since": made.seq, "tag": "compute"}).catch_up()
    assert changes(some) == changes(copy)
    assert problem(Copy(api, key, filters={"since": 999_999}).ask()) == (410, "restart")
    assert problem(copy.ask(since=made.seq)) == (422, "invalid-parameter")


def test_an_expired_token_says_how_to_begin_again(
    api: httpx2.Client, settings: Settings, publish: Publish, key: str
) -> None:
    publish(bulletin(1))
    copy = Copy(api, key).catch_up()
    publish(bulletin(2), bulletin(3))
    with psycopg.connect(settings.conninfo) as connection:
        connection.execute("DELETE FROM change WHERE seq < (SELECT max(seq) FROM change)")
    answer = copy.ask()
    assert problem(answer) == (410, "restart")
    assert "without a token" in answer.json()["detail"]
    assert Copy(api, key).catch_up().bulletins == live(api)


def test_tokens_of_another_archive_and_damaged_ones_are_refused(
    api: httpx2.Client, settings: Settings, publish: Publish, key: str
) -> None:
    publish(bulletin(1))
    copy = Copy(api, key).catch_up()
    assert copy.token
    good = copy.token
    for damaged in (good[:-4], "A" + good[1:], good + "AAAA", "AAAA", "A"):
        copy.token = damaged
        assert problem(copy.ask()) == (410, "restart"), damaged
    copy.token = good
    with psycopg.connect(settings.conninfo) as connection:
        connection.execute("DELETE FROM change")  # a backup from before
    assert problem(copy.ask()) == (410, "restart")


def test_a_token_holds_its_filters_and_refuses_others(api: httpx2.Client, publish: Publish, key: str) -> None:
    publish(bulletin(1, "compute"))
    copy = Copy(api, key, filters={"tag": "compute"}).catch_up()
    assert copy.ask(tag="compute").status_code == 200
    assert problem(copy.ask(tag="energy")) == (422, "invalid-parameter")


def test_the_feed_needs_a_key_with_its_scope(api: httpx2.Client, make_key: MakeKey) -> None:
    assert api.get("/v1/sync").status_code == 401
    assert problem(api.get("/v1/sync", headers=bearer(make_key(scopes=["read"])))) == (403, "forbidden")


@pytest.mark.parametrize(
    "query", ["tag=nothing", "limit=201", "wait=31", "cursor=abc", "source=nobody", "tag=é"]
)
def test_what_is_not_understood_is_refused(api: httpx2.Client, key: str, query: str) -> None:
    assert problem(api.get(f"/v1/sync?{query}", headers=bearer(key))) == (422, "invalid-parameter")


def test_the_example_is_what_the_schema_allows() -> None:
    adapter = TypeAdapter(SyncPage)
    assert adapter.dump_python(adapter.validate_python(SYNC_PAGE), mode="json") == SYNC_PAGE


def test_pages_are_what_the_schema_says(api: httpx2.Client, publish: Publish, key: str) -> None:
    publish(*generate(2, seed=3))
    copy = Copy(api, key)
    copy.page()
    page = copy.ask().json()
    assert page["items"]
    assert SyncPage.model_validate(page).model_dump(mode="json") == page
