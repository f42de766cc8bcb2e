"""Comparing what we believe of our articles with what WeChat holds."""

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import or_, select

from app.kit.db import Database
from app.wechat.accounts import Mode
from app.wechat.client import Client
from app.wechat.errors import MissingError
from app.wechat.finding import find_article
from app.wechat.models import WechatArticle
from app.wechat.states import State
from app.wechat.workflow import Halt

NEWEST = 60
"""So many published messages are looked through, so articles beyond are taken as they are."""


@dataclass(frozen=True, slots=True)
class Difference:
    slug: str
    message: str


async def reconcile(database: Database, client: Client) -> list[Difference]:
    """Mend what can be mended; calls of unknown end become due, and the rest is said.

    :raises WechatError: WeChat could not be asked.
    """
    open_ones = select(WechatArticle).where(
        WechatArticle.account == client.account.name,
        or_(WechatArticle.state.in_([State.drafted, State.published]), WechatArticle.calling.is_not(None)),
    )
    async with database.session() as session:
        articles = (await session.scalars(open_ones.order_by(WechatArticle.slug.desc()).limit(NEWEST))).all()
    found = [(article, await _compare(client, article)) for article in articles]
    differences = []
    for article, outcome in found:
        if outcome is None:
            continue
        async with database.session() as session:
            row = await session.get_one(WechatArticle, article.id, with_for_update=True)
            if row.updated_at != article.updated_at:
                continue  # The worker was quicker.
            differences.append(Difference(article.slug, _apply(row, outcome)))
    return differences


async def _compare(client: Client, article: WechatArticle) -> Halt | dict[str, object] | None:
    """What is different: something for a person, or columns; None if nothing is."""
    if article.calling:
        return {"due_at": datetime.now(UTC)}
    if article.state == State.drafted:
        try:
            await client.get_draft(article.media_id or "")
        except MissingError:
            published = await find_article(client, article.held or {})
            if published:
                return {"state": State.published, "sent_as": Mode.freepublish, **published.values()}
            return Halt(
                "wechat.draft-gone", "微信上的草稿不见了：可能已被手动发表或删除。要重建草稿请用 retry。"
            )
    elif article.sent_as == Mode.freepublish and not await find_article(client, article.held or {}):
        return Halt("wechat.article-gone", "微信上找不到这篇文章：可能已被手动删除。")
    return None


def _apply(row: WechatArticle, outcome: "Halt | dict[str, object]") -> str:
    if isinstance(outcome, Halt):
        row.needs_human, row.due_at = True, None
        row.trouble_code, row.trouble = outcome.code, outcome.message
        return outcome.message
    for name, value in outcome.items():
        setattr(row, name, value)
    if row.calling:
        return "结果未知的调用，将马上核对。"
    row.trouble_code = row.trouble = None
    return f"草稿已被手动发表：{row.article_url}"
