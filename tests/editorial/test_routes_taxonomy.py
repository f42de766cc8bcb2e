import re
from typing import Any

import httpx2
import psycopg
import pytest

from app.bulletins.taxonomy import curated
from app.editorial.taxonomy_schemas import RESERVED
from app.kit.front_store import Store
from app.kit.settings import Settings
from app.main import create_api
from tests.conftest import Publish
from tests.editorial.conftest import begin, bulletin, codes
from tests.editorial.test_hard_moments import doing as doing  # noqa: PLC0414 - a fixture
from tests.editorial.test_hard_moments import holding, waiting
from tests.editorial.test_routes_imports import upload

TAGS = "/v1/editorial/tags"
NEW = {"slug": "low-flight", "kind": "topic", "name": "低空观光", "name_en": "Low flight"}


def create(client: httpx2.Client, **values: Any) -> httpx2.Response:
    return client.post(TAGS, json=NEW | values)


def change(client: httpx2.Client, slug: str, **values: Any) -> httpx2.Response:
    etag = client.get(f"{TAGS}/{slug}").headers["etag"]
    return client.patch(f"{TAGS}/{slug}", json=values, headers={"If-Match": etag})


def test_a_new_tag_can_be_used_searched_and_suggested_at_once(
    editor: httpx2.Client, api: httpx2.Client, publish: Publish
) -> None:
    made = create(editor, aliases=["低空游"], parent="compute")
    assert made.status_code == 201, made.text
    assert made.headers["location"] == f"{TAGS}/low-flight"
    assert begin(editor, bulletin(tag="low-flight")).seen["findings"] == []
    publish(bulletin("乘直升机", tag="low-flight"))
    assert api.get("/v1/tags/low-flight").json()["parent"] == "compute"
    for q in ("低空观光", "低空游"):
        assert api.get("/v1/search", params={"q": q}).json()["total"] == 3, "two sections and the abstract"
    assert api.get("/v1/search/suggest", params={"q": "低空游"}).json()["items"][0]["slug"] == "low-flight"


def test_a_new_tag_has_an_address_that_nothing_else_has(editor: httpx2.Client) -> None:
    paths = [path.split("/") for path in create_api(Settings(), Store()).openapi()["paths"]]
    fixed = {parts[3] for parts in paths if parts[:3] == ["", "v1", "tags"] and parts[3:]} - {"{slug}"}
    assert fixed == RESERVED
    for slug in fixed:
        answer = create(editor, slug=slug)
        assert (answer.status_code, answer.json()["errors"][0]["parameter"]) == (422, "slug")
    assert fixed.isdisjoint(curated().by_slug)


def test_no_other_name_that_people_make_shares_a_level_with_a_fixed_address() -> None:
    paths = [path.split("/") for path in create_api(Settings(), Store()).openapi()["paths"]]
    shared = {
        "/".join(named[: level + 1])
        for named in paths
        for fixed in paths
        for level in range(min(len(named), len(fixed)))
        if named[:level] == fixed[:level]
        and re.fullmatch(r"\{\w+\}", named[level])
        and "{" not in fixed[level]
    }
    # Of the others one is the date of a bulletin, one an id.
    assert shared == {"/v1/tags/{slug}", "/v1/bulletins/{slug}", "/v1/editorial/tokens/{id}"}


def test_import_suggests_the_tags_that_editors_have_made(editor: httpx2.Client) -> None:
    create(editor, aliases=["夜行列车"])
    text = "新质生产力每日动态\n2026 年 6 月 25 日\n摘要\n今日要闻。\n一、夜行列车开通\n夜行列车今天开出。\n"
    document = upload(editor, text.encode()).json()["draft"]["document"]
    assert "low-flight" in [tag["slug"] for tag in document["sections"][0]["tags"]]


def test_a_renamed_tag_has_its_new_name_everywhere_and_former_versions_keep_the_old_one(
    reviewer: httpx2.Client, api: httpx2.Client, publish: Publish, settings: Settings
) -> None:
    publish(bulletin())
    assert api.get("/v1/bulletins/2026-06-25").json()["tags"][0]["name"] == "算力"
    answer = change(reviewer, "compute", name="计算能力", aliases=["算力"])
    assert (answer.status_code, answer.json()["name"], answer.json()["edited"]) == (200, "计算能力", True)
    assert api.get("/v1/bulletins/2026-06-25").json()["tags"][0]["name"] == "计算能力"
    assert api.get("/v1/bulletins/2026-06-25?version=1").json()["tags"][0]["name"] == "算力"
    assert api.get("/v1/search/suggest", params={"q": "计算能"}).json()["items"][0]["slug"] == "compute"
    with psycopg.connect(settings.conninfo) as connection:
        changes = connection.execute("SELECT kind, payload FROM change ORDER BY seq").fetchall()
    assert changes[1] == ("tags.curated", {"tags": ["compute"]})


def test_a_tag_is_put_below_another_one_and_never_below_itself(
    reviewer: httpx2.Client, api: httpx2.Client
) -> None:
    for slug, name in (("x-a", "甲甲"), ("x-b", "乙乙"), ("x-c", "丙丙")):
        create(reviewer, slug=slug, name=name, name_en=slug)
    change(reviewer, "x-b", parent="x-a")
    change(reviewer, "x-c", parent="x-b")
    assert [child["slug"] for child in api.get("/v1/tags/x-b").json()["children"]] == ["x-c"]
    assert codes(change(reviewer, "x-a", parent="x-c")) == ["parent.ring"]
    assert codes(change(reviewer, "x-a", parent="x-a")) == ["parent.ring"]
    assert codes(change(reviewer, "x-a", parent="nowhere")) == ["parent.unknown"]
    assert change(reviewer, "x-b", parent=None).json()["parent"] is None
    assert change(reviewer, "x-a", parent="x-c").json()["parent"] == "x-c"


def test_an_alias_is_added_and_removed(reviewer: httpx2.Client, api: httpx2.Client) -> None:
    before = reviewer.get(f"{TAGS}/compute").json()["aliases"]
    change(reviewer, "compute", aliases=[*before, "算力甲"])
    assert "算力甲" in api.get("/v1/tags/compute").json()["aliases"]
    change(reviewer, "compute", aliases=before)
    assert "算力甲" not in api.get("/v1/tags/compute").json()["aliases"]


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"slug": "compute"}, "tag.slug-taken"),
        ({"name": "算力"}, "tag.name-taken"),
        ({"aliases": ["ＣＯＭＰＵＴＥ"]}, "tag.name-taken"),
        ({"parent": "nowhere"}, "parent.unknown"),
    ],
)
def test_what_is_taken_or_missing_refuses_a_tag(
    editor: httpx2.Client, values: dict[str, Any], code: str
) -> None:
    answer = create(editor, **values)
    assert codes(answer) == [code]
    assert any("\u4e00" <= c <= "\u9fff" for c in answer.json()["reasons"][0]["message"])


@pytest.mark.parametrize(
    "values",
    [
        {"slug": "Upper"},
        {"slug": "a" * 81},
        {"name": ""},
        {"name": "a\nb"},
        {"name": "长" * 101},
        {"name": "\u0000"},
        {"aliases": ["x"] * 51},
        {"kind": "colour"},
        {"colour": "red"},
        {"parent": 7},
    ],
)
def test_what_is_no_tag_is_refused_by_name(editor: httpx2.Client, values: dict[str, Any]) -> None:
    answer = create(editor, **values)
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/invalid-parameter")


def test_html_in_a_name_stays_text(editor: httpx2.Client, api: httpx2.Client, publish: Publish) -> None:
    create(editor, name="<script>alert(1)</script>", name_en="<img src=x onerror=alert(1)>")
    publish(bulletin(tag="low-flight"))
    page = api.get("/v1/bulletins/2026-06-25.html").text
    assert "<script>alert" not in page
    assert "<img src=x" not in page


def test_a_change_of_what_was_changed_meanwhile_is_refused(reviewer: httpx2.Client) -> None:
    etag = reviewer.get(f"{TAGS}/compute").headers["etag"]
    assert change(reviewer, "compute", name_en="Computing").status_code == 200
    stale = reviewer.patch(f"{TAGS}/compute", json={"name_en": "x"}, headers={"If-Match": etag})
    assert (stale.status_code, stale.json()["type"]) == (412, "/problems/precondition-failed")
    assert stale.headers["etag"] == reviewer.get(f"{TAGS}/compute").headers["etag"]
    assert reviewer.patch(f"{TAGS}/compute", json={}).status_code == 428
    assert reviewer.get(f"{TAGS}/nowhere").status_code == 404
    assert reviewer.get(f"{TAGS}/No%2Fslug").status_code == 404


def test_of_two_who_make_the_same_name_at_once_one_is_refused(
    editor: httpx2.Client, settings: Settings, doing: Any
) -> None:
    with holding(settings, "SELECT pg_advisory_xact_lock(1852928102)"):
        answers = [doing(create, editor, slug=slug) for slug in ("x-a", "x-b")]
        waiting(settings, 2)
    assert sorted(answer.result().status_code for answer in answers) == [201, 409]


def test_a_tag_made_twice_under_one_key_is_made_once(editor: httpx2.Client) -> None:
    first, again = (editor.post(TAGS, json=NEW, headers={"Idempotency-Key": "t"}) for _ in range(2))
    assert (again.json(), again.headers["idempotency-replayed"]) == (first.json(), "true")


def test_every_change_of_a_tag_is_in_the_audit_log(
    reviewer: httpx2.Client, administrator: httpx2.Client
) -> None:
    create(reviewer)
    change(reviewer, "low-flight", name="低空游览")
    change(reviewer, "low-flight", name="低空游览")
    items = administrator.get("/v1/editorial/audit", params={"object": "tag:low-flight"}).json()["items"]
    assert [entry["action"] for entry in items] == ["tag.change", "tag.create"]
    assert (items[0]["before"]["name"], items[0]["after"]["name"]) == ("低空观光", "低空游览")


def test_tags_that_may_be_the_same_are_suggested(editor: httpx2.Client, publish: Publish) -> None:
    create(editor, slug="x-a", name="人形机器人产业园区", name_en="Parks of humanoids")
    create(editor, slug="x-b", name="人形机器人产业园", name_en="Humanoid park")
    publish(bulletin(tag="x-a"))
    found = editor.get("/v1/editorial/duplicates/tags").json()["items"]
    (pair,) = [item for item in found if item["merge"] == "x-b"]
    assert pair["into"] == "x-a"
    assert pair["score"] > 90
    slugs = curated().by_slug
    assert [item for item in found if item["merge"] in slugs and item["into"] in slugs] == []
