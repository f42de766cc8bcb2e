"""The steps of an article, each with what it leaves behind."""

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, select

from app.bulletins.document import BulletinDocument
from app.kit.db import Database
from app.wechat import library
from app.wechat.accounts import Mode
from app.wechat.assembling import ImageSource, KeptUploads, Prepared, prepare, upload
from app.wechat.client import Client, DraftArticle
from app.wechat.differences import differences
from app.wechat.errors import MissingError
from app.wechat.finding import find_article, find_draft, marks, secure
from app.wechat.models import WechatArticle, WechatUpload
from app.wechat.states import State
from app.wechat.workflow import FAILURES, Halt, Pace, Step, today, tomorrow

GONE = {"media_id": None, "publish_id": None, "msg_id": None, "article_id": None, "article_url": None}
"""What is no longer known of an article that WeChat does not hold."""


class Halted(Exception):  # noqa: N818 - it is an answer
    """Only a person can go on."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.halt = Halt(code, message)


@dataclass(frozen=True, slots=True)
class Result:
    """Columns to be written, the receipt, and how long to wait before the next step."""

    values: dict[str, Any] = field(default_factory=dict)
    receipt: dict[str, Any] = field(default_factory=dict)
    wait: timedelta = timedelta()


Announce = Callable[[Step, dict[str, Any]], Awaitable[None]]
"""Writes down that a step is begun, with columns that are true from now on."""


@dataclass(frozen=True, slots=True)
class Steps:
    """Takes steps for one article as it was read; each raises ``WechatError`` or :class:`Halted`."""

    database: Database
    client: Client
    images: ImageSource
    pace: Pace
    now: datetime
    article: WechatArticle
    announce: Announce

    async def take(self, step: Step) -> Result:
        work: dict[Step, Callable[[], Awaitable[Result]]] = {
            Step.add_draft: self._add_draft,
            Step.update_draft: self._update_draft,
            Step.delete_draft: self._delete_draft,
            Step.submit: self._submit,
            Step.send: self._send,
            Step.poll: self._poll,
            Step.delete_article: self._delete_article,
            Step.find_out: self._find_out,
            Step.compare: self._compare,
        }
        return await work[step]()

    async def _add_draft(self) -> Result:
        prepared = await self._prepared()
        if prepared is None:
            return Result({"withdrawn": True})
        draft = await self._uploaded(prepared)
        held = marks(draft)
        await self.announce(Step.add_draft, {"held": held})
        try:
            media_id = await self.client.add_draft(draft)
        except MissingError:
            await self._forget_cover(draft.thumb_media_id)
            raise
        values = GONE | {"state": State.drafted, "sent_as": None, "media_id": media_id, "held": held}
        return Result(values | _holding(prepared), {"media_id": media_id})

    async def _update_draft(self) -> Result:
        prepared = await self._prepared()
        if prepared is None:
            return Result({"withdrawn": True})
        draft = await self._uploaded(prepared)
        try:
            await self.client.update_draft(self._media_id, draft)
        except MissingError:
            if not await self._draft_is_there():
                return await self._without_draft()
            await self._forget_cover(draft.thumb_media_id)
            raise
        return Result(_holding(prepared) | {"held": marks(draft)}, {"media_id": self._media_id})

    async def _prepared(self) -> Prepared | None:
        """The bulletin as it is public now; None if it is not.

        :raises Halted: WeChat would refuse it.
        """
        async with self.database.snapshot() as session:
            live = await library.live(session, self.article.slug)
        if live is None:
            return None
        prepared = await prepare(self.client.account, live, self.images)
        if prepared.findings:
            raise Halted("wechat.preflight", "".join(finding.message for finding in prepared.findings))
        return prepared

    async def _uploaded(self, prepared: Prepared) -> DraftArticle:
        account = self.client.account
        return await upload(account, prepared, self.client, KeptUploads(self.database, account.name))

    async def _forget_cover(self, media_id: str) -> None:
        """It may be the cover that is missing: the next try uploads it anew."""
        async with self.database.session() as session:
            await session.execute(delete(WechatUpload).where(WechatUpload.address == media_id))

    async def _delete_draft(self) -> Result:
        try:
            await self.client.delete_draft(self._media_id)
        except MissingError:
            return await self._without_draft()
        return Result(GONE | {"state": State.withdrawn}, {"media_id": self._media_id})

    async def _submit(self) -> Result:
        await self.announce(Step.submit, {})
        try:
            submitted = await self.client.submit(self._media_id)
        except MissingError:
            return await self._without_draft()
        ids = {"publish_id": submitted.publish_id, "msg_id": submitted.msg_data_id or None}
        return Result({"state": State.submitted, "sent_as": Mode.freepublish, **ids}, ids)

    async def _send(self) -> Result:
        if await self._sent_today() >= self.client.account.sends_a_day:
            trouble = {"trouble_code": "wechat.quota", "trouble": "今日群发额度已用完，明天再发。"}
            return Result(trouble, {"code": "wechat.quota"}, wait=tomorrow(self.now) - self.now)
        await self.announce(Step.send, {"sent_at": self.now})
        return await self._sent()

    async def _sent(self) -> Result:
        """Send; with the same clientmsgid WeChat sends once, however often it is asked within a day."""
        try:
            msg_id = await self.client.send_all(self._media_id, clientmsgid(self.article))
        except MissingError:
            return await self._without_draft()
        values = {"state": State.submitted, "sent_as": Mode.sendall, "msg_id": msg_id}
        return Result(values, {"msg_id": msg_id})

    async def _sent_today(self) -> int:
        query = select(func.count()).where(
            WechatArticle.account == self.article.account, WechatArticle.sent_at >= today(self.now)
        )
        async with self.database.session() as session:
            return await session.scalar(query) or 0

    async def _poll(self) -> Result:
        if self.article.sent_as == Mode.sendall:
            status = await self.client.sending(self.article.msg_id or "")
            if status in {"SEND_FAIL", "DELETE"}:
                raise Halted("wechat.send-failed", "微信报告群发失败或已被删除，请到公众平台查看。")
            if status == "SEND_SUCCESS":
                return Result({"state": State.published}, {"status": status})
            return self._later(status)
        publication = await self.client.publication(self.article.publish_id or "")
        if publication.status in FAILURES:
            reason = FAILURES[publication.status]
            raise Halted(f"wechat.publish-{publication.status}", f"{reason}，请到公众平台查看。")
        if publication.status != 0:
            return self._later(str(publication.status))
        item = next(iter(publication.article_detail.item), None)
        values: dict[str, Any] = {"state": State.published, "article_id": publication.article_id}
        if item:
            values |= {"article_url": secure(item.article_url), "place": item.idx}
        return Result(values, {"article_id": publication.article_id})

    def _later(self, status: str) -> Result:
        """Ask again after a while.

        :raises Halted: it has taken too long.
        """
        wait = self.pace.wait(self.article.tries)
        if self.pace.first * (1 << min(self.article.tries, 40)) > self.pace.give_up:
            raise Halted("wechat.pending", "微信很久没有给出发布结果，请到公众平台查看。")
        return Result({"tries": self.article.tries + 1}, {"status": status}, wait=wait)

    async def _delete_article(self) -> Result:
        receipt = {"article_id": self.article.article_id, "index": self.article.place}
        try:
            await self.client.delete_article(self.article.article_id or "", self.article.place)
        except MissingError:
            receipt["already"] = True
        return Result(GONE | {"state": State.withdrawn}, receipt)

    async def _compare(self) -> Result:
        """The bulletin was corrected after its article became public.

        :raises Halted: the article shows something else; the message says what.
        """
        async with self.database.snapshot() as session:
            live = await library.live(session, self.article.slug)
        if live is None:
            return Result({"withdrawn": True})
        changed = list(differences(BulletinDocument.model_validate(self.article.document), live.document))
        if changed:
            where = self.article.article_url or "公众平台的“发表记录”"
            raise Halted(
                "wechat.changed", f"文章发布之后这一期有更正，请到{where}手动修改：{'；'.join(changed)}。"
            )
        return Result({"held_version": live.version}, {"changed": []})

    async def _find_out(self) -> Result:
        match self.article.calling:
            case Step.add_draft:
                return await self._find_draft()
            case Step.submit:
                return await self._find_publication()
            case Step.send if self.article.sent_at and self.now - self.article.sent_at < timedelta(hours=20):
                return await self._sent()
        raise Halted("wechat.unknown", "不知道这次群发是否成功，请到公众平台的“发表记录”中查看。")

    async def _find_draft(self) -> Result:
        held = self.article.held or {}
        others = select(WechatArticle.media_id).where(
            WechatArticle.account == self.article.account,
            WechatArticle.id != self.article.id,
            WechatArticle.media_id.is_not(None),
        )
        async with self.database.session() as session:
            taken = {str(media_id) for media_id in await session.scalars(others)}
        if media_id := await find_draft(self.client, held, taken):
            # Which version it holds is not known: it is written once more.
            values = GONE | {"state": State.drafted, "media_id": media_id, "held_version": 0}
            return Result(values, {"found": media_id})
        if found := await find_article(self.client, held):
            return self._published(found.values())
        return self._unsettled(self.pace.settle_draft)

    async def _find_publication(self) -> Result:
        if found := await find_article(self.client, self.article.held or {}):
            return self._published(found.values())
        if not await self._draft_is_there():
            # WeChat has taken it and is still at work; the article will be seen, or told by an event.
            return self._later("taken") if self.article.tries < 40 else self._unsettled(timedelta())
        return self._unsettled(self.pace.settle_publication)

    def _unsettled(self, settle: timedelta) -> Result:
        """Nothing is to be seen: wait until that is sure, then the call may be made again."""
        assert self.article.called_at  # noqa: S101 - a call has begun
        left = self.article.called_at + settle - self.now
        if left <= timedelta():
            return Result({"calling": None, "called_at": None}, {"found": None})
        still = {"calling": self.article.calling, "called_at": self.article.called_at}
        wait = min(left, self.pace.wait(self.article.tries))
        return Result({**still, "tries": self.article.tries + 1}, {"found": None}, wait=wait)

    async def _without_draft(self) -> Result:
        """The draft is gone: somebody has published it, or deleted it."""
        if found := await find_article(self.client, self.article.held or {}):
            return self._published(found.values())
        if self.article.withdrawn:
            return Result(GONE | {"state": State.withdrawn}, {"already": True})
        raise Halted(
            "wechat.draft-gone", "微信上的草稿不见了：可能已被手动发表或删除。要重建草稿请用 retry。"
        )

    def _published(self, values: dict[str, Any]) -> Result:
        return Result({"state": State.published, "sent_as": Mode.freepublish, **values}, values)

    async def _draft_is_there(self) -> bool:
        try:
            await self.client.get_draft(self._media_id)
        except MissingError:
            return False
        return True

    @property
    def _media_id(self) -> str:
        return self.article.media_id or ""


def clientmsgid(article: WechatArticle) -> str:
    """The same for the same draft, and of the 32 bytes that WeChat takes."""
    return hashlib.sha256(f"{article.id}:{article.media_id}".encode()).hexdigest()[:32]


def _holding(prepared: Prepared) -> dict[str, Any]:
    document = prepared.live.document.model_dump(mode="json")
    return {"held_version": prepared.live.version, "document": document}
