"""Where articles stand, for the command line and the editors' API."""

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.wechat.models import WechatArticle, WechatStep
from app.wechat.schemas import ArticleDetail, ArticleStatus, StepTaken
from app.wechat.wishes import shown_state


async def statuses(
    session: AsyncSession, account: str, limit: int, before: str | None = None
) -> list[ArticleStatus]:
    """The articles of an account, the newest bulletin first, from the one ``before`` that slug on."""
    query = select(WechatArticle).where(WechatArticle.account == account)
    if before is not None:
        query = query.where(WechatArticle.slug < before)
    rows = await session.scalars(query.order_by(WechatArticle.slug.desc()).limit(limit))
    return [ArticleStatus(**_values(row)) for row in rows]


async def detail(session: AsyncSession, article: WechatArticle) -> ArticleDetail:
    """One article with everything that was done for it."""
    steps = select(WechatStep).where(WechatStep.article_id == article.id).order_by(WechatStep.id)
    return ArticleDetail(**_values(article), steps=_steps((await session.scalars(steps)).all()))


def facts(article: WechatArticle) -> dict[str, Any]:
    """What an editor decides by, and changes; asking WeChat how far it is does not change it."""
    names = ("state", "goal", "version", "held_version", "withdrawn", "confirmed", "needs_human")
    return {name: getattr(article, name) for name in (*names, "trouble_code")}


def etag(article: WechatArticle) -> str:
    """Of the article's :func:`facts`; the same for one that is not there and one just made."""
    return f'"{hashlib.sha256(json.dumps(facts(article)).encode()).hexdigest()[:16]}"'


def _values(row: WechatArticle) -> dict[str, object]:
    names = (name for name in ArticleStatus.model_fields if name != "state_name")
    return {**{name: getattr(row, name) for name in names}, "state_name": shown_state(row)}


def _steps(rows: Sequence[WechatStep]) -> list[StepTaken]:
    return [StepTaken(at=row.at, step=row.step, outcome=row.outcome, receipt=row.receipt) for row in rows]
