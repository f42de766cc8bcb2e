"""The reference of the benchmarks: an ASGI application that does nothing but send ready bytes."""

import json
import os
from pathlib import Path
from typing import Any

from starlette.types import Receive, Scope, Send

# Path and query → body, written by the benchmark before the server starts.
_BODIES = {
    key.encode(): body.encode()
    for key, body in json.loads(Path(os.environ["BARE_BODIES"]).read_text("utf-8")).items()
}


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Send the body that is kept for the path and query."""
    if scope["type"] == "lifespan":
        while (await receive())["type"] == "lifespan.startup":
            await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})
        return
    query = scope["query_string"]
    key = scope["raw_path"] + (b"?" + query if query else b"")
    body = _BODIES[key]
    start: dict[str, Any] = {
        "type": "http.response.start",
        "status": 200,
        "headers": [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))],
    }
    await send(start)
    await send({"type": "http.response.body", "body": body})
