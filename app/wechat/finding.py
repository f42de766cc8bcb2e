"""Looking at WeChat for what a call of unknown end may have made."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from app.wechat.client import Client, DraftArticle, Kept, NewsItem

T = TypeVar("T")

PAGES = 3
"""So many pages of twenty are looked through: what we look for is among the newest."""


@dataclass(frozen=True, slots=True)
class Found:
    """A published article and its place in its message, from 1."""

    article_id: str
    place: int
    url: str

    def values(self) -> dict[str, Any]:
        """As columns of the article."""
        return {"article_id": self.article_id, "place": self.place, "article_url": secure(self.url)}


def marks(article: DraftArticle) -> dict[str, str]:
    """What an article is known by; the address of its bulletin is like no other's."""
    return {
        "title": article.title,
        "digest": article.digest,
        "content_source_url": article.content_source_url,
    }


async def find_draft(client: Client, held: Mapping[str, str], others: Collection[str]) -> str | None:
    """The media_id of the newest draft that is ours and not one of ``others``."""

    def ours(kept: Kept) -> str | None:
        single = kept.content.news_item[:1]
        return kept.media_id if kept.media_id not in others and any(_is(i, held) for i in single) else None

    return await _first(client.drafts, ours)


async def find_article(client: Client, held: Mapping[str, str]) -> Found | None:
    """The newest published article that is ours and not deleted."""

    def ours(kept: Kept) -> Found | None:
        for place, item in enumerate(kept.content.news_item, start=1):
            if _is(item, held) and not item.is_deleted:
                return Found(kept.article_id, place, item.url)
        return None

    return await _first(client.published, ours)


def secure(url: str) -> str:
    return url.replace("http://", "https://", 1)


async def _first(page: Callable[[int], Awaitable[list[Kept]]], ours: Callable[[Kept], T | None]) -> T | None:
    for number in range(PAGES):
        kept = await page(20 * number)
        for each in kept:
            if (found := ours(each)) is not None:
                return found
        if len(kept) < 20:
            break
    return None


def _is(item: NewsItem, held: Mapping[str, str]) -> bool:
    return all(getattr(item, name) == value for name, value in held.items())
