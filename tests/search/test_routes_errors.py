import base64
import json
import re
from typing import Any

import httpx2
import pytest

from app.kit.pagination import encode
from tests.search.api_shelf import SIZE, found, places, refused, slug


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("", "q"),
        ("q=", "q"),
        ("q=%20%E3%80%80", "q"),
        ("q=%00", "q"),
        ("q=a%00", "q"),
        ("q=%0A", "q"),
        ("q=%7F", "q"),
        ("q=%ED%A0%80", "q"),
        ("q=" + "字" * 513, "q"),
        ("q=" + "x" * 1_000, "q"),
        ("q=。！？", "q"),
        ("q=%22", "q"),
        ("q=%22%22", "q"),
        ("q=-", "q"),
        ("q=- -- %22 -%22", "q"),
        ("q=%2B", "q"),
        ("q=a&q=b", "q"),
        ("q=a&sort=score", "sort"),
        ("q=a&sort=", "sort"),
        ("q=a&facets=", "facets"),
        ("q=a&facets=tags", "facets"),
        ("q=a&facets=tag,", "facets"),
        ("q=a&facets=tag&facets=month", "facets"),
        ("q=a&group=section", "group"),
        ("q=a&limit=0", "limit"),
        ("q=a&limit=201", "limit"),
        ("q=a&tag=unknown", "tag"),
        ("q=a&tag=A", "tag"),
        ("q=a&tag.any=compute&tag.any=unknown", "tag.any"),
        ("q=a&tag.not=unknown", "tag.not"),
        ("q=a&source=unknown", "source"),
        ("q=a&from=2026-02-30", "from"),
        ("q=a&from=2026-03-05&to=2026-03-04", "to"),
        ("q=a&offset=5", "offset"),
        ("q=a&fields=items", "fields"),
        ("q=a&cursor=", "cursor"),
        ("q=a&cursor=%00", "cursor"),
    ],
)
def test_a_bad_parameter_is_refused_by_name(shelf: httpx2.Client, query: str, parameter: str) -> None:
    refused(shelf.get(f"/v1/search?{query}"), parameter)


INJECTIONS = [
    "' OR 1=1 --",
    "'; DROP TABLE bulletin; --",
    "水稻') UNION SELECT version() --",
    "水稻' & !'x",
    "水稻:* | x",
    "a & b | !c <-> (d)",
    "!水稻",
    "水稻:A",
    "\\",
    "'",
    "\\'",
    "%",
    "_%",
    "水稻%' ESCAPE '!",
    "{}",
    "%(q)s",
    ":q",
    "$1",
    '"水稻" AND tags = "compute"',
    'slug = "2026-03-30" OR date > 0',
    "[[1,2]]",
    "<mark>",
    "</mark><script>alert(1)</script>",
    "\u202e\u200b水稻",
    "😀",
    "🇨🇳 水稻",
    "ﷺ" * 28,
    "a\u0301" * 250,
    "-" * 300 + "水稻",
    '"' * 301 + "水稻",
    "(" * 400 + "水稻",
    "a-" * 250,
    "软银 " * 170,
    "字" * 512,
    "字 " * 256,
    "shuju" * 100,
]


@pytest.mark.parametrize("path", ["/v1/search", "/v1/search/suggest"])
@pytest.mark.parametrize("q", INJECTIONS)
def test_nothing_in_a_query_is_read_as_syntax(shelf: httpx2.Client, path: str, q: str) -> None:
    answer = shelf.get(path, params={"q": q})
    assert answer.status_code in {200, 422}, answer.text
    if answer.status_code == 422:
        refused(answer, "q")
    else:
        for hit in answer.json()["items"]:
            html = "".join(hit.get("highlight", {}).values())
            assert set(re.findall("<[^>]*>", html)) <= {"<mark>", "</mark>"}
    assert found(shelf, "水稻")["total"] == SIZE


def test_operators_and_signs_find_no_more_than_their_words(shelf: httpx2.Client) -> None:
    for q in ("水稻 ' OR 1=1 --", "水稻') UNION SELECT version() --", "水稻 & !水稻网络"):
        assert found(shelf, q, limit=200)["total"] <= SIZE
    assert found(shelf, "水稻:*")["total"] == SIZE


@pytest.mark.parametrize("q", ['"水稻网络', "“水稻网络", '水稻网络"', '"水稻" "网络'])
def test_a_quote_that_is_not_closed_reaches_to_the_end(shelf: httpx2.Client, q: str) -> None:
    assert found(shelf, q)["total"] == SIZE


def test_one_character_is_a_query_like_any_other(shelf: httpx2.Client) -> None:
    assert found(shelf, "水")["total"] == SIZE
    assert found(shelf, "啊")["total"] == 0


def test_only_exclusions_find_everything_else(shelf: httpx2.Client) -> None:
    page = found(shelf, "-水稻", limit=200)
    assert page["total"] == len(page["items"]) > 0
    assert not set(places(page)) & set(places(found(shelf, "水稻", limit=200)))


def test_cursors_that_were_changed_or_belong_elsewhere_are_refused(shelf: httpx2.Client) -> None:
    cursor = found(shelf, "水稻", limit=1)["next"]
    other = shelf.get("/v1/sections", params={"limit": 1}).json()["next"]
    for q, value in [
        ("水稻", cursor[:-2]),
        ("水稻", "abcd"),
        ("水稻", other),
        ("软银", cursor),
        ("水稻", encode((0, None), "x")),
    ]:
        answer = shelf.get("/v1/search", params={"q": q, "cursor": value})
        assert (answer.status_code, answer.json()["type"]) == (422, "/problems/invalid-cursor")
    for name, value in [("sort", "date"), ("group", "bulletin"), ("to", slug(3)), ("tag", "compute")]:
        answer = shelf.get("/v1/search", params={"q": "水稻", "cursor": cursor, name: value})
        assert (answer.status_code, answer.json()["type"]) == (422, "/problems/invalid-cursor")


@pytest.mark.parametrize(
    "key",
    [
        (0, None, "postgres"),
        (-1, None, "postgres"),
        (10**30, None, "postgres"),
        (10_000_001, "2026-01-01T00:00:00Z", "postgres"),
        (1,),
        (1, None),
        (1, "yesterday", "postgres"),
        (1, "2026-01-01T00:00:00", "postgres"),
        ("1' --", None, "postgres"),
        (1, "2026-01-01T00:00:00Z", 3),
        (1, "2026-01-01T00:00:00Z", None),
        (1, "2026-01-01T00:00:00Z", "engines"),
        (1, "2026-01-01T00:00:00Z", "meilisearch"),
        (1, "2026-01-01T00:00:00Z", "postgres", 4),
    ],
)
def test_a_forged_key_in_a_cursor_is_refused(shelf: httpx2.Client, key: tuple[Any, ...]) -> None:
    cursor = found(shelf, "水稻", limit=1)["next"]
    padded = cursor + "=" * (-len(cursor) % 4)
    owner = json.loads(base64.urlsafe_b64decode(padded))[0]
    answer = shelf.get("/v1/search", params={"q": "水稻", "cursor": encode(key, owner)})
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/invalid-cursor")


def test_a_cursor_beyond_the_end_gives_an_empty_last_page(shelf: httpx2.Client) -> None:
    cursor = found(shelf, "水稻", limit=1)["next"]
    owner = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))[0]
    for moment in ("2026-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", None):
        page = found(shelf, "水稻", cursor=encode((10_000_000, moment, "postgres"), owner))
        assert (page["items"], page["next"]) == ([], None)


@pytest.mark.parametrize("path", ["/v1/search", "/v1/search/suggest"])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_other_methods_are_refused(shelf: httpx2.Client, path: str, method: str) -> None:
    answer = shelf.request(method, path)
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")
