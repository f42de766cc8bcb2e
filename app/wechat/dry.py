"""A rehearsal: the article and the exact requests, and nothing is sent."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

import httpx2

from app.wechat.accounts import Account, Mode
from app.wechat.assembling import ImageSource, Prepared, prepare, upload
from app.wechat.client import Client
from app.wechat.library import Live

_PAGE = """<!doctype html><html><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1"><title>{title}</title></head>
<body style="margin:0 auto;padding:16px;max-width:600px">{content}</body></html>
"""


class _Tokens:
    """A token that opens nothing."""

    async def current(self) -> str:
        return "ACCESS_TOKEN"

    async def instead_of(self, rejected: str) -> str:
        return rejected


@dataclass
class _Nothing:
    """An account that has no picture yet."""

    known: dict[tuple[str, str], str] = field(default_factory=dict)

    async def address(self, use: str, sha256: str) -> str | None:
        return self.known.get((use, sha256))

    async def keep(self, use: str, sha256: str, address: str) -> None:
        self.known[use, sha256] = address


@dataclass(frozen=True, slots=True)
class Sent:
    """A request; ``call`` is its name, such as ``draft-add``."""

    call: str
    method: str
    url: str
    content_type: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """There are no requests while something would be refused."""

    prepared: Prepared
    requests: Sequence[Sent]


class _Recorder(httpx2.AsyncBaseTransport):
    """Keeps each request, and answers as WeChat does when all is well."""

    def __init__(self) -> None:
        self.requests: list[Sent] = []

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        call = request.url.path.removeprefix("/cgi-bin/").replace("/", "-")
        kind = request.headers["content-type"]
        self.requests.append(Sent(call, request.method, str(request.url), kind, await request.aread()))
        return httpx2.Response(200, content=json.dumps(self._answer(call)).encode())

    def _answer(self, call: str) -> dict[str, Any]:
        number = len(self.requests)
        return {
            "url": f"https://mmbiz.qpic.cn/{call}-{number}",
            "media_id": f"MEDIA_ID_{number}",
            "publish_id": f"PUBLISH_ID_{number}",
            "msg_id": f"MSG_ID_{number}",
        }


async def rehearse(account: Account, live: Live, goal: Mode, images: ImageSource) -> Rehearsed:
    """The article, and the requests that would make it of nothing."""
    prepared = await prepare(account, live, images)
    recorder = _Recorder()
    if not prepared.findings:
        async with httpx2.AsyncClient(transport=recorder) as http:
            client = Client(account, http, _Tokens())
            media_id = await client.add_draft(await upload(account, prepared, client, _Nothing()))
            if goal == Mode.freepublish:
                await client.submit(media_id)
            elif goal == Mode.sendall:
                await client.send_all(media_id, "CLIENTMSGID")
    return Rehearsed(prepared, recorder.requests)


def write(rehearsed: Rehearsed, folder: Path) -> list[Path]:
    """Write ``article.html`` and the requests, without those of an earlier rehearsal; the files.

    :raises OSError: the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.http"):
        old.unlink()
    article, page = rehearsed.prepared.article, folder / "article.html"
    page.write_text(_PAGE.format(title=escape(article.title), content=article.content), "utf-8")
    files = [page]
    for number, each in enumerate(rehearsed.requests, start=1):
        files.append(folder / f"{number:02}-{each.call}.http")
        head = f"{each.method} {each.url} HTTP/1.1\r\nContent-Type: {each.content_type}\r\n\r\n"
        files[-1].write_bytes(head.encode() + each.body)
    return files
