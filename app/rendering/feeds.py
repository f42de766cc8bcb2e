"""Bulletins and sections as Atom (RFC 4287), RSS 2.0 and JSON Feed 1.1."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.bulletins.document import Section
from app.rendering.edition import Edition, Site, TagName
from app.rendering.html import render_content, render_section
from app.rendering.templating import render


@dataclass(frozen=True, slots=True)
class Entry:
    """A bulletin in a feed, or one of its sections."""

    edition: Edition
    section: Section | None = None

    @property
    def urn(self) -> str:
        """Its name for ever."""
        return f"{self.edition.urn}{self._fragment}"

    @property
    def title(self) -> str:
        return self.section.heading if self.section else self.edition.document.title

    @property
    def summary(self) -> str:
        """What stands before the content; maybe nothing."""
        return "" if self.section else self.edition.document.abstract

    @property
    def tags(self) -> Sequence[TagName]:
        named = self.edition.tags
        return [named[tag.slug] for tag in self.section.tags] if self.section else [*named.values()]

    def page(self, site: Site) -> str:
        """Where people read it."""
        return f"{site.bulletin(self.edition.document.slug)}{self._fragment}"

    def data(self, site: Site) -> str:
        """Where programs read it."""
        data = site.bulletin(self.edition.document.slug, "")
        return f"{data}/sections/{self.section.number}" if self.section else data

    def content(self, site: Site) -> str:
        """It as HTML that may stand inside another page."""
        if self.section:
            return render_section(self.edition, self.section, site)
        return render_content(self.edition, site)

    @property
    def _fragment(self) -> str:
        return f"#section-{self.section.number}" if self.section else ""


@dataclass(frozen=True, slots=True)
class Feed:
    """A page of a feed.

    ``urn`` names the feed in every format, ``url`` is where this page was found, ``next`` where older
    entries are; ``updated`` is when anything in it last changed.
    """

    urn: str
    title: str
    language: str
    url: str
    next: str | None
    updated: datetime
    entries: Sequence[Entry]
    site: Site


def render_atom(feed: Feed) -> str:
    return render("atom.xml", feed=feed)


def render_rss(feed: Feed) -> str:
    return render("rss.xml", feed=feed)


def render_json_feed(feed: Feed) -> str:
    paged = {"next_url": feed.next} if feed.next else {}
    return json.dumps(
        {
            "version": "https://jsonfeed.org/version/1.1",
            "title": feed.title,
            "home_page_url": feed.site.home,
            "feed_url": feed.url,
            **paged,
            "language": feed.language,
            "items": [_item(entry, feed.site) for entry in feed.entries],
        },
        ensure_ascii=False,
        separators=(",", ":"),
    )


def _item(entry: Entry, site: Site) -> dict[str, Any]:
    edition = entry.edition
    document = edition.document
    authors = [document.organisation or document.series, *document.producers]
    summary = {"summary": entry.summary} if entry.summary else {}
    return {
        "id": entry.urn,
        "url": entry.page(site),
        "title": entry.title,
        "content_html": entry.content(site),
        **summary,
        "date_published": edition.published_at.isoformat(),
        "date_modified": edition.updated_at.isoformat(),
        "authors": [{"name": name} for name in authors],
        "tags": [tag.name for tag in entry.tags],
        "language": document.language,
        "_nqpf": {"version": edition.version, "content_hash": edition.content_hash},
    }


@dataclass(frozen=True, slots=True)
class FeedFormat:
    media_type: str
    render: Callable[[Feed], str]


FEED_FORMATS: Mapping[str, FeedFormat] = {
    "atom": FeedFormat("application/atom+xml", render_atom),
    "rss": FeedFormat("application/rss+xml", render_rss),
    "json": FeedFormat("application/feed+json", render_json_feed),
}
"""Every feed format by its extension."""
