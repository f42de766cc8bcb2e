import re
from datetime import UTC, datetime, timedelta

import pytest
from lxml import etree

from app.bulletins.taxonomy import TagKind
from app.rendering.directories import (
    PageName,
    Topic,
    render_opml,
    render_sitemap,
    render_sitemap_index,
)
from app.rendering.edition import TagName
from tests.rendering.editions import MEAN, SITE

AT = datetime(2026, 6, 25, 0, 30, tzinfo=UTC)
SPACES = {
    "s": "http://www.sitemaps.org/schemas/sitemap/0.9",
    "n": "http://www.google.com/schemas/sitemap-news/0.9",
}
W3C = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?([+-]\d\d:\d\d|Z)")


def name(slug: str, language: str = "zh-CN") -> PageName:
    return PageName(slug, f"系列 {MEAN}", f"标题 {MEAN}", language, AT, AT + timedelta(hours=1))


def texts(root: etree._Element, path: str) -> list[str]:
    return [str(node.text) for node in root.findall(path, SPACES)]


def test_a_sitemap_lists_addresses_with_the_time_of_their_last_change() -> None:
    root = etree.fromstring(render_sitemap([name("2026-06-25"), name("2026-06-24")], SITE).encode())
    assert root.tag == f"{{{SPACES['s']}}}urlset"
    assert [[child.tag.rpartition("}")[2] for child in url] for url in root] == [["loc", "lastmod"]] * 2
    assert texts(root, "s:url/s:loc") == [
        f"https://example.org/base/v1/bulletins/{slug}.html" for slug in ("2026-06-25", "2026-06-24")
    ]
    assert all(W3C.fullmatch(modified) for modified in texts(root, "s:url/s:lastmod"))


@pytest.mark.parametrize(("language", "written"), [("zh-CN", "zh-cn"), ("en", "en"), ("en-GB", "en")])
def test_a_news_sitemap_has_what_the_extension_demands_in_its_order(language: str, written: str) -> None:
    root = etree.fromstring(render_sitemap([name("2026-06-25", language)], SITE, news=True).encode())
    (news,) = root.findall("s:url/n:news", SPACES)
    assert [child.tag for child in news] == [
        f"{{{SPACES['n']}}}{tag}" for tag in ("publication", "publication_date", "title")
    ]
    assert texts(news, "n:publication/n:name") == [f"系列 {MEAN}"]
    assert texts(news, "n:publication/n:language") == [written]
    assert texts(news, "n:title") == [f"标题 {MEAN}"]
    assert all(W3C.fullmatch(day) for day in texts(news, "n:publication_date"))


def test_a_sitemap_index_lists_sitemaps_that_may_hold_the_pages() -> None:
    root = etree.fromstring(render_sitemap_index([("2026", AT), ("news", AT)], SITE).encode())
    assert root.tag == f"{{{SPACES['s']}}}sitemapindex"
    # A sitemap speaks only for addresses below its own folder.
    assert texts(root, "s:sitemap/s:loc") == [
        "https://example.org/base/v1/sitemap-2026.xml",
        "https://example.org/base/v1/sitemap-news.xml",
    ]
    assert all(W3C.fullmatch(modified) for modified in texts(root, "s:sitemap/s:lastmod"))


def test_topics_stand_in_the_opml_by_kind_and_below_their_broader_one() -> None:
    child = Topic(TagName("ai-capex", f"资本 {MEAN}", "AI capex", TagKind.topic), ())
    above = Topic(TagName("ai", "人工智能", "AI", TagKind.topic), [child])
    region = Topic(TagName("hubei", "湖北", "Hubei", TagKind.region), ())
    root = etree.fromstring(render_opml([region, above], AT, SITE).encode())
    assert (root.tag, root.get("version")) == ("opml", "2.0")
    assert root.findtext("head/dateModified") == "Thu, 25 Jun 2026 00:30:00 +0000"
    everything, topics, regions = root.findall("body/outline")
    assert everything.get("xmlUrl") == "https://example.org/base/v1/feed.atom"
    assert (topics.get("text"), regions.get("text")) == ("主题", "地区")
    (below,) = topics.findall("outline/outline")
    assert below.get("text") == f"资本 {MEAN}"
    assert below.get("xmlUrl") == "https://example.org/base/v1/tags/ai-capex/feed.atom"
    # A tag has no page: what cannot be read in a browser is no htmlUrl.
    pages = [outline.get("htmlUrl") for outline in root.iter("outline") if "htmlUrl" in outline.attrib]
    assert pages == ["https://example.org/base/v1/bulletins/latest.html"]
    for outline in root.iter("outline"):
        assert outline.get("text")
        assert (outline.get("type") == "rss") == ("xmlUrl" in outline.attrib)
