"""Feeds and pages over HTTP; what they say is tested with their renderers."""

import json
from calendar import timegm
from datetime import datetime, timedelta, timezone
from typing import Any

import feedparser  # type: ignore[import-untyped]
import httpx2
import psycopg
import pytest
from lxml import etree

from app.bulletins.document import content_hash
from app.bulletins.taxonomy import curated
from app.kit.settings import Settings
from app.rendering.markdown import render_markdown
from tests.conftest import Publish, Server, Withdraw, serving
from tests.rendering.editions import edition

SEED = "/v1/bulletins/2026-06-25"
FEEDS = ["/v1/feed", "/v1/sections/feed", "/v1/tags/data-elements/feed", "/v1/sources/reuters/feed"]
OTHERS = ["/v1/sitemap.xml", "/v1/sitemap-2026.xml", "/v1/sitemap-news.xml", "/v1/topics.opml"]
PAGES = [f"{SEED}.{extension}" for extension in ("html", "md", "txt")]
ALL = [*PAGES, *(f"{feed}.{extension}" for feed in FEEDS for extension in ("atom", "rss", "json")), *OTHERS]


def problem(answer: httpx2.Response, status: int, kind: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert body["type"] == f"/problems/{kind}"
    return body


def locations(sitemap: httpx2.Response) -> list[str]:
    return [str(node.text) for node in etree.fromstring(sitemap.content).iter("{*}loc")]


def refused(answer: httpx2.Response) -> list[str]:
    return [error["parameter"] for error in problem(answer, 422, "invalid-parameter")["errors"]]


@pytest.mark.parametrize("path", ALL)
def test_everything_has_an_etag_that_saves_the_second_answer(library: httpx2.Client, path: str) -> None:
    first = library.get(path)
    assert first.status_code == 200
    assert first.headers["cache-control"].startswith("public, max-age=")
    again = library.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    head = library.head(path)
    assert (head.headers["etag"], head.content) == (first.headers["etag"], b"")
    if path != "/v1/sitemap-news.xml":
        since = {"If-Modified-Since": first.headers["last-modified"]}
        assert library.get(path, headers=since).status_code == 304


@pytest.mark.parametrize("path", ALL)
def test_an_unknown_parameter_is_refused_everywhere(library: httpx2.Client, path: str) -> None:
    assert refused(library.get(f"{path}?colour=red")) == ["colour"]


@pytest.mark.parametrize(
    ("extension", "media_type", "words"),
    [
        ("html", "text/html; charset=utf-8", "<h2>四、软银继续押注 AI 与数据中心"),
        ("md", "text/markdown; charset=utf-8", "## 四、软银继续押注 AI 与数据中心"),
        ("txt", "text/plain; charset=utf-8", "\n四、软银继续押注 AI 与数据中心"),
    ],
)
def test_a_bulletin_comes_in_the_form_of_its_extension_or_of_accept(
    library: httpx2.Client, extension: str, media_type: str, words: str
) -> None:
    by_extension = library.get(f"{SEED}.{extension}")
    assert by_extension.headers["content-type"] == media_type
    assert words in by_extension.text
    assert by_extension.headers["vary"] == "Accept-Encoding"
    accept = {"Accept": f"image/png, {media_type.partition(';')[0]};q=0.2, application/json;q=0.1"}
    for path in (SEED, "/v1/bulletins/latest"):
        by_accept = library.get(path, headers=accept)
        assert by_accept.text == by_extension.text
        assert by_accept.headers["content-type"] == media_type
        assert by_accept.headers["content-location"] == f"{SEED}.{extension}"
        assert by_accept.headers["vary"] == "Accept, Accept-Encoding"
    assert library.get(f"/v1/bulletins/latest.{extension}").text == by_extension.text


@pytest.mark.parametrize("accept", ["*/*", "application/json", "application/*", "text/html;q=0.9,*/*"])
def test_json_is_what_comes_to_whom_it_is_as_welcome_as_anything(library: httpx2.Client, accept: str) -> None:
    answer = library.get(SEED, headers={"Accept": accept})
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["vary"] == "Accept, Accept-Encoding"
    sparse = library.get(f"{SEED}?fields=slug", headers={"Accept": "application/vnd.nqpf.sparse+json"})
    assert sparse.json() == {"slug": "2026-06-25"}


@pytest.mark.parametrize("path", [SEED, "/v1/bulletins/latest", "/v1/bulletins/1999-01-01"])
def test_a_form_that_does_not_exist_is_a_406_that_lists_those_that_do(
    library: httpx2.Client, path: str
) -> None:
    answer = library.get(path, headers={"Accept": "application/pdf"})
    detail = problem(answer, 406, "not-acceptable")["detail"]
    for media_type in ("application/json", "text/html", "text/markdown", "text/plain"):
        assert media_type in detail
    assert answer.headers["vary"] == "Accept, Accept-Encoding"


@pytest.mark.parametrize(
    "path",
    [
        "/v1/bulletins/1999-01-01.md",
        "/v1/bulletins/%00.txt",
        "/v1/tags/nothing/feed.atom",
        "/v1/tags/a%00b/feed.atom",
        "/v1/sources/nothing/feed.rss",
        "/v1/sitemap-1999.xml",
    ],
)
def test_what_does_not_exist_is_a_404(library: httpx2.Client, path: str) -> None:
    problem(library.get(path), 404, "not-found")


@pytest.mark.parametrize(
    ("path", "parameter"),
    [
        (f"{SEED}.pdf", "extension"),
        ("/v1/feed.xml", "extension"),
        ("/v1/feed.atom?limit=500", "limit"),
        ("/v1/feed.atom?tag=nothing", "tag"),
        ("/v1/feed.atom?from=2026-06-02&to=2026-06-01", "to"),
        ("/v1/feed.atom?order=date", "order"),
        ("/v1/sitemap-0.xml", "year"),
        ("/v1/sitemap-99999.xml", "year"),
        ("/v1/sitemap-x.xml", "year"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(library: httpx2.Client, path: str, parameter: str) -> None:
    assert refused(library.get(path)) == [parameter]


@pytest.mark.parametrize("query", ["fields=slug", "version=1", "as_of=2026-06-26T00:00:00Z"])
def test_with_parameters_there_is_json_alone(library: httpx2.Client, query: str) -> None:
    refusal = library.get(f"{SEED}?{query}", headers={"Accept": "text/html"})
    assert "text/html" not in problem(refusal, 406, "not-acceptable")["detail"]
    assert refusal.headers["vary"] == "Accept, Accept-Encoding"
    browser = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    assert library.get(f"{SEED}?fields=slug", headers=browser).json() == {"slug": "2026-06-25"}
    diff = library.get(f"{SEED}/diff?from=1&to=1", headers={"Accept": "text/html"})
    assert diff.headers["content-type"] in {"application/json", "application/problem+json"}


def test_a_withdrawn_bulletin_is_gone_in_every_form_and_feed(
    server: Server, publish: Publish, withdraw: Withdraw
) -> None:
    publish(edition().document)
    withdraw("2026-06-25", note="数据有误，撤回。\n见 <更正>。")
    for extension in ("md", "txt"):
        body = problem(server.client.get(f"{SEED}.{extension}"), 410, "withdrawn")
        assert body["note"].startswith("数据有误，撤回。")
    by_extension = server.client.get(f"{SEED}.html")
    assert "<p>数据有误，撤回。</p>\n<p>见 &lt;更正&gt;。</p>" in page_of_absence(by_extension, 410)
    by_accept = server.client.get(SEED, headers={"Accept": "text/html"})
    assert page_of_absence(by_accept, 410) == by_extension.text
    assert by_accept.headers["vary"] == "Accept, Accept-Encoding"
    assert server.client.get("/v1/feed.json").json()["items"] == []
    assert server.client.get("/v1/stats").json()["totals"]["bulletins"] == 0


@pytest.mark.parametrize("path", ["/v1/bulletins/1999-01-01.html", "/v1/bulletins/%00.html"])
def test_a_page_that_does_not_exist_says_so_in_a_page(library: httpx2.Client, path: str) -> None:
    assert "<h1>没有这一期</h1>" in page_of_absence(library.get(path), 404)
    asked = library.get("/v1/bulletins/1999-01-01", headers={"Accept": "text/html"})
    assert "<h1>没有这一期</h1>" in page_of_absence(asked, 404)


def page_of_absence(answer: httpx2.Response, status: int) -> str:
    assert (answer.status_code, answer.headers["content-type"]) == (status, "text/html; charset=utf-8")
    assert (answer.headers["x-robots-tag"], answer.headers["cache-control"]) == ("noindex", "no-store")
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert '<meta name="robots" content="noindex">' in answer.text
    assert "/v1/bulletins/latest.html" in answer.text
    return answer.text


@pytest.mark.parametrize(
    "query",
    ["", "?limit=3", "?tag=energy&tag=compute", "?tag.any=hubei&tag.not=softbank&from=2026-06-01", "?q=数据"],
)
def test_a_feed_holds_what_the_list_of_the_same_query_holds(library: httpx2.Client, query: str) -> None:
    listed = library.get(f"/v1/bulletins{query}").json()["items"]
    parsed = feedparser.parse(library.get(f"/v1/feed.atom{query}").content)
    assert [entry.link.partition("/bulletins/")[2] for entry in parsed.entries] == [
        f"{item['slug']}.html" for item in listed
    ]
    updated = max((datetime.fromisoformat(item["updated_at"]) for item in listed), default=None)
    assert updated is None or datetime.fromisoformat(parsed.feed.updated) == updated


@pytest.mark.parametrize("query", ["limit=200", "limit=9&tag=energy&from=2026-06-01", "q=数据"])
def test_a_feed_of_sections_is_valid_in_every_format_and_holds_what_the_list_holds(
    library: httpx2.Client, query: str
) -> None:
    listed = library.get(f"/v1/sections?{query}").json()["items"]
    places = [f"{item['bulletin']['slug']}.html#section-{item['number']}" for item in listed]
    made = library.get(f"/v1/sections/feed.json?{query}").json()
    assert made["version"] == "https://jsonfeed.org/version/1.1"
    assert [item["title"] for item in made["items"]] == [item["heading"] for item in listed] != []
    assert [item["url"].rpartition("/")[2] for item in made["items"]] == places
    assert all(item["content_html"] and item["date_modified"] for item in made["items"])
    ids = [item["id"] for item in made["items"]]
    assert len(set(ids)) == len(ids)
    changed = {library.get(f"/v1/bulletins/{day}").json()["updated_at"] for day in {p[:10] for p in places}}
    for extension, version in (("atom", "atom10"), ("rss", "rss20")):
        answer = library.get(f"/v1/sections/feed.{extension}?{query}")
        parsed = feedparser.parse(answer.content)
        assert (parsed.bozo, parsed.version) == (False, version), parsed.get("bozo_exception")
        assert [entry.id for entry in parsed.entries] == ids
        assert [entry.link.rpartition("/")[2] for entry in parsed.entries] == places
        updated = max(map(datetime.fromisoformat, changed))
        assert timegm(parsed.feed.updated_parsed) == int(updated.timestamp())
        for entry, item in zip(parsed.entries, made["items"], strict=True):
            assert [tag.label or tag.term for tag in entry.get("tags", [])] == item["tags"]


@pytest.mark.parametrize(
    ("path", "query"), [("/v1/tags/energy", "tag=energy"), ("/v1/sources/reuters", "source=reuters")]
)
def test_the_feed_of_a_tag_or_a_source_is_that_of_its_filter(
    library: httpx2.Client, path: str, query: str
) -> None:
    own = library.get(f"{path}/feed.json?limit=200&to=2026-06-20").json()
    filtered = library.get(f"/v1/feed.json?{query}&limit=200&to=2026-06-20").json()
    assert own["items"] == filtered["items"] != []
    assert own["title"].endswith(", to=2026-06-20")


@pytest.mark.parametrize("extension", ["atom", "rss"])
def test_the_pages_of_a_feed_together_are_the_whole_archive(library: httpx2.Client, extension: str) -> None:
    found: list[str] = []
    address: str | None = f"/v1/feed.{extension}?limit=7"
    while address:
        parsed = feedparser.parse(library.get(address).content)
        assert not parsed.bozo
        found += [entry.link for entry in parsed.entries]
        address = next((link.href for link in parsed.feed.links if link.rel == "next"), None)
    assert len(set(found)) == len(found) == 31
    assert found == sorted(found, reverse=True)


def test_a_page_has_the_document_that_is_published(library: httpx2.Client) -> None:
    page = library.get(f"{SEED}.html").text
    public = library.get(SEED).json()
    assert all(section["heading"] in page for section in public["sections"])
    assert f'"identifier": "{public["content_hash"]}"' in page


def test_every_address_in_the_sitemap_and_the_topics_answers(library: httpx2.Client) -> None:
    maps = locations(library.get("/v1/sitemap.xml"))
    pages = [page for address in maps for page in locations(library.get(address))]
    assert len(pages) == 31
    assert library.get(pages[-1]).headers["content-type"].startswith("text/html")
    opml = etree.fromstring(library.get("/v1/topics.opml").content)
    feeds = [outline.get("xmlUrl", "") for outline in opml.iter("outline")]
    assert sorted(feed.split("/")[-2] for feed in feeds if "/tags/" in feed) == sorted(curated().by_slug)
    assert library.get(feeds[-1]).status_code == 200


def test_the_address_is_the_configured_one_or_the_listening_one_and_never_the_request_s(
    settings: Settings, publish: Publish
) -> None:
    publish(edition().document)
    lies = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example"}
    with serving(settings) as server:
        for path in ("/v1/feed.atom", "/v1/bulletins/latest.html", "/v1/sitemap.xml"):
            text = server.client.get(path, headers=lies).text
            assert "evil" not in text
            assert f"http://127.0.0.1:{server.port}/v1/" in text
    public = settings.model_copy(update={"public_url": "https://example.org/news"})
    with serving(public) as server:
        feed = server.client.get("/v1/feed.json?limit=1", headers=lies).json()
        assert feed["feed_url"] == "https://example.org/news/v1/feed.json?limit=1"
        assert feed["items"][0]["url"] == "https://example.org/news/v1/bulletins/2026-06-25.html"


def test_a_feed_follows_a_correction_and_its_entry_keeps_its_id(server: Server, publish: Publish) -> None:
    first = edition().document
    publish(first)
    before = server.client.get("/v1/feed.json").json()["items"][0]
    publish(first.model_copy(update={"abstract": "更正后的摘要"}))
    answer = server.client.get("/v1/feed.json")
    after = answer.json()["items"][0]
    assert after["id"] == before["id"]
    assert after["summary"] == "更正后的摘要"
    assert after["date_published"] == before["date_published"] < after["date_modified"]
    assert after["_nqpf"]["version"] == 2
    atom = feedparser.parse(server.client.get("/v1/feed.atom").content)
    assert atom.feed.updated == after["date_modified"]


def test_what_is_published_is_what_the_forms_are_made_of(server: Server, publish: Publish) -> None:
    document = edition().document
    publish(document)
    item = server.client.get("/v1/feed.json").json()["items"][0]
    assert item["_nqpf"]["content_hash"] == content_hash(document)
    assert server.client.get("/v1/bulletins/latest.md").text == render_markdown(document)


def test_feeds_of_an_empty_archive_are_valid(api: httpx2.Client) -> None:
    for extension in ("atom", "rss"):
        parsed = feedparser.parse(api.get(f"/v1/feed.{extension}").content)
        assert not parsed.bozo
        assert parsed.entries == []
    assert json.loads(api.get("/v1/feed.json").text)["items"] == []
    page_of_absence(api.get("/v1/bulletins/latest.html"), 404)
    assert api.get("/v1/sitemap.xml").status_code == 200


def test_news_are_the_bulletins_of_the_last_two_days(
    server: Server, publish: Publish, settings: Settings
) -> None:
    today = datetime.now(timezone(timedelta(hours=8))).date()
    for age in (0, 1, 4):
        publish(edition(today - timedelta(days=age), sections=(), citations=()).document)
    with psycopg.connect(settings.conninfo) as connection:
        connection.execute(
            "UPDATE bulletin SET published_at = published_at - interval '3 days' WHERE date = %s",
            [today - timedelta(days=1)],
        )
    fresh = locations(server.client.get("/v1/sitemap-news.xml"))
    assert [page[-15:-5] for page in fresh] == [today.isoformat()]
    index = server.client.get("/v1/sitemap.xml").text
    assert "/v1/sitemap-news.xml" in index


def test_an_answer_from_memory_is_not_given_to_who_asks_for_another_form(library_server: Server) -> None:
    client = library_server.client
    json_, html = {"Accept": "application/json"}, {"Accept": "text/html"}
    first = client.get(SEED, headers=json_)
    assert client.get(SEED, headers=html).headers["content-type"].startswith("text/html")
    with library_server.counting() as statements:
        assert client.get(SEED, headers=json_).content == first.content
        assert client.get(SEED, headers=html).headers["content-type"].startswith("text/html")
        asked = len(statements)
        assert client.get(SEED).content == first.content
        assert len(statements) == asked
    assert client.get(SEED, headers={"Accept": "image/png"}).status_code == 406
    assert client.get("/v1/bulletins/latest", headers=html).headers["content-type"].startswith("text/html")
    assert client.get("/v1/bulletins/latest", headers=json_).content == first.content


def test_the_queries_of_a_feed_do_not_grow_with_its_page(library_server: Server) -> None:
    counts = []
    for limit in (1, 25):
        with library_server.counting() as statements:
            library_server.client.get(f"/v1/feed.atom?limit={limit}")
        counts.append(len(statements))
    assert counts[0] == counts[1]
