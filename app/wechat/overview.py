"""Where articles stand, for the command line and the editors' API."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.wechat.models import WechatArticle, WechatStep
from app.wechat.schemas import ArticleDetail, ArticleStatus, StepTaken
from app.wechat.wishes import shown_state


async def statuses(session: AsyncSession, account: str, limit: int) -> list[ArticleStatus]:
    """The articles of an account, the newest bulletin first."""
    query = select(WechatArticle).where(WechatArticle.account == account)
    rows = await session.scalars(query.order_by(WechatArticle.slug.desc()).limit(limit))
    return [ArticleStatus(**_values(row)) for row in rows]


async def detail(session: AsyncSession, article: WechatArticle) -> ArticleDetail:
    """One article with everything that was done for it."""
    steps = select(WechatStep).where(WechatStep.article_id == article.id).order_by(WechatStep.id)
    return ArticleDetail(**_values(article), steps=_steps((await session.scalars(steps)).all()))


def _values(row: WechatArticle) -> dict[str, object]:
    names = (name for name in ArticleStatus.model_fields if name != "state_name")
    return {**{name: getattr(row, name) for name in names}, "state_name": shown_state(row)}


def _steps(rows: Sequence[WechatStep]) -> list[StepTaken]:
    return [StepTaken(at=row.at, step=row.step, outcome=row.outcome, receipt=row.receipt) for row in rows]
