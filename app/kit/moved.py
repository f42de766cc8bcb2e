"""What was given up for something else leads there."""

from typing import Any
from urllib.parse import quote

from fastapi import FastAPI, Request, Response

from app.kit.problems import instance

PLACE = 3
"""Names stand in this part of an address: ``/v1/tags/{slug}/timeline``."""


class Moved(Exception):  # noqa: N818 - it is an answer, not a fault
    """The object of this request is another one since: ``name`` stands in its address now."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


async def _on_moved(request: Request, error: Exception) -> Response:
    assert isinstance(error, Moved)  # noqa: S101 - for the type checker
    parts = instance(request).split("/")
    parts[PLACE] = quote(error.name, safe="")
    query = request.scope["query_string"].decode("latin-1")
    location = "/".join(parts) + (f"?{query}" if query else "")
    return Response(status_code=308, headers={"Location": location, "Cache-Control": "public, max-age=60"})


def install(app: FastAPI) -> None:
    """Answer for objects that have moved with the way to them."""
    app.add_exception_handler(Moved, _on_moved)


MOVED: dict[int | str, dict[str, Any]] = {
    308: {
        "description": "It was merged into another one, which `Location` names",
        "headers": {"Location": {"description": "The other one's address", "schema": {"type": "string"}}},
    }
}
"""OpenAPI's description of that answer."""
