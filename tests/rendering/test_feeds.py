import json
import re
from calendar import timegm
from datetime import UTC, date, datetime
from typing import Any

import feedparser  # type: ignore[import-untyped]
import pytest
from lxml import etree

from app.rendering.edition import urn
from app.rendering.feeds import FEED_FORMATS, Entry, Feed
from tests.rendering.editions import MEAN, PUBLISHED, SITE, bare, edition

UPDATED = datetime(2026, 6, 25, 1, 30, tzinfo=UTC)
ATOM = "{http://www.w3.org/2005/Atom}"


def feed(**changed: Any) -> Feed:
    values: dict[str, Any] = {
        "urn": urn("feed"),
        "title": f"动态 {MEAN}",
        "language": "zh-CN",
        "url": "https://example.org/base/v1/feed.atom?q=%3C&limit=2",
        "next": "https://example.org/base/v1/feed.atom?q=%3C&limit=2&cursor=abc",
        "updated": UPDATED,
        "entries": [Entry(edition()), Entry(bare())],
        "site": SITE,
    }
    return Feed(**(values | changed))


def written(extension: str, **changed: Any) -> str:
    return FEED_FORMATS[extension].render(feed(**changed))


def moment(parsed: Any) -> datetime:
    return datetime.fromtimestamp(timegm(parsed), UTC)


@pytest.mark.parametrize("extension", ["atom", "rss"])
@pytest.mark.parametrize("editions", [[edition(), bare()], []])
def test_an_independent_parser_finds_nothing_wrong(extension: str, editions: list[Any]) -> None:
    parsed = feedparser.parse(written(extension, entries=[Entry(each) for each in editions]).encode())
    assert not parsed.bozo, parsed.get("bozo_exception")
    assert parsed.version == {"atom": "atom10", "rss": "rss20"}[extension]
    assert parsed.feed.title == f"动态 {MEAN}"
    assert len(parsed.entries) == len(editions)


@pytest.mark.parametrize("extension", ["atom", "rss"])
def test_an_independent_parser_reads_what_was_written(extension: str) -> None:
    parsed = feedparser.parse(written(extension).encode(), sanitize_html=False)
    assert moment(parsed.feed.updated_parsed) == UPDATED
    links = {link.rel: link.href for link in parsed.feed.links}
    assert links["self"] == feed().url
    assert links["next"] == feed().next
    first, second = parsed.entries
    assert first.id == edition().urn
    assert first.title == f"标题 {MEAN}"
    assert first.link == "https://example.org/base/v1/bulletins/2026-06-25.html"
    assert first.summary == f"第一段 {MEAN}\n第二段"
    assert moment(first.published_parsed) == PUBLISHED
    assert moment(first.updated_parsed) == UPDATED
    assert moment(second.updated_parsed) == PUBLISHED
    assert "<h2>一、上" in first.content[0].value
    assert "<script" not in first.content[0].value
    names = [tag.label or tag.term for tag in first.tags]
    assert names == ["能源", "湖北", "软银"]
    assert second.author == "新质生产力每日动态"


def test_the_entries_of_all_formats_have_the_same_ids() -> None:
    ids = {extension: [] for extension in FEED_FORMATS}  # type: dict[str, list[str]]
    for extension in ("atom", "rss"):
        ids[extension] = [entry.id for entry in feedparser.parse(written(extension).encode()).entries]
    ids["json"] = [item["id"] for item in json.loads(written("json"))["items"]]
    assert ids["atom"] == ids["rss"] == ids["json"]
    assert len(set(ids["atom"])) == 2


def test_an_atom_feed_has_what_rfc_4287_demands() -> None:
    root = etree.fromstring(written("atom").encode())
    for node in (root, *root.iter(f"{ATOM}entry")):
        for name in ("id", "title", "updated"):
            assert len(node.findall(ATOM + name)) == 1, name
        assert re.fullmatch(r"urn:uuid:[0-9a-f-]{36}", node.findtext(f"{ATOM}id", ""))
        assert datetime.fromisoformat(node.findtext(f"{ATOM}updated", "")).tzinfo
    for entry in root.iter(f"{ATOM}entry"):
        assert entry.findtext(f"{ATOM}author/{ATOM}name")
        alternates = [(link.get("type"), link.get("hreflang")) for link in entry.findall(f"{ATOM}link")]
        assert len(alternates) == len(set(alternates))


def test_an_rss_feed_has_what_the_specification_demands() -> None:
    channel = etree.fromstring(written("rss").encode()).find("channel")
    assert channel is not None
    for name in ("title", "link", "description"):
        assert channel.findtext(name)
    for item in channel.iter("item"):
        assert [guid.get("isPermaLink") for guid in item.findall("guid")] == ["false"]
        assert item.findtext("description")
        assert re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} [\d:]{8} \+0000", item.findtext("pubDate", ""))


def test_a_json_feed_keeps_to_version_1_1() -> None:
    made = json.loads(written("json"))
    assert made["version"] == "https://jsonfeed.org/version/1.1"
    assert set(made) == {"version", "title", "home_page_url", "feed_url", "next_url", "language", "items"}
    for item in made["items"]:
        assert isinstance(item["id"], str)
        assert item["content_html"] or item["id"] == bare().urn
        assert all(set(author) <= {"name", "url", "avatar"} and author["name"] for author in item["authors"])
        assert all(isinstance(tag, str) for tag in item["tags"])
        assert datetime.fromisoformat(item["date_modified"]) >= datetime.fromisoformat(item["date_published"])
        own = {name for name in item if name.startswith("_")}
        known = {"id", "url", "title", "content_html", "summary", "date_published", "date_modified"}
        assert set(item) - own <= known | {"authors", "tags", "language"}
    assert made["items"][0]["summary"] == f"第一段 {MEAN}\n第二段"
    assert "summary" not in made["items"][1]


def test_the_last_page_names_no_next_one() -> None:
    assert "next" not in {link.rel for link in feedparser.parse(written("atom", next=None)).feed.links}
    assert "next_url" not in json.loads(written("json", next=None))


def test_an_entry_keeps_its_id_through_corrections_and_addresses() -> None:
    assert edition(version=1).urn == edition(version=5, title="别的").urn
    assert edition().urn != edition(date(2026, 6, 26)).urn
