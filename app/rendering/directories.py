"""What leads to the bulletins: sitemaps for search engines, topics as OPML for feed readers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from app.bulletins.document import SERIES
from app.bulletins.taxonomy import TagKind
from app.rendering.edition import Site, TagName
from app.rendering.templating import render

_KINDS = {
    TagKind.topic: "主题",
    TagKind.region: "地区",
    TagKind.organisation: "机构",
    TagKind.person: "人物",
    TagKind.event: "活动",
}


@dataclass(frozen=True, slots=True)
class PageName:
    """What sitemaps say about a bulletin's page."""

    slug: str
    series: str
    title: str
    language: str
    published_at: datetime
    updated_at: datetime

    @property
    def news_language(self) -> str:
        """The language as the news extension writes it: ISO 639, except for ``zh-cn`` and ``zh-tw``."""
        language = self.language.lower()
        return language if language in {"zh-cn", "zh-tw"} else language.partition("-")[0]


@dataclass(frozen=True, slots=True)
class Topic:
    """A tag with the tags below it."""

    tag: TagName
    children: Sequence["Topic"]


def render_sitemap_index(parts: Sequence[tuple[str, datetime]], site: Site) -> str:
    """The sitemap of sitemaps: each part (a year, ``news``) with the time of its last change."""
    return render("sitemap-index.xml", parts=parts, site=site)


def render_sitemap(pages: Sequence[PageName], site: Site, *, news: bool = False) -> str:
    """A sitemap, with Google's news extension if it is one of ``news``."""
    return render("sitemap.xml", pages=pages, site=site, news=news)


def render_opml(topics: Sequence[Topic], modified: datetime | None, site: Site) -> str:
    """The feeds of all topics as an OPML 2.0 subscription list, by kind, narrower ones inside broader."""
    kinds = [
        (name, [topic for topic in topics if topic.tag.kind == kind])
        for kind, name in _KINDS.items()
        if any(topic.tag.kind == kind for topic in topics)
    ]
    return render("topics.opml", title=SERIES, kinds=kinds, modified=modified, site=site)
