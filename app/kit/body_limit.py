"""No request's body is longer than its operation can use."""

from collections.abc import Mapping

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class BodyLimit:
    """Lets whoever reads a body fail with 413 as soon as it is known to be too long.

    FastAPI's own ``max_body_size`` answers in plain text instead of with a problem.

    :param most: bytes that a body may have
    :param larger: other limits by path
    """

    def __init__(self, app: ASGIApp, most: int, larger: Mapping[str, int]) -> None:
        self.app = app
        self.most = most
        self.larger = larger

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        most = self.larger.get(scope["path"], self.most)
        announced = Headers(scope=scope).get("content-length", "")
        length = int(announced) if announced.isdecimal() else 0

        async def counted() -> Message:
            nonlocal length
            if length > most:
                raise _too_large(most)
            message = await receive()
            if not announced:
                length += len(message.get("body", b""))
                if length > most:
                    raise _too_large(most)
            return message

        await self.app(scope, counted, send)


def _too_large(most: int) -> HTTPException:
    return HTTPException(413, f"The body may have {most} bytes.")
