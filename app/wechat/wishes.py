"""What is wanted of an account: by the change log, by editors, and by WeChat's own reports."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import false, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.bulletins.models import Bulletin
from app.kit.changes import Change, Follower
from app.kit.jobs import defer
from app.wechat.accounts import Account, Accounts, Mode
from app.wechat.finding import secure
from app.wechat.models import WechatArticle, WechatStep
from app.wechat.states import STATES, State

FOLLOWER = "wechat"
TASK = "wechat"
FRESH = timedelta(days=3)
"""Older bulletins, such as an archive that is imported, are sent only when somebody asks for it."""

_PUBLIC = {"bulletin.published", "bulletin.corrected"}
_WITHDRAWN = "bulletin.withdrawn"


class WishError(Exception):
    """It cannot be wanted. ``code`` is stable, ``message`` Chinese."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def follower(find: Callable[[], Accounts | None]) -> Follower:
    """Wants in every account what has happened to bulletins; without accounts it only moves on."""

    async def follow(session: AsyncSession, changes: Sequence[Change]) -> None:
        accounts = find()
        if accounts is None:
            return
        for account in accounts.account.values():
            for change in changes:
                await _follow(session, account, change)
            await work_soon(session, account.name)

    return follow


async def _follow(session: AsyncSession, account: Account, change: Change) -> None:
    if change.kind == _WITHDRAWN:
        if article := await find_article(session, account.name, change.subject):
            _want(article, withdrawn=True)
    elif change.kind in _PUBLIC:
        article = await find_article(session, account.name, change.subject)
        if article is None and account.automatic and _is_fresh(change):
            article = await _new(session, account, change.subject)
        if article:
            _want(article, version=change.version, withdrawn=False)


def _is_fresh(change: Change) -> bool:
    day = datetime.fromisoformat(change.subject).replace(tzinfo=UTC)
    return datetime.now(UTC) - change.at < FRESH and abs(change.at - day) < FRESH


async def find_article(session: AsyncSession, account: str, slug: str) -> WechatArticle | None:
    """The article, locked."""
    query = select(WechatArticle).where(WechatArticle.account == account, WechatArticle.slug == slug)
    return await session.scalar(query.with_for_update())


async def _new(session: AsyncSession, account: Account, slug: str) -> WechatArticle:
    values = {
        "account": account.name,
        "slug": slug,
        "version": 0,
        "goal": account.publish,
        "confirmed": not account.confirm,
        "state": State.new,
    }
    await session.execute(insert(WechatArticle).values(values).on_conflict_do_nothing())
    article = await find_article(session, account.name, slug)
    assert article  # noqa: S101 - it is there now
    return article


def _want(article: WechatArticle, **wishes: Any) -> None:
    for name, value in wishes.items():
        setattr(article, name, value)
    article.needs_human = False
    article.trouble_code = article.trouble = None
    article.due_at = datetime.now(UTC)


async def ask(
    session: AsyncSession, account: Account, slug: str, goal: Mode, *, confirm: bool
) -> WechatArticle:
    """Want a public bulletin as a draft or an article.

    :param confirm: an administrator agrees to a message to all followers.
    :raises WishError: it is not public.
    """
    version = await session.scalar(select(Bulletin.version).where(Bulletin.slug == slug))
    if version is None:
        raise WishError("bulletin.not-public", f"{slug} 没有发布，不能送到公众号。")
    article = await find_article(session, account.name, slug) or await _new(session, account, slug)
    if article.state in {State.submitted, State.published}:
        goal = Mode(article.goal)
    _want(article, version=version, withdrawn=False, goal=goal, confirmed=confirm or article.confirmed)
    await work_soon(session, account.name)
    return article


async def retry(session: AsyncSession, account: Account, slug: str) -> WechatArticle:
    """Go on after a person has seen to what stopped it.

    A draft that is gone is made anew; a correction or withdrawal done by hand is taken as done.

    :raises WishError: there is no such article.
    """
    article = await existing(session, account, slug)
    match article.trouble_code:
        case "wechat.draft-gone" | "wechat.40007":
            article.state = State.new
        case "wechat.changed":
            article.held_version = article.version
        case "wechat.sent":
            article.state = State.withdrawn
    session.add(WechatStep(article_id=article.id, step="retry", outcome="done", receipt={}))
    _want(article, tries=0)
    await work_soon(session, account.name)
    return article


async def existing(session: AsyncSession, account: Account, slug: str) -> WechatArticle:
    """The article, locked.

    :raises WishError: there is none.
    """
    article = await find_article(session, account.name, slug)
    if article is None:
        raise WishError("article.missing", f"公众号 {account.name} 没有 {slug} 的文章。")
    return article


async def work_soon(session: AsyncSession, account: str) -> None:
    """Let a worker go on with the account's articles once the transaction has committed."""
    await defer(session, TASK, lock=f"wechat:{account}", account=account)


async def finished(session: AsyncSession, account: Account, report: Mapping[str, Any]) -> None:
    """Take in WeChat's report that a publication or a message to all has come to its end.

    :param report: ``publish_id`` or ``msg_id``, and ``status`` (``publish_status``, or the words of a
        message), ``article_id``, ``urls`` by place.
    """
    publish_id, msg_id = report.get("publish_id"), report.get("msg_id")
    known = or_(
        WechatArticle.publish_id == publish_id if publish_id else false(),
        WechatArticle.msg_id == msg_id if msg_id else false(),
    )
    query = select(WechatArticle).where(WechatArticle.account == account.name)
    article = await session.scalar(
        query.where(known, WechatArticle.state == State.submitted).with_for_update()
    )
    if article is None:
        # It may tell of a submission whose answer was lost: those are looked for at WeChat.
        lost = query.where(WechatArticle.calling.is_not(None)).with_for_update()
        for each in await session.scalars(lost):
            each.due_at = datetime.now(UTC)
    elif article.sent_as == Mode.sendall or report.get("article_id"):
        _finish(article, report)
        session.add(WechatStep(article_id=article.id, step="event", outcome="done", receipt=dict(report)))
    else:
        article.due_at = datetime.now(UTC)
    await work_soon(session, account.name)


def _finish(article: WechatArticle, report: Mapping[str, Any]) -> None:
    if str(report["status"]) not in {"0", "send success", "sendsuccess"}:
        article.due_at = datetime.now(UTC)  # Asking tells why.
        return
    article.state = State.published
    article.article_id = report.get("article_id") or article.article_id
    for place, url in report.get("urls", {}).items():
        if place == article.place:
            article.article_url = secure(url)
    article.calling = article.called_at = None
    _want(article, tries=0)


def shown_state(article: WechatArticle) -> str:
    """Where an article stands, in Chinese."""
    shown = STATES[article.state]
    if article.state == State.drafted and article.goal == Mode.sendall and not article.confirmed:
        return f"{shown}，等待管理员确认群发"
    return f"{shown}，结果待核对" if article.calling else shown
