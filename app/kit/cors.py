"""Cross-origin reading whose refusals are problems, as a pure ASGI layer."""

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from app.kit.problems import Problem, answer


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
