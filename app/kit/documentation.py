"""The description of the API, as JSON and as a page that needs nothing from other hosts."""

from importlib.resources import files
from typing import Literal

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse

from app.kit.caching import PUBLIC, Body, CachePolicy, reply
from app.kit.operations import PLAIN

_DAY = CachePolicy(max_age=86_400)

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<link rel="icon" href="/docs/favicon-32x32.png">
<link rel="stylesheet" href="/docs/swagger-ui.css">
<div id="page"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</html>
"""
_START = b"""SwaggerUIBundle({
  url: "/openapi.json", dom_id: "#page", deepLinking: true, validatorUrl: null,
  presets: [SwaggerUIBundle.presets.apis], layout: "BaseLayout",
});
"""
# Swagger UI sets styles from its script, and its style sheet holds pictures.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

Asset = Literal["swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png", "start.js"]
_TYPES = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "png": "image/png"}


def install(app: FastAPI) -> None:
    """Serve ``/openapi.json`` and, from the files of a package, ``/docs``."""

    @app.get("/openapi.json", include_in_schema=False, dependencies=PLAIN)
    async def description(request: Request) -> Response:
        body: bytes = JSONResponse(app.openapi()).body  # type: ignore[assignment]
        return reply(request, Body(body), keys=[], modified=None)

    @app.get("/docs", include_in_schema=False)
    async def page() -> HTMLResponse:
        return HTMLResponse(
            _PAGE.format(title=app.title),
            headers={"Content-Security-Policy": _POLICY, "Cache-Control": PUBLIC.header()},
        )

    @app.get("/docs/{name}", include_in_schema=False)
    def asset(request: Request, name: Asset) -> Response:
        body = _START if name == "start.js" else (files("fastapi_swagger") / "resources" / name).read_bytes()
        media_type = _TYPES[name.rpartition(".")[2]]
        return reply(request, Body(body, media_type), keys=[], modified=None, policy=_DAY)
