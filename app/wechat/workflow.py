"""What is to be done next for an article: a function of what is wanted and what WeChat holds."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from app.wechat.accounts import Mode
from app.wechat.errors import (
    BusyError,
    QuotaSpentError,
    StaleTokenError,
    UnknownOutcomeError,
    UnreachableError,
    WechatError,
)
from app.wechat.models import WechatArticle
from app.wechat.states import ArticleState

SHANGHAI = ZoneInfo("Asia/Shanghai")


class Step(StrEnum):
    """Something to do at WeChat."""

    add_draft = "add-draft"
    update_draft = "update-draft"
    delete_draft = "delete-draft"
    submit = "submit"
    send = "send"
    poll = "poll"
    delete_article = "delete-article"
    find_out = "find-out"
    compare = "compare"


ONCE = frozenset({Step.add_draft, Step.submit, Step.send})
"""Each of these does something anew each time: an unknown end is found out before the next try."""

FAILURES: Mapping[int, str] = {
    2: "微信判定原创校验未通过",
    3: "微信报告发布失败",
    4: "平台审核不通过",
    5: "发布后已被删除",
    6: "发布后被系统封禁",
}
"""``publish_status`` of a publication that did not come to a good end."""


@dataclass(frozen=True, slots=True)
class Halt:
    """Nobody but a person can go on. ``code`` is stable, ``message`` Chinese."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Pace:
    """How long to wait.

    ``settle``: after a call of unknown end, until what it may have done can be seen for sure.
    ``first`` and ``longest``: between tries, doubling. ``give_up``: until a person has to look.
    """

    settle_draft: timedelta = timedelta(seconds=60)
    settle_publication: timedelta = timedelta(hours=1)
    first: timedelta = timedelta(seconds=15)
    longest: timedelta = timedelta(minutes=30)
    give_up: timedelta = timedelta(hours=24)

    def wait(self, tries: int) -> timedelta:
        """Before the next try, after so many."""
        return min(self.first * (1 << min(tries, 20)), self.longest)


def next_step(article: WechatArticle) -> Step | Halt | None:
    """What to do now; None when all is as it is wanted, or an administrator has still to agree."""
    if article.calling:
        return Step.find_out
    if article.state == ArticleState.submitted:
        return Step.poll
    return _towards_nothing(article) if article.withdrawn else _towards_publication(article)


def _towards_nothing(article: WechatArticle) -> Step | Halt | None:
    match article.state:
        case ArticleState.drafted:
            return Step.delete_draft
        case ArticleState.published if article.sent_as == Mode.sendall or not article.article_id:
            return Halt("wechat.sent", "这一期已撤下，但文章已发给读者：请到公众平台的“发表记录”中手动删除。")
        case ArticleState.published:
            return Step.delete_article
    return None


def _towards_publication(article: WechatArticle) -> Step | Halt | None:
    stale = article.held_version < article.version
    match article.state:
        case ArticleState.new | ArticleState.withdrawn:
            return Step.add_draft
        case ArticleState.drafted if stale:
            return Step.update_draft
        case ArticleState.drafted if article.goal == Mode.freepublish:
            return Step.submit
        case ArticleState.drafted if article.goal == Mode.sendall and article.confirmed:
            return Step.send
        case ArticleState.published if stale:
            return Step.compare
    return None


def retry_at(error: WechatError, tries: int, pace: Pace, now: datetime) -> datetime | None:
    """When the same may be tried again after an error; None where a person must see to it first."""
    match error:
        case QuotaSpentError():
            return tomorrow(now)
        case UnreachableError() | BusyError() | UnknownOutcomeError() | StaleTokenError():
            return now + pace.wait(tries)
    return None


def today(now: datetime) -> datetime:
    """The midnight that the day in Shanghai began with."""
    return now.astimezone(SHANGHAI).replace(hour=0, minute=0, second=0, microsecond=0)


def tomorrow(now: datetime) -> datetime:
    """A little after the midnight at which WeChat renews what may be spent in a day."""
    return today(now) + timedelta(days=1, minutes=5)
