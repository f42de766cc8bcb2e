"""The reference of the benchmarks: an ASGI application that does nothing but send ready bytes."""

import json
import os
from pathlib import Path
from typing import Any

from starlette.types import Receive, Scope, Send

# Path and query → status, headers and body, written by the benchmark before the server starts.
_ANSWERS = {
    key.encode(): (
        status,
        [(name.encode(), value.encode()) for name, value in headers.items()],
        body.encode(),
    )
    for key, (status, headers, body) in json.loads(
        Path(os.environ["BARE_ANSWERS"]).read_text("utf-8")
    ).items()
}


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Send the answer that is kept for the path and query."""
    if scope["type"] == "lifespan":
        while (await receive())["type"] == "lifespan.startup":
            await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})
        return
    query = scope["query_string"]
    key = scope["raw_path"] + (b"?" + query if query else b"")
    status, headers, body = _ANSWERS[key]
    start: dict[str, Any] = {
        "type": "http.response.start",
        "status": status,
        "headers": [*headers, (b"content-length", b"%d" % len(body))] if body else headers,
    }
    await send(start)
    await send({"type": "http.response.body", "body": body})
