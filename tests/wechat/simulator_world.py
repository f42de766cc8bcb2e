"""One official account at WeChat: what it holds, and what each call does to it."""

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from tests.wechat.simulator_rules import Refusal, check_article, check_menu, check_picture, stripped

APPID, SECRET = "wxba5fad812f8e6fb9", "0123456789abcdef-the-secret"
LASTS = 7_200

Answer = dict[str, Any]


@dataclass
class Job:
    """A submission; it ends after being asked for so many times, or when the world is told to."""

    media_id: str
    polls: int
    status: int = 1
    article_id: str = ""


@dataclass
class World:
    """Settings that tests change, then everything that WeChat remembers."""

    verified: bool = True
    whitelist: set[str] = field(default_factory=lambda: {"127.0.0.1"})
    pending_polls: int = 1
    publish_status: int = 0
    numbers: bool = False
    sends_left: int = 1
    limits: dict[str, int] = field(default_factory=dict)
    on_finish: Callable[[str], None] = lambda _publish_id: None

    token: str = ""
    expired: set[str] = field(default_factory=set)
    fetches: int = 0
    forced: int = 0
    calls: Counter[str] = field(default_factory=Counter)
    pictures: dict[str, bytes] = field(default_factory=dict)
    materials: dict[str, bytes] = field(default_factory=dict)
    drafts: dict[str, list[Answer]] = field(default_factory=dict)
    jobs: dict[str, Job] = field(default_factory=dict)
    articles: dict[str, list[Answer]] = field(default_factory=dict)
    sent: dict[str, str] = field(default_factory=dict)
    messages: dict[str, str] = field(default_factory=dict)
    tickets: list[str] = field(default_factory=list)
    previews: list[tuple[str, str]] = field(default_factory=list)
    current_menu: Answer | None = None
    clock: int = 1_780_000_000
    lock: threading.RLock = field(default_factory=threading.RLock)
    _ids: Any = field(default_factory=lambda: count(1_000_001))

    def expire(self) -> None:
        """End the token, as its time or somebody else's refresh would."""
        self.expired.add(self.token)
        self.token = ""

    def finish(self, publish_id: str) -> None:
        """Let a submission come to its end."""
        job = self.jobs[publish_id]
        job.status = self.publish_status
        if job.status == 0:
            job.article_id = f"article-{next(self._ids)}"
            items = self.drafts.pop(job.media_id, None)
            if items is None:  # A second submission of the same draft makes a second article.
                items = next(
                    items for items in reversed(self.articles.values()) if items[0]["_draft"] == job.media_id
                )
            self.articles[job.article_id] = [
                {**item, "_draft": job.media_id, "is_deleted": False, "url": self._url()} for item in items
            ]
        self.on_finish(publish_id)

    def live(self) -> list[Answer]:
        """The articles that readers can see."""
        return [item for items in self.articles.values() for item in items if not item["is_deleted"]]

    def handle(self, path: str, token: str | None, params: dict[str, str], body: Any, media: bytes) -> Answer:
        self.calls[path] += 1
        if self.limits.get(path, self.calls[path]) < self.calls[path]:
            raise Refusal(45009, "reach max api daily quota limit")
        if path == "stable_token":
            return self._stable_token(body)
        if not token or token != self.token:
            raise Refusal(42001 if token in self.expired else 40001, f"access_token {token} is invalid")
        handler = _HANDLERS.get(path)
        if handler is None:
            raise Refusal(40066, "invalid url")
        return handler(self, params, body, media)

    def _stable_token(self, body: Any) -> Answer:
        if set(body) != {"grant_type", "appid", "secret", "force_refresh"}:
            raise Refusal(47001)
        if body["appid"] != APPID:
            raise Refusal(40013, "invalid appid")
        if body["secret"] != SECRET:
            raise Refusal(40001, f"invalid secret {body['secret']}")
        self.fetches += 1
        if body["force_refresh"]:
            self.forced += 1
            self.expire()
        if not self.token:
            self.token = f"token-{self.fetches}-" + "x" * 500
        return {"access_token": self.token, "expires_in": LASTS}

    def _uploadimg(self, _params: Any, _body: Any, media: bytes) -> Answer:
        check_picture(media, cover=False)
        url = f"http://mmbiz.qpic.cn/{next(self._ids)}/0"
        self.pictures[url] = media
        return {"url": url}

    def _add_material(self, params: dict[str, str], _body: Any, media: bytes) -> Answer:
        if params.get("type") != "image":
            raise Refusal(40004)
        check_picture(media, cover=True)
        media_id = f"material-{next(self._ids)}"
        self.materials[media_id] = media
        return {"media_id": media_id, "url": "http://mmbiz.qpic.cn/cover"}

    def _draft_add(self, _params: Any, body: Any, _media: bytes) -> Answer:
        articles = body.get("articles")
        if set(body) != {"articles"} or not isinstance(articles, list) or not 1 <= len(articles) <= 8:
            raise Refusal(47001)
        for article in articles:
            check_article(article, self.materials)
        media_id = f"draft-{next(self._ids)}"
        self.drafts[media_id] = [self._held(article) for article in articles]
        return {"media_id": media_id, "item": []}

    def _draft_update(self, _params: Any, body: Any, _media: bytes) -> Answer:
        items = self._draft(body)
        if set(body) != {"media_id", "index", "articles"} or not 0 <= body["index"] < len(items):
            raise Refusal(47001)
        check_article(body["articles"], self.materials)
        items[body["index"]] = self._held(body["articles"])
        return {"errcode": 0, "errmsg": "ok"}

    def _held(self, article: Answer) -> Answer:
        self.clock += 1
        return {**article, "content": stripped(article["content"]), "_at": self.clock}

    def _draft(self, body: Any) -> list[Answer]:
        if body.get("media_id") not in self.drafts:
            raise Refusal(40007, "invalid media_id")
        return self.drafts[body["media_id"]]

    def _draft_get(self, _params: Any, body: Any, _media: bytes) -> Answer:
        return {"news_item": [_shown(item, content=True) for item in self._draft(body)]}

    def _draft_delete(self, _params: Any, body: Any, _media: bytes) -> Answer:
        self._draft(body)
        del self.drafts[body["media_id"]]
        return {"errcode": 0, "errmsg": "ok"}

    def _draft_batchget(self, _params: Any, body: Any, _media: bytes) -> Answer:
        return self._page(body, "media_id", self.drafts)

    def _draft_count(self, _params: Any, _body: Any, _media: bytes) -> Answer:
        return {"total_count": len(self.drafts)}

    def _submit(self, _params: Any, body: Any, _media: bytes) -> Answer:
        if not self.verified:
            raise Refusal(48001, "api unauthorized")
        self._draft(body)
        publish_id = str(next(self._ids))
        self.jobs[publish_id] = Job(body["media_id"], self.pending_polls)
        if self.pending_polls == 0:
            self.finish(publish_id)
        return {"publish_id": int(publish_id) if self.numbers else publish_id, "msg_data_id": next(self._ids)}

    def _publication(self, _params: Any, body: Any, _media: bytes) -> Answer:
        job = self.jobs.get(str(body.get("publish_id")))
        if job is None:
            raise Refusal(40007, "invalid publish_id")
        self._work()
        answer: Answer = {"publish_id": body["publish_id"], "publish_status": job.status}
        if job.status == 0:
            urls = [item["url"] for item in self.articles[job.article_id]]
            items = [{"idx": n, "article_url": url} for n, url in enumerate(urls, 1)]
            answer |= {"article_id": job.article_id, "article_detail": {"count": len(items), "item": items}}
        elif job.status > 1:
            answer["fail_idx"] = [1]
        return answer

    def _work(self) -> None:
        """Time passes with every question."""
        for publish_id, job in self.jobs.items():
            job.polls -= job.status == 1
            if job.polls < 0 and job.status == 1:
                self.finish(publish_id)

    def _published(self, _params: Any, body: Any, _media: bytes) -> Answer:
        self._work()
        return self._page(body, "article_id", self.articles)

    def _delete_article(self, _params: Any, body: Any, _media: bytes) -> Answer:
        items = self.articles.get(body.get("article_id"))
        if items is None:
            raise Refusal(53600, "article_id is invalid")
        place = body.get("index", 0)
        for item in items if not place else [items[place - 1]]:
            item["is_deleted"] = True
        return {"errcode": 0, "errmsg": "ok"}

    def _sendall(self, _params: Any, body: Any, _media: bytes) -> Answer:
        if not self.verified:
            raise Refusal(48001, "api unauthorized")
        if set(body) != {"filter", "msgtype", "mpnews", "send_ignore_reprint", "clientmsgid"}:
            raise Refusal(47001)
        if len(body["clientmsgid"].encode()) > 32:
            raise Refusal(40035, "invalid parameter")
        if known := self.sent.get(body["clientmsgid"]):
            raise Refusal(45065, "clientmsgid exist", msg_id=int(known))
        items = self._draft(body["mpnews"])
        if self.sends_left < 1:
            raise Refusal(45028, "has no masssend quota")
        self.sends_left -= 1
        msg_id = str(next(self._ids))
        self.sent[body["clientmsgid"]] = msg_id
        self.messages[msg_id] = "SENDING"
        del self.drafts[body["mpnews"]["media_id"]]
        self.articles[f"mass-{msg_id}"] = [
            {**item, "_draft": body["mpnews"]["media_id"], "is_deleted": False, "url": self._url()}
            for item in items
        ]
        return {"errcode": 0, "errmsg": "send job submission success", "msg_id": int(msg_id)}

    def _sending(self, _params: Any, body: Any, _media: bytes) -> Answer:
        if str(body.get("msg_id")) not in self.messages:
            raise Refusal(40059, "invalid msg id")
        status = self.messages[str(body["msg_id"])]
        self.messages[str(body["msg_id"])] = "SEND_SUCCESS"
        return {"msg_id": body["msg_id"], "msg_status": status}

    def _preview(self, _params: Any, body: Any, _media: bytes) -> Answer:
        self._draft(body["mpnews"])
        self.previews.append((body["towxname"], body["mpnews"]["media_id"]))
        return {"errcode": 0, "errmsg": "preview success"}

    def _create_menu(self, _params: Any, body: Any, _media: bytes) -> Answer:
        check_menu(body)
        self.current_menu = body
        return {"errcode": 0, "errmsg": "ok"}

    def _menu(self, _params: Any, _body: Any, _media: bytes) -> Answer:
        if self.current_menu is None:
            return {"is_menu_open": 0}
        buttons = [
            {**button, "sub_button": {"list": button["sub_button"]}} if "sub_button" in button else button
            for button in self.current_menu["button"]
        ]
        return {"is_menu_open": 1, "selfmenu_info": {"button": buttons}}

    def _ticket(self, params: dict[str, str], _body: Any, _media: bytes) -> Answer:
        if params.get("type") != "jsapi":
            raise Refusal(40097)
        self.tickets.append(f"ticket-{next(self._ids)}")
        return {"errcode": 0, "errmsg": "ok", "ticket": self.tickets[-1], "expires_in": LASTS}

    def _addresses(self, _params: Any, _body: Any, _media: bytes) -> Answer:
        return {"ip_list": ["101.226.103.0"]}

    def _clear_quota(self, _params: Any, body: Any, _media: bytes) -> Answer:
        if body != {"appid": APPID}:
            raise Refusal(40013)
        self.limits.clear()
        return {"errcode": 0, "errmsg": "ok"}

    def _page(self, body: Any, name: str, held: dict[str, list[Answer]]) -> Answer:
        if not 1 <= body["count"] <= 20 or set(body) != {"offset", "count", "no_content"}:
            raise Refusal(40007)
        newest = sorted(held.items(), key=lambda pair: -max(item["_at"] for item in pair[1]))
        page = newest[body["offset"] : body["offset"] + body["count"]]
        items = [
            {
                name: key,
                "content": {"news_item": [_shown(item, content=not body["no_content"]) for item in items]},
                "update_time": max(item["_at"] for item in items),
            }
            for key, items in page
        ]
        return {"total_count": len(held), "item_count": len(items), "item": items}

    def _url(self) -> str:
        return f"http://mp.weixin.qq.com/s/{next(self._ids)}"


def _shown(item: Answer, *, content: bool) -> Answer:
    return {k: v for k, v in item.items() if not k.startswith("_") and (content or k != "content")}


_HANDLERS: dict[str, Callable[[World, dict[str, str], Any, bytes], Answer]] = {
    "media/uploadimg": World._uploadimg,
    "material/add_material": World._add_material,
    "draft/add": World._draft_add,
    "draft/update": World._draft_update,
    "draft/get": World._draft_get,
    "draft/delete": World._draft_delete,
    "draft/batchget": World._draft_batchget,
    "draft/count": World._draft_count,
    "freepublish/submit": World._submit,
    "freepublish/get": World._publication,
    "freepublish/batchget": World._published,
    "freepublish/delete": World._delete_article,
    "message/mass/sendall": World._sendall,
    "message/mass/get": World._sending,
    "message/mass/preview": World._preview,
    "menu/create": World._create_menu,
    "get_current_selfmenu_info": World._menu,
    "ticket/getticket": World._ticket,
    "getcallbackip": World._addresses,
    "clear_quota": World._clear_quota,
}
