"""Brings articles to where they are wanted, step by step; killed at any point, it goes on from there.

A step that does something anew each time is announced in the database before it is begun. Whoever
finds such an announcement looks at WeChat for what became of it before anything is sent again.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import func, select

from app.kit.db import Database
from app.wechat.accounts import Mode
from app.wechat.assembling import ImageSource
from app.wechat.client import Client
from app.wechat.errors import NotAuthorisedError, UnknownOutcomeError, WechatError
from app.wechat.models import WechatArticle, WechatStep
from app.wechat.steps import Halted, Steps
from app.wechat.workflow import ONCE, Halt, Pace, Step, next_step, retry_at

log = structlog.get_logger(__name__)

_DONE: Mapping[str, Any] = {
    "calling": None,
    "called_at": None,
    "trouble_code": None,
    "trouble": None,
    "tries": 0,
}


class _OvertakenError(Exception):
    """Something else is wanted now, or an event has told more."""


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass
class Publisher:
    """The articles of one account."""

    database: Database
    client: Client
    images: ImageSource
    pace: Pace = field(default_factory=Pace)
    clock: Callable[[], datetime] = utc_now

    async def run_due(self) -> None:
        """Go on with every article whose time has come; one that fails does not keep the others."""
        due = select(WechatArticle.id).where(
            WechatArticle.account == self.client.account.name, WechatArticle.due_at <= self.clock()
        )
        async with self.database.session() as session:
            ids = (await session.scalars(due.order_by(WechatArticle.due_at))).all()
        for article_id in ids:
            try:
                await self.advance(article_id)
            except Exception:
                log.exception("wechat.article-failed", article=str(article_id))

    async def advance(self, article_id: UUID) -> None:
        """Take all the steps that can be taken now; none if another process is at it."""
        async with self._alone(article_id) as alone:
            while alone and (article := await self._due(article_id)):
                step = next_step(article)
                assert isinstance(step, Step)  # noqa: S101 - it is due
                await self._take(article, step)

    @asynccontextmanager
    async def _alone(self, article_id: UUID) -> AsyncIterator[bool]:
        """Whether nobody else works on the article, as long as the context lasts."""
        lock = func.pg_try_advisory_xact_lock(func.hashtextextended(f"wechat-article:{article_id}", 0))
        async with self.database.session() as guard:
            yield bool(await guard.scalar(select(lock)))

    async def _due(self, article_id: UUID) -> WechatArticle | None:
        """The article if there is a step to be taken now."""
        async with self.database.session() as session:
            article = await session.get_one(WechatArticle, article_id, with_for_update=True)
            if article.needs_human or article.due_at is None or article.due_at > self.clock():
                return None
            step = next_step(article)
            if isinstance(step, Step):
                return article
            article.due_at = None
            if isinstance(step, Halt):
                _halt(article, step)
                session.add(_step(article, "stop", "refused", {"code": step.code}))
            return None

    async def _take(self, article: WechatArticle, step: Step) -> None:
        async def announce(announced: Step, values: dict[str, Any]) -> None:
            begun = {"calling": announced, "called_at": self.clock(), **values}
            await self._write(article, begun, must_be_wanted=True)

        steps = Steps(self.database, self.client, self.images, self.pace, self.clock(), article, announce)
        try:
            result = await steps.take(step)
        except _OvertakenError:
            return
        except Halted as halted:
            code, message = halted.halt.code, halted.halt.message
            log.warning("wechat.needs-human", slug=article.slug, code=code, message=message)
            stop = _step(article, step, "refused", {"code": code, "message": message})
            await self._write(article, _halted(halted.halt), stop)
        except WechatError as error:
            await self._failed(article, step, error)
        else:
            values = {**_DONE, "due_at": self.clock() + result.wait, **result.values}
            await self._write(article, values, _step(article, step, "done", result.receipt))

    async def _failed(self, article: WechatArticle, step: Step, error: WechatError) -> None:
        log.warning("wechat.step-failed", slug=article.slug, step=step, error=str(error), detail=error.detail)
        unknown = step in ONCE and isinstance(error, UnknownOutcomeError)
        again = self.clock() if unknown else retry_at(error, article.tries, self.pace, self.clock())
        values: dict[str, Any] = {
            "tries": article.tries + 1,
            "trouble_code": f"wechat.{error.code or 'no-answer'}",
            "trouble": str(error),
            "due_at": again,
            "needs_human": again is None,
        }
        if step in ONCE and not unknown:
            values |= {"calling": None, "called_at": None}
        if step is Step.send and not unknown:
            values["sent_at"] = None
        if step in {Step.submit, Step.send} and isinstance(error, NotAuthorisedError):
            values |= {"goal": Mode.draft, "needs_human": False}
        receipt = {"code": error.code, "message": error.message, "detail": error.detail}
        outcome = "unknown" if unknown else "refused"
        await self._write(article, values, _step(article, step, outcome, receipt))

    async def _write(
        self,
        article: WechatArticle,
        values: Mapping[str, Any],
        step: WechatStep | None = None,
        *,
        must_be_wanted: bool = False,
    ) -> None:
        """Write what was done for the article as it was read.

        If something else is wanted since then, it is due at once; if an event has told more about it,
        that stands.

        :raises _OvertakenError: something else is wanted, and it ``must_be_wanted``: nothing is written.
        """
        async with self.database.session() as session:
            row = await session.get_one(WechatArticle, article.id, with_for_update=True)
            wanted = _wants(row) == _wants(article)
            if must_be_wanted and not (wanted and row.state == article.state):
                raise _OvertakenError
            if row.state == article.state:
                for name, value in values.items():
                    setattr(row, name, value)
            if not wanted or row.state != article.state:
                row.due_at, row.needs_human = self.clock(), False
            if step:
                session.add(step)


def _wants(article: WechatArticle) -> tuple[object, ...]:
    return article.version, article.withdrawn, article.goal, article.confirmed


def _step(article: WechatArticle, step: str, outcome: str, receipt: dict[str, Any]) -> WechatStep:
    return WechatStep(article_id=article.id, step=step, outcome=outcome, receipt=receipt)


def _halted(halt: Halt) -> dict[str, Any]:
    return {
        **_DONE,
        "needs_human": True,
        "due_at": None,
        "trouble_code": halt.code,
        "trouble": halt.message,
    }


def _halt(article: WechatArticle, halt: Halt) -> None:
    for name, value in _halted(halt).items():
        setattr(article, name, value)
