"""Bulletins as Atom (RFC 4287), RSS 2.0 and JSON Feed 1.1."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from app.rendering.edition import Edition, Site
from app.rendering.html import render_content
from app.rendering.templating import render


@dataclass(frozen=True, slots=True)
class Feed:
    """A page of a feed.

    ``urn`` names the feed in every format, ``url`` is where this page was found, ``next`` where older
    bulletins are; ``updated`` is when anything in it last changed.
    """

    urn: str
    title: str
    language: str
    url: str
    next: str | None
    updated: datetime
    editions: Sequence[Edition]
    site: Site


def render_atom(feed: Feed) -> str:
    return render("atom.xml", feed=feed, content=partial(render_content, site=feed.site))


def render_rss(feed: Feed) -> str:
    return render("rss.xml", feed=feed, content=partial(render_content, site=feed.site))


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
            "items": [_item(edition, feed.site) for edition in feed.editions],
        },
        ensure_ascii=False,
        separators=(",", ":"),
    )


def _item(edition: Edition, site: Site) -> dict[str, Any]:
    document = edition.document
    authors = [document.organisation or document.series, *document.producers]
    summary = {"summary": document.abstract} if document.abstract else {}
    return {
        "id": edition.urn,
        "url": site.bulletin(document.slug),
        "title": document.title,
        "content_html": render_content(edition, site),
        **summary,
        "date_published": edition.published_at.isoformat(),
        "date_modified": edition.updated_at.isoformat(),
        "authors": [{"name": name} for name in authors],
        "tags": [tag.name for tag in edition.tags.values()],
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
