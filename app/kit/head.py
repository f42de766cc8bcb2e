"""HEAD for every GET, as a pure ASGI layer."""

from collections.abc import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Head:
    """Answer HEAD as GET would be answered, without the body."""

    def __init__(self, app: ASGIApp, *, itself: Callable[[Scope], bool]) -> None:
        """
        :param itself: whether the application answers HEAD by itself, as the body is too much to be made.
        """
        self.app = app
        self._itself = itself

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD" or self._itself(scope):
            await self.app(scope, receive, send)
            return

        async def without_body(message: Message) -> None:
            if message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        await self.app({**scope, "method": "GET"}, receive, without_body)
