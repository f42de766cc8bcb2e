import asyncio

from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Message, Receive, Scope, Send

from app.kit.head import Head


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with the method that it was asked by."""
    await PlainTextResponse(Request(scope).method)(scope, receive, send)


def ask(method: str, path: str = "/") -> list[Message]:
    """What the layer sends to the server, which is not the one to leave the body out."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": method, "path": path, "headers": []}
    asyncio.run(Head(app, itself=lambda scope: scope["path"] == "/long")(scope, receive, send))
    return sent


def test_head_is_answered_as_get_without_the_body() -> None:
    (get_start, get_body), (start, body) = ask("GET"), ask("HEAD")
    assert start == get_start
    assert (get_body["body"], body["body"]) == (b"GET", b"")


def test_other_methods_pass_unchanged() -> None:
    assert [message["body"] for message in (ask("GET")[1], ask("POST")[1])] == [b"GET", b"POST"]


def test_what_is_too_long_is_left_to_the_application() -> None:
    assert ask("HEAD", "/long")[1]["body"] == b"HEAD"
