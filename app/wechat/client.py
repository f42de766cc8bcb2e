"""The calls to WeChat that we use, typed."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, Any, Literal

import httpx2
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from app.kit.db import Database
from app.wechat.accounts import Account
from app.wechat.errors import AlreadySentError
from app.wechat.tokens import Fetched, SharedToken, Tokens
from app.wechat.transport import Call, Transport

Text = Annotated[str, BeforeValidator(lambda value: str(value).strip())]
"""WeChat writes ids as strings or numbers, at times with a line break."""


class Answer(BaseModel):
    """Part of an answer; what we do not use is left out."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class NewsItem(Answer):
    """An article as WeChat gives it back, without its text."""

    title: str = ""
    author: str = ""
    digest: str = ""
    content_source_url: str = ""
    url: str = ""
    is_deleted: bool = False


class _Content(Answer):
    news_item: list[NewsItem] = Field(default_factory=list)


class Kept(Answer):
    """A draft (``media_id``) or a published message (``article_id``) in a list."""

    media_id: Text = ""
    article_id: Text = ""
    content: _Content = Field(default_factory=_Content)
    update_time: int = 0


class _Detailed(Answer):
    idx: int
    article_url: Text


class _Detail(Answer):
    item: list[_Detailed] = Field(default_factory=list)


class Publication(Answer):
    """How a submission does: ``status`` 0 published, 1 pending, 2 to 6 failed."""

    status: int = Field(validation_alias="publish_status")
    article_id: Text = ""
    article_detail: _Detail = Field(default_factory=_Detail)
    fail_idx: list[int] = Field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Submitted:
    publish_id: str
    msg_data_id: str


@dataclass(frozen=True, slots=True)
class DraftArticle:
    """An article as ``draft/add`` takes it."""

    title: str
    author: str
    digest: str
    content: str
    content_source_url: str
    thumb_media_id: str
    need_open_comment: Literal[0, 1] = 0
    only_fans_can_comment: Literal[0, 1] = 0
    article_type: str = "news"


class Client:
    """The calls of one account. Each raises :class:`app.wechat.errors.WechatError`.

    Calls that do something anew each time (a draft, a submission, a message) are sent once; one
    whose end is unknown raises ``UnknownOutcomeError``. All others are repeated a little. Uploads are
    among them: a picture that is there twice does no harm.
    """

    def __init__(self, account: Account, http: httpx2.AsyncClient, tokens: Tokens) -> None:
        self.account = account
        self._transport = Transport(account, http)
        self._tokens = tokens

    async def upload_picture(self, name: str, content: bytes) -> str:
        """Make a picture usable inside texts; its URL."""
        answer = await self._do(Call("media/uploadimg", file=(name, content), repeatable=True))
        return str(answer["url"]).replace("http://", "https://", 1)

    async def upload_cover(self, name: str, content: bytes) -> str:
        """Make a picture a lasting material; its media_id."""
        call = Call("material/add_material", params={"type": "image"}, file=(name, content), repeatable=True)
        return str((await self._do(call))["media_id"])

    async def add_draft(self, article: DraftArticle) -> str:
        """The media_id of the new draft."""
        return str((await self._do(Call("draft/add", {"articles": [asdict(article)]})))["media_id"])

    async def update_draft(self, media_id: str, article: DraftArticle) -> None:
        body = {"media_id": media_id, "index": 0, "articles": asdict(article)}
        await self._do(Call("draft/update", body, repeatable=True))

    async def get_draft(self, media_id: str) -> list[NewsItem]:
        answer = await self._do(Call("draft/get", {"media_id": media_id}, repeatable=True))
        return _Content.model_validate(answer).news_item

    async def delete_draft(self, media_id: str) -> None:
        await self._do(Call("draft/delete", {"media_id": media_id}, repeatable=True))

    async def drafts(self, offset: int = 0, count: int = 20) -> list[Kept]:
        """Drafts, the newest first, without their texts."""
        body = {"offset": offset, "count": count, "no_content": 1}
        return _kept(await self._do(Call("draft/batchget", body, repeatable=True)))

    async def submit(self, media_id: str) -> Submitted:
        """Ask for a draft to be published; only the request has been taken then."""
        answer = await self._do(Call("freepublish/submit", {"media_id": media_id}))
        return Submitted(str(answer["publish_id"]), str(answer.get("msg_data_id", "")))

    async def publication(self, publish_id: str) -> Publication:
        answer = await self._do(Call("freepublish/get", {"publish_id": publish_id}, repeatable=True))
        return Publication.model_validate(answer)

    async def published(self, offset: int = 0, count: int = 20) -> list[Kept]:
        """Published messages, the newest first, without their texts."""
        body = {"offset": offset, "count": count, "no_content": 1}
        return _kept(await self._do(Call("freepublish/batchget", body, repeatable=True)))

    async def delete_article(self, article_id: str, place: int) -> None:
        """Delete one article of a published message.

        :param place: from 1. WeChat takes 0 for all articles, so it is refused here.
        """
        if place < 1:
            raise ValueError("articles are counted from 1")
        body = {"article_id": article_id, "index": place}
        await self._do(Call("freepublish/delete", body, repeatable=True))

    async def send_all(self, media_id: str, clientmsgid: str) -> str:
        """Send a draft to all followers; its msg_id, also where this clientmsgid was sent within a day."""
        body = {
            "filter": {"is_to_all": True},
            "msgtype": "mpnews",
            "mpnews": {"media_id": media_id},
            "send_ignore_reprint": 0,
            "clientmsgid": clientmsgid,
        }
        try:
            return str((await self._do(Call("message/mass/sendall", body)))["msg_id"])
        except AlreadySentError as sent:
            return str(sent.answer["msg_id"])

    async def preview(self, media_id: str, wechat_name: str) -> None:
        """Show a draft to one person, by the name they are found under."""
        body = {"towxname": wechat_name, "msgtype": "mpnews", "mpnews": {"media_id": media_id}}
        await self._do(Call("message/mass/preview", body))

    async def sending(self, msg_id: str) -> str:
        """How a message to all does: ``SEND_SUCCESS``, ``SENDING``, ``SEND_FAIL``, ``DELETE``."""
        answer = await self._do(Call("message/mass/get", {"msg_id": msg_id}, repeatable=True))
        return str(answer.get("msg_status", ""))

    async def create_menu(self, menu: Mapping[str, Any]) -> None:
        await self._do(Call("menu/create", menu, repeatable=True))

    async def menu(self) -> Mapping[str, Any]:
        """What ``get_current_selfmenu_info`` says."""
        return await self._do(Call("get_current_selfmenu_info", repeatable=True))

    async def jsapi_ticket(self) -> Fetched:
        answer = await self._do(Call("ticket/getticket", params={"type": "jsapi"}, repeatable=True))
        return Fetched(str(answer["ticket"]), int(answer["expires_in"]))

    async def callback_addresses(self) -> Sequence[str]:
        """Where WeChat calls us from; a cheap call that shows that the credentials work."""
        answer = await self._do(Call("getcallbackip", repeatable=True))
        return list(map(str, answer["ip_list"]))

    async def clear_quota(self) -> None:
        """Set the day's counts of calls to nothing; ten times a month."""
        await self._do(Call("clear_quota", {"appid": self.account.appid}))

    async def _do(self, call: Call) -> dict[str, Any]:
        return await self._transport.send(call, self._tokens)


def connect(account: Account, http: httpx2.AsyncClient, database: Database) -> Client:
    """A client whose token is shared with all processes of the database."""
    transport = Transport(account, http)
    tokens = SharedToken(database, account.name, "access", lambda force: transport.token(force=force))
    return Client(account, http, tokens)


def jsapi_ticket(client: Client, database: Database) -> SharedToken:
    """The ticket that signs pages, shared in the same way."""
    return SharedToken(database, client.account.name, "jsapi", lambda _force: client.jsapi_ticket())


def _kept(answer: Mapping[str, Any]) -> list[Kept]:
    return [Kept.model_validate(item) for item in answer.get("item", [])]
