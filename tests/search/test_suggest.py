import asyncio
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import httpx2
import psycopg
import pytest

from app.bulletins.document import BulletinDocument
from app.kit.db import connect
from app.kit.settings import Settings
from app.search import suggest
from app.search.suggest import keys
from tests.conftest import Cluster, Publish, Server, publish_into, serving
from tests.search import shelf

DAY = date(2026, 6, 1)


def bulletin(
    day: int, *headings: str, tags: tuple[str, ...] = (), sources: tuple[str, ...] = ()
) -> BulletinDocument:
    """A bulletin with these headings, all tags on its first section, and a citation for each source."""
    parts = [(heading, "内容", () if place else tags) for place, heading in enumerate(headings)]
    return shelf.bulletin((DAY + timedelta(days=day)).isoformat(), *parts, sources=sources)


def suggested(api: httpx2.Client, q: str, limit: int = 5) -> list[dict[str, Any]]:
    answer = api.get("/v1/search/suggest", params={"q": q, "limit": limit})
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def texts(api: httpx2.Client, q: str, kind: str, limit: int = 5) -> list[str]:
    return [item["text"] for item in suggested(api, q, limit) if item["kind"] == kind]


@pytest.fixture(scope="module")
def reading(cluster: Cluster, template: str) -> Iterator[httpx2.Client]:
    """A client of the API on two bulletins; read only."""
    with cluster.database(template) as settings:
        heading = "湖北交通运输采用 AI 芯片"
        first = bulletin(1, "概要", heading, "提高通关效率", tags=("data-elements",), sources=("国家数据局",))
        publish_into(settings, [first, bulletin(2, "一", tags=("data-elements", "data-trading"))])
        with serving(settings) as server:
            yield server.client


@pytest.mark.parametrize(
    "typed",
    [
        "数据要",
        "數據要",
        "shujuyao",
        "SHUJUYAO",
        "ｓｈｕｊｕｙａ",
        "sjys",
        "数据yao",
        "数据 要",
        "data el",
        "data-EL",
    ],
)
def test_a_tag_is_suggested_by_characters_pinyin_initials_and_english(
    reading: httpx2.Client, typed: str
) -> None:
    assert suggested(reading, typed) == [
        {"kind": "tag", "text": "数据要素", "slug": "data-elements", "section": None}
    ]


@pytest.mark.parametrize("typed", ["国家数据局", "guojia", "gjsj", "shujuju", "数据局"])
def test_a_source_is_suggested_from_any_of_its_words(reading: httpx2.Client, typed: str) -> None:
    assert suggested(reading, typed) == [
        {"kind": "source", "text": "国家数据局", "slug": "guo-jia-shu-ju-ju", "section": None}
    ]


@pytest.mark.parametrize(
    "typed", ["湖北", "hubei", "hb", "交通", "jiaotong", "jtys", "AI芯", "ａｉ芯片", "aixp", "aixinpian"]
)
def test_a_heading_is_suggested_with_the_section_it_stands_over(reading: httpx2.Client, typed: str) -> None:
    assert suggested(reading, typed) == [
        {"kind": "heading", "text": "湖北交通运输采用 AI 芯片", "slug": "2026-06-02", "section": 2}
    ]


@pytest.mark.parametrize(
    "typed", ["高通", "uhai", "ubei", "bei", "输采", "。", "' | '", "^", "\\", ":*", "%", "_", "量子", "zzz"]
)
def test_the_inside_of_words_and_mere_signs_suggest_nothing(reading: httpx2.Client, typed: str) -> None:
    assert suggested(reading, typed) == []


def test_half_in_characters_and_half_in_pinyin_needs_both(reading: httpx2.Client) -> None:
    assert texts(reading, "数据jiao", "tag") == ["数据交易"]
    assert texts(reading, "数据", "tag") == ["数据要素", "数据交易"]


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("q=", "q"),
        ("q=%20", "q"),
        ("q=a%00", "q"),
        ("q=" + "数" * 513, "q"),
        ("limit=3", "q"),
        ("q=a&limit=0", "limit"),
        ("q=a&limit=21", "limit"),
        ("q=a&limit=x", "limit"),
        ("q=a&kind=tag", "kind"),
        ("q=a&q=b", "q"),
    ],
)
def test_a_bad_parameter_is_refused_by_name(reading: httpx2.Client, query: str, parameter: str) -> None:
    answer = reading.get(f"/v1/search/suggest?{query}")
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert [error["parameter"] for error in answer.json()["errors"]] == [parameter]


def test_the_longest_query_is_answered(reading: httpx2.Client) -> None:
    assert suggested(reading, "数" * 512) == []
    assert texts(reading, "湖北交通运输采用ai芯片" + "数" * 300, "heading") == []


def test_suggestions_are_cached_by_their_etag(reading: httpx2.Client) -> None:
    first = reading.get("/v1/search/suggest", params={"q": "shuju"})
    again = reading.get(
        "/v1/search/suggest", params={"q": "shuju"}, headers={"If-None-Match": first.headers["etag"]}
    )
    assert (first.status_code, again.status_code, again.content) == (200, 304, b"")


def test_what_begins_with_it_comes_first_then_by_use(publish: Publish, api: httpx2.Client) -> None:
    publish(
        bulletin(1, "一", tags=("data-elements", "public-data"), sources=("大数据周刊",)),
        bulletin(2, "一", tags=("data-trading", "public-data"), sources=("大数据周刊", "数据快报")),
        bulletin(3, "一", tags=("data-trading", "public-data"), sources=("大数据周刊",)),
    )
    assert texts(api, "数据", "tag") == ["数据交易", "数据要素", "公共数据"]
    assert texts(api, "shuju", "source") == ["数据快报", "大数据周刊"]


def test_headings_that_begin_with_it_come_first_then_the_newest(publish: Publish, api: httpx2.Client) -> None:
    publish(
        bulletin(1, "算力网络一", "发展算力一"),
        bulletin(2, "算力网络二", "发展算力二"),
        bulletin(3, "发展算力三"),
    )
    expected = ["算力网络二", "算力网络一", "发展算力三", "发展算力二", "发展算力一"]
    assert texts(api, "算力", "heading") == expected
    assert texts(api, "suanli", "heading", limit=4) == expected[:4]


def test_older_headings_are_found_beyond_the_newest(
    publish: Publish, api: httpx2.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(suggest, "NEWEST", 2)
    publish(*(bulletin(day, f"算力网络{day}", f"发展算力{day}") for day in range(4)))
    assert texts(api, "算力", "heading", limit=3) == ["算力网络3", "算力网络2", "算力网络1"]
    assert texts(api, "算力网络0", "heading") == ["算力网络0"]
    every = [f"算力网络{day}" for day in (3, 2, 1, 0)] + [f"发展算力{day}" for day in (3, 2, 1, 0)]
    assert texts(api, "算力", "heading", limit=20) == every


def test_a_heading_that_comes_every_day_is_suggested_once_with_its_newest_section(
    publish: Publish, api: httpx2.Client
) -> None:
    publish(*(bulletin(day, "算力周报", f"算力第{day}条") for day in range(9)))
    items = suggested(api, "算力", limit=3)
    assert [(item["text"], item["slug"]) for item in items] == [
        ("算力周报", "2026-06-09"),
        ("算力第8条", "2026-06-09"),
        ("算力第7条", "2026-06-08"),
    ]


def test_a_correction_takes_the_old_words_out_of_the_suggestions(
    publish: Publish, api: httpx2.Client
) -> None:
    publish(bulletin(1, "算力旧标题", tags=("compute",), sources=("新华社",)))
    assert {item["kind"] for item in suggested(api, "xinhua") + suggested(api, "suanli")} == {
        "tag",
        "source",
        "heading",
    }
    publish(bulletin(1, "新标题", tags=("energy",), sources=("路透社",)))
    assert suggested(api, "xinhua") == suggested(api, "suanli") == []
    assert texts(api, "xbt", "heading") == ["新标题"]
    assert texts(api, "lts", "source") == ["路透社"]


def test_nothing_is_suggested_that_is_not_published(api: httpx2.Client) -> None:
    assert suggested(api, "数据") == suggested(api, "s") == []


ROWS = """
SELECT name, keys::text FROM tag_suggestion JOIN tag ON tag.id = tag_id UNION ALL
SELECT name, keys::text FROM source_suggestion JOIN source ON source.id = source_id UNION ALL
SELECT heading || date, keys::text FROM section_suggestion
"""


def test_a_rebuild_makes_good_what_is_missing_or_wrong(settings: Settings, publish: Publish) -> None:
    async def rebuild() -> None:
        async with connect(settings) as database, database.session() as session:
            await suggest.rebuild(session)

    publish(bulletin(1, "算力网络", "数据", tags=("compute",), sources=("新华社",)))
    with psycopg.connect(settings.conninfo, autocommit=True) as connection:
        written = set(connection.execute(ROWS).fetchall())
        connection.execute("UPDATE tag_suggestion SET keys = 'wrong'::tsvector")
        connection.execute("DELETE FROM section_suggestion")
        asyncio.run(rebuild())
        assert set(connection.execute(ROWS).fetchall()) > written
        connection.execute("DELETE FROM bulletin")
        assert connection.execute("SELECT count(*) FROM section_suggestion").fetchone() == (0,)


def test_the_number_of_queries_is_small_whatever_is_found(publish: Publish, server: Server) -> None:
    publish(*(bulletin(day, f"算力网络{day}", tags=("compute",)) for day in range(3)))
    with server.counting() as statements:
        suggested(server.client, "算力")
    assert len(statements) <= 3


def test_keys_are_letters_and_digits_only_whatever_the_name() -> None:
    literal = keys("O'Neill \\ 数据:*|&!()<-> ^要素 \x7f")
    assert {lexeme.strip("'").lstrip("^") for lexeme in literal.split()} >= {"oneill数据要素", "数据要素"}
    assert all(lexeme.strip("'").lstrip("^").isalnum() for lexeme in literal.split())
    with_only_signs = keys("！？")
    assert with_only_signs == ""


def test_the_plan_for_rare_headings_uses_the_index(settings: Settings, publish: Publish) -> None:
    publish(bulletin(1, "算力网络"))
    with psycopg.connect(settings.conninfo) as connection:
        connection.execute("SET enable_seqscan = off")
        plan = connection.execute(
            "EXPLAIN SELECT * FROM section_suggestion WHERE keys @@ '''suanli'':*'::tsquery"
        ).fetchall()
    assert "section_suggestion_keys_idx" in str(plan)
