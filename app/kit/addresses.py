"""Addresses are UTF-8, as a pure ASGI layer."""

from urllib.parse import unquote, unquote_to_bytes

from fastapi import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from app.kit.problems import Problem, answer, invalid_parameter


class Utf8Addresses:
    """Refuse an address that is not UTF-8: further in, what cannot be read would be replaced in silence."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (problem := _unreadable(scope)):
            await answer(Request(scope), problem)(scope, receive, send)
            return
        await self.app(scope, receive, send)


def _unreadable(scope: Scope) -> Problem | None:
    if not _is_utf8(scope.get("raw_path") or b""):
        return invalid_parameter("path", "it is not UTF-8")
    for pair in scope["query_string"].split(b"&"):
        if not _is_utf8(pair):
            return invalid_parameter(
                unquote(pair.partition(b"=")[0].decode(errors="replace")), "it is not UTF-8"
            )
    return None


def _is_utf8(text: bytes) -> bool:
    if b"%" not in text and text.isascii():
        return True
    try:
        unquote_to_bytes(text).decode()
    except UnicodeDecodeError:
        return False
    return True
