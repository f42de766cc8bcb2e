"""A rehearsal: the article and the exact requests in a folder, and nothing is sent."""

import json
from dataclasses import dataclass, field
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


class _Recorder(httpx2.AsyncBaseTransport):
    """Writes each request to a file, and answers as WeChat does when all is well."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files: list[Path] = []

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        call = request.url.path.removeprefix("/cgi-bin/").replace("/", "-")
        file = self.folder / f"{len(self.files) + 1:02}-{call}.http"
        kind = request.headers["content-type"]
        head = f"{request.method} {request.url} HTTP/1.1\r\nContent-Type: {kind}\r\n\r\n"
        file.write_bytes(head.encode() + await request.aread())
        self.files.append(file)
        return httpx2.Response(200, content=json.dumps(self._answer(call)).encode())

    def _answer(self, call: str) -> dict[str, Any]:
        number = len(self.files)
        return {
            "url": f"https://mmbiz.qpic.cn/{call}-{number}",
            "media_id": f"MEDIA_ID_{number}",
            "publish_id": f"PUBLISH_ID_{number}",
            "msg_id": f"MSG_ID_{number}",
        }


async def rehearse(
    account: Account, live: Live, goal: Mode, folder: Path, images: ImageSource
) -> tuple[Prepared, list[Path]]:
    """Write ``article.html`` and the requests; none of these while there are findings.

    :raises OSError: the folder cannot be written.
    """
    _empty(folder)
    prepared = await prepare(account, live, images)
    article = folder / "article.html"
    article.write_text(_PAGE.format(title=prepared.article.title, content=prepared.article.content), "utf-8")
    recorder = _Recorder(folder)
    if not prepared.findings:
        async with httpx2.AsyncClient(transport=recorder) as http:
            client = Client(account, http, _Tokens())
            media_id = await client.add_draft(await upload(account, prepared, client, _Nothing()))
            if goal == Mode.freepublish:
                await client.submit(media_id)
            elif goal == Mode.sendall:
                await client.send_all(media_id, "CLIENTMSGID")
    return prepared, [article, *recorder.files]


def _empty(folder: Path) -> None:
    """Make the folder, without the requests of an earlier rehearsal."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.http"):
        old.unlink()
