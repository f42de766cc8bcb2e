"""Cross-origin reading: a pure ASGI layer whose refusals are problems, and what answers before it need."""

from collections.abc import Collection

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.types import Message, Receive, Scope, Send

from app.kit.problems import Problem, answer
from app.kit.whole import with_headers


class Cors(CORSMiddleware):
    """Starlette's layer, except that a refused preflight is answered with a problem."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "OPTIONS":
            asked = Headers(scope=scope)
            if "origin" in asked and "access-control-request-method" in asked:
                response = self.preflight_response(asked)
                if response.status_code >= 400:
                    problem = Problem(
                        "cors-refused", f"{bytes(response.body).decode()}.", headers={"Vary": "Origin"}
                    )
                    response = answer(Request(scope), problem)
                await response(scope, receive, send)
                return
        await super().__call__(scope, receive, send)


class Readers:
    """What lets the pages of some websites read an answer, as Starlette's ``CORSMiddleware`` says it."""

    def __init__(self, origins: Collection[str], exposed: Collection[str] = ()) -> None:
        """
        :param origins: the websites, as for ``CORSMiddleware``.
        :param exposed: the headers that their pages may see.
        """
        exposing: list[tuple[bytes, bytes]] = []
        if exposed:
            exposing.append((b"access-control-expose-headers", ", ".join(exposed).encode()))
        self._allowed = {
            origin.encode(): [(b"access-control-allow-origin", origin.encode()), *exposing]
            for origin in origins
        }
        self._other = self._allowed.get(b"*", exposing)

    def on(self, start: Message, origin: bytes) -> Message:
        """The start of an answer for a page of ``origin``."""
        return with_headers(start, self._allowed.get(origin, self._other))

    def around(self, scope: Scope, send: Send) -> Send:
        """``send`` for an answer of which nobody knows yet what it is."""
        origin = next((value for name, value in scope["headers"] if name == b"origin"), None)
        if origin is None:
            return send

        async def say(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = self.on(message, origin)
            await send(message)

        return say
