"""Merged tags and references: one stands for both in all that is public, and history stays."""

import asyncio
import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import httpx2
import psycopg
import pytest

from app import wiring
from app.bulletins.document import BulletinDocument, Citation, ReferenceItem
from app.bulletins.taxonomy import curated
from app.editorial import commands
from app.kit.db import connect
from app.kit.settings import Settings
from app.partners import export
from app.partners.verify import verify
from app.search import postgres
from tests.conftest import Publish, Server
from tests.editorial.conftest import approved, begin, bulletin, codes
from tests.partners.test_export import rows as exported

OLD, NEW = "energy", "compute"
DAYS = [date(2026, 6, day) for day in (23, 24, 25)]


def both(day: date) -> BulletinDocument:
    """A bulletin with sections of the one tag, the other, and both."""
    document = bulletin(day=day, sections=3, tag=OLD)
    sections = list(document.sections)
    old = sections[0].tags[0]
    new = old.model_copy(update={"slug": NEW})
    sections[1] = sections[1].model_copy(update={"tags": (new,)})
    sections[2] = sections[2].model_copy(update={"tags": (old, new)})
    return document.model_copy(update={"sections": tuple(sections)})


def merge(client: httpx2.Client, slug: str = OLD, into: str = NEW) -> httpx2.Response:
    path = f"/v1/editorial/tags/{slug}"
    headers = {"If-Match": client.get(path).headers["etag"]}
    return client.post(f"{path}/merge", json={"into": into}, headers=headers)


def slugs(answer: httpx2.Response) -> list[str]:
    return [tag["slug"] for tag in answer.json()["tags"]]


def listed(api: httpx2.Client, path: str, **query: Any) -> list[str]:
    return [item["slug"] for item in api.get(path, params=query).json()["items"]]


def now() -> str:
    return datetime.now(UTC).isoformat()


def curate(settings: Settings) -> set[str]:
    async def run() -> set[str]:
        async with connect(settings) as database, database.session() as session:
            return await commands.curate_tags(session, wiring.changes, curated())

    return asyncio.run(run())


@pytest.fixture
def merged(publish: Publish, reviewer: httpx2.Client, api: httpx2.Client) -> dict[str, Any]:
    """Three bulletins as they were read before a merge, and the moment before it."""
    publish(bulletin(day=DAYS[0], tag=OLD), bulletin(day=DAYS[1], tag=NEW), both(DAYS[2]))
    before = {
        "latest": api.get("/v1/bulletins/2026-06-25").json(),
        "tags": {slug: api.get(f"/v1/tags/{slug}").json() for slug in (OLD, NEW)},
        "moment": now(),
    }
    answer = merge(reviewer)
    assert answer.status_code == 200, answer.text
    assert answer.json()["slug"] == NEW
    return before


@pytest.mark.usefixtures("merged")
def test_the_old_address_leads_to_the_tag_that_stands_for_both(api: httpx2.Client) -> None:
    for path in ("", "/feed.atom?limit=2&tag.not=hubei", "/timeline?interval=week", "/related"):
        answer = api.get(f"/v1/tags/{OLD}{path}")
        assert answer.status_code == 308, path
        assert answer.headers["location"] == f"/v1/tags/{NEW}{path}"
        assert api.get(answer.headers["location"]).status_code == 200
    assert api.get("/v1/tags/never-there").status_code == 404
    assert api.head(f"/v1/tags/{OLD}").status_code == 308


def test_all_that_is_live_has_the_other_tag(api: httpx2.Client, merged: dict[str, Any]) -> None:
    for day in DAYS:
        assert slugs(api.get(f"/v1/bulletins/{day}")) == [NEW]
        assert slugs(api.get(f"/v1/bulletins/{day}/sections/1")) == [NEW]
    last = api.get("/v1/bulletins/2026-06-25").json()
    assert [[tag["slug"] for tag in section["tags"]] for section in last["sections"]] == [[NEW]] * 3
    assert last["version"] == 1
    assert last["content_hash"] != merged["latest"]["content_hash"]
    every = [f"2026-06-{day}" for day in (25, 24, 23)]
    assert listed(api, "/v1/bulletins", tag=NEW) == listed(api, "/v1/bulletins", tag=OLD) == every
    assert listed(api, "/v1/bulletins", **{"tag.not": OLD}) == []
    assert len(api.get("/v1/sections", params={"tag": OLD, "limit": 50}).json()["items"]) == 7
    tag = api.get(f"/v1/tags/{NEW}").json()
    assert (tag["bulletin_count"], tag["section_count"]) == (3, 7)
    assert OLD not in listed(api, "/v1/tags", limit=200)


def test_the_names_of_the_one_are_aliases_of_the_other_and_find_it(
    api: httpx2.Client, merged: dict[str, Any], settings: Settings
) -> None:
    old, tag = merged["tags"][OLD], api.get(f"/v1/tags/{NEW}").json()
    assert {old["name"], old["name_en"], *old["aliases"]} <= set(tag["aliases"])
    assert tag["name"] == merged["tags"][NEW]["name"]
    suggested = api.get("/v1/search/suggest", params={"q": old["name"]}).json()["items"]
    assert [item["slug"] for item in suggested if item["kind"] == "tag"] == [NEW]

    async def mend() -> None:
        async with connect(settings) as database:
            await postgres.mend(database)

    asyncio.run(mend())
    for q in (old["name"], tag["name"]):
        found = api.get("/v1/search", params={"q": q, "limit": 50}).json()["items"]
        assert {item["bulletin"]["slug"] for item in found} == set(map(str, DAYS)), q


def test_search_filters_by_the_other_tag_at_once(api: httpx2.Client, merged: dict[str, Any]) -> None:
    assert merged
    for slug in (OLD, NEW):
        answer = api.get("/v1/search", params={"q": "条目1", "tag": slug, "facets": "tag"}).json()
        assert {item["bulletin"]["slug"] for item in answer["items"]} == set(map(str, DAYS))
        assert answer["facets"]["tag"] == {NEW: answer["total"]}


def test_published_versions_and_past_moments_are_as_they_were(
    api: httpx2.Client, merged: dict[str, Any]
) -> None:
    path = "/v1/bulletins/2026-06-25"
    assert api.get(f"{path}?version=1").json() == merged["latest"]
    assert api.get(path, params={"as_of": merged["moment"]}).json() == merged["latest"]
    past = {"as_of": merged["moment"]}
    assert listed(api, "/v1/bulletins", tag=OLD, **past) == ["2026-06-25", "2026-06-23"]
    assert listed(api, "/v1/bulletins", tag=NEW, **past) == ["2026-06-25", "2026-06-24"]


def test_a_moment_after_the_merge_is_as_it_was_then_too(
    api: httpx2.Client, merged: dict[str, Any], reviewer: httpx2.Client
) -> None:
    assert merged
    then, shown = now(), api.get("/v1/bulletins/2026-06-25").json()
    assert api.get("/v1/bulletins/2026-06-25", params={"as_of": then}).json() == shown
    assert len(listed(api, "/v1/bulletins", tag=OLD, as_of=then)) == 3
    assert merge(reviewer, NEW, "robotics").status_code == 200
    assert slugs(api.get("/v1/bulletins/2026-06-25")) == ["robotics"]
    assert api.get("/v1/bulletins/2026-06-25", params={"as_of": then}).json() == shown
    assert api.get(f"/v1/tags/{OLD}").headers["location"] == "/v1/tags/robotics"


def test_sections_of_a_moment_have_the_tags_of_then(api: httpx2.Client, merged: dict[str, Any]) -> None:
    def found(tag: str, moment: str) -> list[tuple[str, int, list[str]]]:
        items = api.get("/v1/sections", params={"tag": tag, "as_of": moment, "order": "date"}).json()["items"]
        return [
            (item["bulletin"]["slug"], item["number"], [tag["slug"] for tag in item["tags"]])
            for item in items
        ]

    then = [("2026-06-23", 1, [OLD]), ("2026-06-23", 2, [OLD])]
    assert found(OLD, merged["moment"]) == [*then, ("2026-06-25", 1, [OLD]), ("2026-06-25", 3, [OLD, NEW])]
    assert found(OLD, now()) == found(NEW, now())
    assert len(found(NEW, now())) == 7
    assert {slug for *_, tags in found(NEW, now()) for slug in tags} == {NEW}


def test_the_change_log_names_both(settings: Settings, merged: dict[str, Any]) -> None:
    assert merged
    with psycopg.connect(settings.conninfo) as connection:
        change = connection.execute(
            "SELECT kind, subject, version, payload FROM change ORDER BY seq DESC LIMIT 1"
        ).fetchone()
    assert change == ("tag.merged", OLD, 1, {"slug": OLD, "into": NEW})


def test_feeds_and_exports_follow(
    api: httpx2.Client, server: Server, merged: dict[str, Any], tmp_path: Path
) -> None:
    assert merged
    assert OLD not in json.dumps(api.get("/v1/feed.json").json()["items"])
    assert len(api.get(f"/v1/tags/{NEW}/feed.json").json()["items"]) == 3
    assert f"/tags/{OLD}/" not in api.get("/v1/topics.opml").text

    async def build() -> None:
        async with connect(server.settings) as database:
            await export.build(database, tmp_path, "copy")

    asyncio.run(build())
    copy = tmp_path / "copy"
    assert list(verify(copy)) == []
    assert {slug for row in exported(copy, "bulletins", "ndjson.gz") for slug in map(_slug, row["tags"])} == {
        NEW
    }
    assert OLD not in [row["slug"] for row in exported(copy, "tags", "ndjson.gz")]


def _slug(tag: Any) -> str:
    return str(tag["slug"]) if isinstance(tag, dict) else str(tag)


def test_the_curated_file_does_not_undo_what_editors_did(
    settings: Settings, reviewer: httpx2.Client, api: httpx2.Client
) -> None:
    created = {"slug": "x-new", "kind": "topic", "name": "新甲", "name_en": "New", "parent": OLD}
    assert reviewer.post("/v1/editorial/tags", json=created).status_code == 201
    path = "/v1/editorial/tags/robotics"
    headers = {"If-Match": reviewer.get(path).headers["etag"]}
    assert reviewer.patch(path, json={"name": "机器"}, headers=headers).status_code == 200
    assert merge(reviewer).status_code == 200
    tags = api.get("/v1/tags", params={"limit": 200}).json()["items"]
    assert curate(settings) == set()
    assert api.get("/v1/tags", params={"limit": 200}).json()["items"] == tags
    assert api.get("/v1/tags/x-new").json()["parent"] == NEW
    assert api.get("/v1/tags/robotics").json()["name"] == "机器"
    assert api.get(f"/v1/tags/{OLD}").status_code == 308


def test_a_draft_with_the_old_tag_is_published_with_the_other(
    editor: httpx2.Client, reviewer: httpx2.Client, api: httpx2.Client
) -> None:
    draft = approved(editor, reviewer, both(DAYS[2]))
    later = begin(editor, bulletin(day=DAYS[0]))
    merge(reviewer)
    assert draft.step("publish").status_code == 200, "what was approved meanwhile"
    assert slugs(api.get("/v1/bulletins/2026-06-25")) == [NEW]
    patch = {
        "sections": [{**later.seen["document"]["sections"][0], "tags": [{"slug": OLD}]}],
        "citations": [],
    }
    later.send("PATCH", "/document", patch)
    assert later.seen["findings"] == [], "an old name is no unknown one"
    preview = editor.post(f"{later.path}/preview", json={}).json()
    assert slugs(api.get(preview["json_url"])) == [NEW]


def test_a_correction_after_the_merge_changes_nothing_but_what_it_corrects(
    editor: httpx2.Client, reviewer: httpx2.Client, api: httpx2.Client
) -> None:
    draft = approved(editor, reviewer, both(DAYS[2]))
    draft.step("publish")
    merge(reviewer)
    draft = draft.read(editor)
    draft.patch(title="改正")
    for action, client in (("submit", editor), ("approve", reviewer), ("publish", reviewer)):
        assert draft.step(action, client, note="改正标题。").status_code == 200
    shown = api.get("/v1/bulletins/2026-06-25").json()
    assert (shown["version"], shown["title"]) == (2, "改正")
    assert [[tag["slug"] for tag in section["tags"]] for section in shown["sections"]] == [[NEW]] * 3


def test_tags_below_either_are_below_the_other_and_form_no_ring(
    reviewer: httpx2.Client, api: httpx2.Client
) -> None:
    for slug, parent in (("x-a", None), ("x-b", "x-a"), ("x-c", "x-b"), ("x-d", "x-b")):
        made = {"slug": slug, "kind": "topic", "name": f"名{slug}", "name_en": slug, "parent": parent}
        assert reviewer.post("/v1/editorial/tags", json=made).status_code == 201
    assert merge(reviewer, "x-a", "x-c").status_code == 200
    assert api.get("/v1/tags/x-c").json()["parent"] is None
    assert api.get("/v1/tags/x-b").json()["parent"] == "x-c"
    assert merge(reviewer, "x-b", "x-d").status_code == 200
    assert api.get("/v1/tags/x-d").json()["parent"] == "x-c"


def test_what_cannot_be_merged_is_refused(reviewer: httpx2.Client, editor: httpx2.Client) -> None:
    assert codes(merge(reviewer, OLD, OLD)) == ["tag.same"]
    assert codes(merge(reviewer, OLD, "nowhere")) == ["tag.unknown"]
    assert merge(editor).status_code == 403
    path = f"/v1/editorial/tags/{OLD}/merge"
    assert reviewer.post(path, json={"into": NEW}).status_code == 428
    assert reviewer.post(path, json={"into": NEW}, headers={"If-Match": '"x"'}).status_code == 412
    key = {"Idempotency-Key": "m", "If-Match": reviewer.get(f"/v1/editorial/tags/{OLD}").headers["etag"]}
    first, again = (reviewer.post(path, json={"into": NEW}, headers=key) for _ in range(2))
    assert (first.status_code, again.headers["idempotency-replayed"]) == (200, "true")
    assert again.json() == first.json()
    assert reviewer.get(f"/v1/editorial/tags/{OLD}").status_code == 404
    taken = {"slug": OLD, "kind": "topic", "name": "又来", "name_en": "Again"}
    assert codes(reviewer.post("/v1/editorial/tags", json=taken)) == ["tag.slug-taken"]


def citing(day: date, *titles: str, url: str | None = None) -> BulletinDocument:
    """A bulletin that cites items of one source by these titles."""
    citations = tuple(
        Citation(
            number=number,
            purpose="核对",
            sections=(1,),
            reference=ReferenceItem(source="新华社", title=title, date=date(2026, 6, 22), url=url),
        )
        for number, title in enumerate(titles, 1)
    )
    return bulletin(day=day).model_copy(update={"citations": citations})


TITLES = ("湖北交通运输数据要素改革实践与探索", "湖北交通运输数据要素改革实践与探索（全文）")


def ids(api: httpx2.Client) -> dict[str, str]:
    return {item["title"]: item["id"] for item in api.get("/v1/references").json()["items"]}


def merge_references(client: httpx2.Client, one: str, into: str) -> httpx2.Response:
    path = f"/v1/editorial/references/{one}"
    headers = {"If-Match": client.get(path).headers["etag"]}
    return client.post(f"{path}/merge", json={"into": into}, headers=headers)


def test_a_merged_reference_leads_to_the_other_which_is_cited_in_its_place(
    publish: Publish, reviewer: httpx2.Client, api: httpx2.Client, settings: Settings
) -> None:
    publish(citing(DAYS[0], TITLES[0]), citing(DAYS[1], TITLES[1], url="https://a.example/"))
    publish(citing(DAYS[2], *TITLES))
    known = ids(api)
    kept, gone = (known[title] for title in TITLES)
    before, moment = api.get("/v1/bulletins/2026-06-24").json(), now()
    first = api.get("/v1/bulletins/2026-06-24?version=1").json()
    answer = merge_references(reviewer, gone, kept)
    assert (answer.status_code, answer.json()["citation_count"]) == (200, 3)
    for path in ("", "/related"):
        moved = api.get(f"/v1/references/{gone}{path}")
        assert (moved.status_code, moved.headers["location"]) == (308, f"/v1/references/{kept}{path}")
    found = api.get(f"/v1/references/{kept}").json()
    assert (found["citation_count"], len(found["cited_by"]), found["url"]) == (3, 4, "https://a.example/")
    assert list(ids(api)) == [TITLES[0]]
    after = api.get("/v1/bulletins/2026-06-24").json()
    assert after["citations"][0]["reference"] == before["citations"][0]["reference"] | {"id": kept}
    assert after["content_hash"] == before["content_hash"]
    assert api.get("/v1/bulletins/2026-06-24?version=1").json() == first
    assert api.get("/v1/bulletins/2026-06-24", params={"as_of": moment}).json() == before
    assert api.get("/v1/bulletins/2026-06-24", params={"as_of": now()}).json() == after
    assert api.get("/v1/sources/xin-hua-she").json()["reference_count"] == 1
    with psycopg.connect(settings.conninfo) as connection:
        change = connection.execute(
            "SELECT kind, subject, payload, touched FROM change ORDER BY seq DESC LIMIT 1"
        ).fetchone()
    assert change
    assert change[:3] == ("reference.merged", gone, {"id": gone, "into": kept})
    assert {f"reference:{gone}", f"reference:{kept}", "bulletin:2026-06-24"} <= set(change[3])


def test_who_cites_a_merged_reference_later_cites_the_other(
    publish: Publish, reviewer: httpx2.Client, api: httpx2.Client
) -> None:
    publish(citing(DAYS[0], *TITLES, "第三个题目"))
    known = ids(api)
    merge_references(reviewer, known[TITLES[1]], known[TITLES[0]])
    merge_references(reviewer, known[TITLES[0]], known["第三个题目"])
    publish(citing(DAYS[1], TITLES[1]))
    reference = api.get("/v1/bulletins/2026-06-24").json()["citations"][0]["reference"]
    assert (reference["id"], reference["title"]) == (known["第三个题目"], TITLES[1])
    moved = api.get(f"/v1/references/{known[TITLES[1]]}")
    assert moved.headers["location"].endswith(known["第三个题目"])


def test_references_that_may_be_the_same_are_suggested(
    publish: Publish, editor: httpx2.Client, api: httpx2.Client
) -> None:
    publish(citing(DAYS[0], TITLES[0]), citing(DAYS[1], *TITLES, "完全不同的一条新闻"))
    known = ids(api)
    params = {"from": "2026-06-01", "to": "2026-06-30"}
    (pair,) = editor.get("/v1/editorial/duplicates/references", params=params).json()["items"]
    assert (pair["merge"], pair["into"]) == (known[TITLES[1]], known[TITLES[0]])
    params = {"from": "2026-06-23", "to": "2026-06-30"}
    assert editor.get("/v1/editorial/duplicates/references", params=params).json()["items"] == []
    for query in ("to=0001-01-01", "from=9999-12-31"):
        assert editor.get(f"/v1/editorial/duplicates/references?{query}").json() == {"items": []}
    wrong = {"from": "2026-06-30", "to": "2026-06-01"}
    assert editor.get("/v1/editorial/duplicates/references", params=wrong).status_code == 422


def test_references_that_cannot_be_merged_are_refused(
    publish: Publish, reviewer: httpx2.Client, api: httpx2.Client, administrator: httpx2.Client
) -> None:
    publish(citing(DAYS[0], *TITLES))
    publish(bulletin(day=DAYS[1]).model_copy(update={"citations": (_reuters(),)}))
    known = ids(api)
    one, other, foreign = known[TITLES[0]], known[TITLES[1]], known["Talk"]
    assert codes(merge_references(reviewer, one, one)) == ["reference.same"]
    assert codes(merge_references(reviewer, one, foreign)) == ["source.other"]
    nowhere = "0197a3f2-6f3a-7c40-9a7e-1f2b3c4d5e6f"
    assert codes(merge_references(reviewer, one, nowhere)) == ["reference.unknown"]
    assert reviewer.get(f"/v1/editorial/references/{nowhere}").status_code == 404
    merge_references(reviewer, one, other)
    assert codes(merge_references(reviewer, one, other)) == ["reference.merged"]
    assert codes(merge_references(reviewer, other, one)) == ["reference.merged"]
    (entry,) = administrator.get("/v1/editorial/audit", params={"action": "reference.merge"}).json()["items"]
    assert (entry["object"], entry["before"]["title"]) == (f"reference:{one}", TITLES[0])


def _reuters() -> Citation:
    return Citation(
        number=1,
        purpose="核对",
        sections=(1,),
        reference=ReferenceItem(source="Reuters", title="Talk", date=date(2026, 6, 24)),
    )
