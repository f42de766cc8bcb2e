from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
import pytest
from pydantic import BaseModel

from app.bulletins.examples import Example
from app.search import examples, schemas
from app.search.contract import Answer, EngineUnavailableError, Found, Search
from tests.conftest import Publish, Server
from tests.search.api_shelf import SIZE, found, places, rice, slug
from tests.search.shelf import bulletin


def test_a_hit_says_where_it_stands_and_shows_what_was_found(shelf: httpx2.Client) -> None:
    page = found(shelf, "软银", to=slug(1))
    assert page.pop("took_ms") >= 0
    assert 0 <= page["items"][0].pop("score") <= 1
    assert page == {
        "engine": "postgres",
        "total": 1,
        "total_is": "exact",
        "relaxed": False,
        "facets": {},
        "items": [
            {
                "bulletin": {"slug": slug(1), "title": f"新质生产力每日动态 {slug(1)}", "date": slug(1)},
                "section": {"number": 2, "heading": "产业动态", "anchor": "section-2"},
                "highlight": {"heading": "产业动态", "body": "<mark>软银</mark>投资数据中心。"},
                "tags": [
                    {"slug": "robotics", "name": "机器人", "name_en": "Robotics", "kind": "topic"},
                    {"slug": "energy", "name": "能源", "name_en": "Energy", "kind": "topic"},
                ],
            }
        ],
        "next": None,
    }


def test_the_abstract_is_section_0_under_the_title_of_its_bulletin(shelf: httpx2.Client) -> None:
    page = found(shelf, "量子计算", to=slug(0))
    (hit,) = page["items"]
    assert hit["section"] == {"number": 0, "heading": f"新质生产力每日动态 {slug(0)}", "anchor": "abstract"}
    assert hit["highlight"] == {
        "heading": f"新质生产力每日动态 {slug(0)}",
        "body": "<mark>量子计算</mark>取得突破。",
    }
    assert [tag["slug"] for tag in hit["tags"]] == ["compute", "robotics", "energy"]


def test_markup_in_the_text_is_escaped(publish: Publish, api: httpx2.Client) -> None:
    text = "<script>alert('软银')</script> & <mark>软银</mark>"
    publish(bulletin(slug(0), (f"软银 {text}", text, [])))
    (hit,) = found(api, "软银")["items"]
    marked = (
        "&lt;script&gt;alert(&#x27;<mark>软银</mark>&#x27;)&lt;/script&gt; &amp; "
        "&lt;mark&gt;<mark>软银</mark>&lt;/mark&gt;"
    )
    assert hit["highlight"] == {"heading": f"<mark>软银</mark> {marked}", "body": marked}
    assert hit["section"]["heading"] == f"软银 {text}"


@pytest.mark.parametrize("limit", [1, 2, 5, 11, 200])
@pytest.mark.parametrize("sort", ["relevance", "date"])
def test_pages_hold_every_hit_once(shelf: httpx2.Client, sort: str, limit: int) -> None:
    whole = found(shelf, "水稻", sort=sort, limit=200)
    assert whole["total"] == len(whole["items"]) == SIZE
    collected: list[tuple[str, int]] = []
    address: str | None = f"/v1/search?q=水稻&sort={sort}&limit={limit}"
    while address:
        answer = shelf.get(address)
        page = answer.json()
        assert page["total"] == SIZE
        assert len(page["items"]) == min(limit, SIZE - len(collected))
        collected += places(page)
        address = answer.links["next"]["url"] if "next" in answer.links else None
        assert (address is None) == (page["next"] is None)
    assert collected == places(whole)
    assert sorted(collected) == [(slug(index), 1) for index in range(SIZE)]


def test_by_date_the_newest_come_first(shelf: httpx2.Client) -> None:
    newest_first = [slug(index) for index in reversed(range(SIZE))]
    assert [place for place, _ in places(found(shelf, "水稻", sort="date"))] == newest_first


def test_what_is_published_while_somebody_pages_does_not_shift_the_pages(
    publish: Publish, api: httpx2.Client
) -> None:
    publish(*(rice(index) for index in range(4)))
    first = found(api, "水稻", sort="date", limit=2)
    publish(rice(4))
    rest = found(api, "水稻", sort="date", limit=2, cursor=first["next"])
    assert places(first) + places(rest) == [(slug(index), 1) for index in (3, 2, 1, 0)]
    assert rest["next"] is None
    assert found(api, "水稻")["total"] == 5


def test_facets_count_the_hits_that_pass_the_filters(shelf: httpx2.Client) -> None:
    page = found(shelf, "水稻", facets="tag,source,kind,month", limit=1)
    assert page["facets"] == {
        "tag": {"compute": SIZE},
        "source": {"新华社": 9, "国家数据局": 3},
        "kind": {"topic": SIZE},
        "month": {"2026-04": 10, "2026-03": 2},
    }
    assert list(page["facets"]["month"]) == ["2026-04", "2026-03"]
    april = found(shelf, "水稻", facets="source,month", **{"from": "2026-04-01"})
    assert april["facets"] == {"source": {"新华社": 8, "国家数据局": 2}, "month": {"2026-04": 10}}
    for source, count in april["facets"]["source"].items():
        assert found(shelf, "水稻", source=source, **{"from": "2026-04-01"})["total"] == count


def test_facets_may_be_asked_for_on_the_first_page_only(shelf: httpx2.Client) -> None:
    first = found(shelf, "水稻", facets="tag", limit=5)
    second = found(shelf, "水稻", limit=5, cursor=first["next"])
    assert (second["facets"], len(second["items"])) == ({}, 5)


@pytest.mark.parametrize(
    ("parameters", "count"),
    [
        ({"tag": "compute"}, SIZE),
        ({"tag": "energy"}, 0),
        ({"tag.any": ["energy", "compute"]}, SIZE),
        ({"tag.not": "compute"}, 0),
        ({"source": "国家数据局"}, 3),
        ({"source": "guo-jia-shu-ju-ju"}, 3),
        ({"from": slug(2), "to": slug(4)}, 3),
        ({"to": slug(0)}, 1),
        ({"tag": "compute", "source": "新华社", "to": slug(2)}, 2),
    ],
)
def test_the_lists_filters_narrow_a_search(
    shelf: httpx2.Client, parameters: dict[str, Any], count: int
) -> None:
    page = found(shelf, "水稻", **parameters)
    assert (page["total"], len(page["items"])) == (count, count)


def test_grouped_by_bulletin_each_appears_once(shelf: httpx2.Client) -> None:
    everything = found(shelf, "增长", limit=200)
    grouped = found(shelf, "增长", group="bulletin", limit=200)
    slugs = [place for place, _ in places(grouped)]
    assert sorted(slugs) == sorted({place for place, _ in places(everything)})
    assert grouped["total"] == len(slugs) < everything["total"]


def test_a_question_is_answered_relaxed_and_says_so(shelf: httpx2.Client) -> None:
    page = found(shelf, "软银为什么要在海南投资数据中心？")
    assert page["relaxed"] is True
    assert page["items"]
    assert "<mark>软银" in page["items"][0]["highlight"]["body"]


@contextmanager
def answering(server: Server, answer: Answer | Exception) -> Iterator[None]:
    """While the context lasts, the engine has one answer to everything."""

    class Engine:
        async def search(self, _: Search) -> Answer:
            if isinstance(answer, Exception):
                raise answer
            return answer

    state = server.app.state
    real, state.search = state.search, Engine()
    server.forget()
    try:
        yield
    finally:
        server.forget()
        state.search = real


def test_a_section_that_is_not_live_any_more_is_left_out(shelf_server: Server) -> None:
    gone = [Found(slug(0), 1, 0.9), Found(slug(0), 9, 0.8), Found("2020-01-01", 0, 0.7)]
    with answering(shelf_server, Answer("stale", gone, total=3, exact=False)):
        page = found(shelf_server.client, "水稻")
    assert places(page) == [(slug(0), 1)]
    assert (page["engine"], page["total"], page["total_is"]) == ("stale", 3, "estimated")


def test_when_no_engine_answers_the_search_is_unavailable(shelf_server: Server) -> None:
    with answering(shelf_server, EngineUnavailableError()):
        answer = shelf_server.client.get("/v1/search", params={"q": "没有引擎的水稻"})
    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/unavailable")
    assert answer.headers["retry-after"]


def test_the_etag_stays_while_the_answer_does_although_the_time_it_took_varies(
    publish: Publish, server: Server
) -> None:
    publish(rice(0))
    first = server.client.get("/v1/search", params={"q": "水稻"})
    etag = first.headers["etag"]
    assert etag.startswith('W/"')
    assert "last-modified" not in first.headers
    again = server.client.get("/v1/search", params={"q": "水稻"}, headers={"If-None-Match": etag})
    assert (again.status_code, again.content) == (304, b"")
    publish(rice(1))
    changed = server.client.get("/v1/search", params={"q": "水稻"}, headers={"If-None-Match": etag})
    assert changed.status_code == 200
    assert changed.headers["etag"] != etag


def test_a_later_page_keeps_its_etag_over_a_publication(publish: Publish, api: httpx2.Client) -> None:
    publish(*(rice(index) for index in range(4)))
    cursor = found(api, "水稻", limit=2, sort="date")["next"]
    address = {"q": "水稻", "limit": 2, "sort": "date", "cursor": cursor}
    before = api.get("/v1/search", params=address).headers["etag"]
    publish(rice(4))
    assert api.get("/v1/search", params=address).headers["etag"] == before


def test_head_answers_as_get_does(shelf: httpx2.Client) -> None:
    answer = shelf.head("/v1/search", params={"q": "水稻"})
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["etag"] == shelf.get("/v1/search", params={"q": "水稻"}).headers["etag"]


def test_the_number_of_queries_does_not_grow_with_the_page(shelf_server: Server) -> None:
    counts = []
    for limit in (2, 10):
        found(shelf_server.client, "水稻", limit=limit)
        with shelf_server.counting() as statements:
            found(shelf_server.client, "水稻", limit=limit, facets="tag,month")
        # Now and then the vocabulary looks whether the tags have changed.
        counts.append(sum("md5(string_agg" not in statement for statement in statements))
    assert counts[0] == counts[1], statements


def test_a_corrected_bulletin_is_found_by_its_new_words_only(publish: Publish, api: httpx2.Client) -> None:
    publish(rice(1))
    assert found(api, "软银")["total"] == 1
    publish(bulletin(slug(1), ("新条目", "绿氢项目投产。", [])))
    assert found(api, "软银")["items"] == []
    assert places(found(api, "绿氢")) == [(slug(1), 1)]


def test_nothing_published_gives_an_empty_answer(api: httpx2.Client) -> None:
    page = found(api, "水稻", facets="tag,source,kind,month")
    assert (page["total"], page["items"], page["next"]) == (0, [], None)
    assert page["facets"] == {"tag": {}, "source": {}, "kind": {}, "month": {}}


def test_examples_are_what_the_schemas_describe() -> None:
    described: list[tuple[Example, type[BaseModel]]] = [
        (examples.SEARCH, schemas.SearchPage),
        (examples.SUGGESTIONS, schemas.Suggestions),
    ]
    for example, model in described:
        assert model.model_validate(example).model_dump(mode="json") == example
