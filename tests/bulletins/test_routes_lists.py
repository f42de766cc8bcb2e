from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import httpx2
import pytest

from app.bulletins.document import BulletinDocument
from tests.conftest import Publish, Server

Walk = Callable[[httpx2.Client, str], list[Any]]
LISTS = ["/v1/bulletins", "/v1/sections", "/v1/tags", "/v1/references", "/v1/sources"]


def place(section: dict[str, Any]) -> tuple[str, int]:
    return section["bulletin"]["slug"], section["number"]


@pytest.mark.parametrize("limit", range(1, 8))
@pytest.mark.parametrize("order", ["date", "-date"])
def test_pages_of_bulletins_together_are_the_whole_list(
    reading: httpx2.Client, walk: Walk, shelf: list[BulletinDocument], order: str, limit: int
) -> None:
    slugs = [item["slug"] for item in walk(reading, f"/v1/bulletins?order={order}&limit={limit}")]
    assert slugs == sorted((bulletin.slug for bulletin in shelf), reverse=order == "-date")


@pytest.mark.parametrize("limit", range(1, 8))
@pytest.mark.parametrize("order", ["date", "-date"])
@pytest.mark.parametrize("tag", ["", "&tag=energy"])
def test_pages_of_sections_go_by_date_and_within_a_day_by_number(
    reading: httpx2.Client, walk: Walk, shelf: list[BulletinDocument], order: str, limit: int, tag: str
) -> None:
    found = [place(item) for item in walk(reading, f"/v1/sections?order={order}&limit={limit}{tag}")]
    ordered = shelf if order == "date" else reversed(shelf)
    assert found == [
        (bulletin.slug, section.number)
        for bulletin in ordered
        for section in bulletin.sections
        if not tag or "energy" in [tag.slug for tag in section.tags]
    ]


@pytest.mark.parametrize("limit", range(1, 8))
@pytest.mark.parametrize("path", ["/v1/references?q=共享", "/v1/references?to=2026-02-28", "/v1/sources"])
def test_pages_of_references_and_sources_together_are_the_whole_list(
    reading: httpx2.Client, walk: Walk, path: str, limit: int
) -> None:
    address = httpx2.URL(path)
    whole = reading.get(address.copy_merge_params({"limit": 200})).json()["items"]
    assert len(whole) > 3
    assert walk(reading, str(address.copy_merge_params({"limit": limit}))) == whole


def test_tags_are_listed_whole_by_slug(reading: httpx2.Client, walk: Walk) -> None:
    slugs = [tag["slug"] for tag in walk(reading, "/v1/tags?limit=7")]
    assert len(slugs) >= 60
    assert slugs == sorted(set(slugs))


def test_references_are_newest_first_and_undated_ones_last(
    reading: httpx2.Client, shelf: list[BulletinDocument], walk: Walk
) -> None:
    found = walk(reading, "/v1/references?limit=6")
    days = [item["date"] for item in found]
    dated = [day for day in days if day]
    assert dated == sorted(dated, reverse=True)
    assert days == dated + [None] * days.count(None)
    items = {citation.reference.model_dump_json() for b in shelf for citation in b.citations}
    assert len(found) == len(items)


def test_pages_stay_put_when_a_bulletin_is_published_between_them(
    server: Server, publish: Publish, shelf: list[BulletinDocument]
) -> None:
    *early, late = shelf[:7]
    publish(*early[:2], *early[3:])
    first = server.client.get("/v1/bulletins?limit=2").json()
    publish(early[2], late)
    rest = server.client.get("/v1/bulletins", params={"limit": 100, "cursor": first["next"]}).json()
    assert [item["slug"] for item in first["items"]] == [early[5].slug, early[4].slug]
    assert [item["slug"] for item in rest["items"]] == [b.slug for b in reversed(early[:4])]


@pytest.mark.parametrize("path", [path if path != "/v1/tags" else "/v1/tags?kind=event" for path in LISTS])
def test_a_page_that_holds_exactly_the_rest_is_the_last(reading: httpx2.Client, path: str) -> None:
    address = httpx2.URL(path)
    number = len(reading.get(address.copy_merge_params({"limit": 200})).json()["items"])
    whole = reading.get(address.copy_merge_params({"limit": number}))
    assert whole.json()["next"] is None
    assert "link" not in whole.headers
    assert reading.get(address.copy_merge_params({"limit": number - 1})).json()["next"] is not None


def test_the_link_to_the_next_page_keeps_every_parameter(reading: httpx2.Client) -> None:
    address = "/v1/bulletins?tag.any=energy&tag.any=compute&q=增长&from=2026-03-02&limit=2&fields=slug"
    first = reading.get(address)
    link = first.links["next"]
    assert link["rel"] == "next"
    query = httpx2.URL(link["url"]).params.multi_items()
    assert query == [*httpx2.URL(address).params.multi_items(), ("cursor", first.json()["next"])]


@pytest.mark.parametrize("path", LISTS)
def test_twenty_items_are_a_page_unless_asked_otherwise(reading: httpx2.Client, path: str) -> None:
    page = reading.get(path).json()
    assert set(page) == {"items", "next"}
    assert len(page["items"]) == min(20, len(reading.get(f"{path}?limit=200").json()["items"]))


def test_an_empty_database_has_empty_lists_and_nothing_latest(api: httpx2.Client) -> None:
    for path in ["/v1/bulletins", "/v1/sections", "/v1/references", "/v1/sources"]:
        assert api.get(path).json() == {"items": [], "next": None}
    assert api.get("/v1/bulletins/latest").status_code == 404


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("fields", [["slug"], ["slug", "title"], ["id", "title"], ["number", "bulletin"]])
def test_sparse_items_hold_the_named_fields_and_say_so(
    reading: httpx2.Client, path: str, fields: list[str]
) -> None:
    whole = reading.get(path).json()
    sparse = reading.get(f"{path}?fields={','.join(fields)}")
    if not set(fields) <= set(whole["items"][0]):
        assert sparse.status_code == 422
        return
    assert sparse.headers["content-type"] == "application/vnd.nqpf.sparse+json"
    assert sparse.json()["items"] == [{name: item[name] for name in fields} for item in whole["items"]]
    assert sparse.json()["next"] == whole["next"]


PARTS = ("sections", "citations", "contacts")


@pytest.mark.parametrize("include", ["sections", "citations", "contacts", "contacts,citations,sections"])
def test_included_parts_are_those_of_the_bulletin_itself(reading: httpx2.Client, include: str) -> None:
    for item in reading.get(f"/v1/bulletins?limit=3&include={include}").json()["items"]:
        whole = reading.get(f"/v1/bulletins/{item['slug']}").json()
        left_out = set(PARTS) - set(include.split(","))
        assert item == {name: value for name, value in whole.items() if name not in left_out}


@pytest.mark.parametrize("query", ["fields=slug&include=contacts", "fields=slug,contacts"])
def test_included_parts_and_sparse_fields_go_together(reading: httpx2.Client, query: str) -> None:
    (item,) = reading.get(f"/v1/bulletins?limit=1&{query}").json()["items"]
    assert set(item) == {"slug", "contacts"}


@pytest.mark.parametrize(
    "address",
    [
        *LISTS,
        *(f"/v1/bulletins?include={parts}" for parts in (*PARTS, ",".join(PARTS))),
        "/v1/bulletins?tag=data-elements&tag.not=softbank&source=Reuters",
        "/v1/sections?tag.any=data-elements&source=Reuters",
        "/v1/references?tag=data-elements&source=Reuters",
    ],
)
def test_a_longer_page_takes_no_more_queries(shelf_server: Server, address: str) -> None:
    def queries(limit: int) -> int:
        page = httpx2.URL(address).copy_merge_params({"limit": limit})
        with shelf_server.counting() as statements:
            answer = shelf_server.client.get(page)
        assert answer.status_code == 200
        assert answer.json()["items"]
        return len(statements)

    assert 1 < queries(1) == queries(30) < 10


def test_neighbours_are_the_days_before_and_after(
    reading: httpx2.Client, shelf: list[BulletinDocument]
) -> None:
    slugs = [None, *(bulletin.slug for bulletin in shelf), None]
    items = reading.get("/v1/bulletins?order=date&limit=200").json()["items"]
    assert [(item["previous"], item["next"]) for item in items] == list(zip(slugs, slugs[2:], strict=False))


def test_dates_include_both_ends(reading: httpx2.Client, shelf: list[BulletinDocument]) -> None:
    first, last = shelf[4].slug, shelf[9].slug
    for path in ("bulletins", "sections"):
        items = reading.get(f"/v1/{path}?from={first}&to={last}&limit=200").json()["items"]
        days = {item.get("date") or item["bulletin"]["date"] for item in items}
        assert days == {bulletin.slug for bulletin in shelf[4:10]}
    day = (date.fromisoformat(first) - timedelta(days=1)).isoformat()
    items = reading.get(f"/v1/references?from={day}&to={day}").json()["items"]
    assert [item["title"] for item in items] == ["报道 4"]


def test_references_without_a_date_are_not_on_this_date_or_earlier(reading: httpx2.Client) -> None:
    for query in ("to=2026-03-01", "from=0001-01-01"):
        items = reading.get(f"/v1/references?{query}&limit=200").json()["items"]
        assert items
        assert all(item["date"] for item in items)
