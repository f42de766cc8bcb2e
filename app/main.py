"""The web application: middleware, routers, error handlers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from app import wiring
from app.bulletins import routes as bulletins
from app.bulletins import version_routes as versions
from app.kit import health, migrate, problems
from app.kit.db import connect
from app.kit.head import Head
from app.kit.settings import Settings
from app.partners.service import Partners
from app.search import engines
from app.search import routes as search

DESCRIPTION = """
Bulletins of 《新质生产力每日动态》 with their sections, tags and references.

Errors are `application/problem+json` (RFC 9457). An unknown parameter or value is refused, never ignored.
Lists are keyset pages: follow `next` or the `Link` header. `ETag`, `Last-Modified`, `HEAD`, gzip and zstd
work everywhere. Dates are dates in Asia/Shanghai; times are RFC 3339.
"""


EXPOSED = (
    "ETag",
    "Last-Modified",
    "Link",
    "Content-Location",
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
)
"""The headers that pages of other origins may see."""


def create_app(settings: Settings | None = None) -> FastAPI:
    """The API on the database that the settings name (the environment's, when None)."""
    settings = settings or Settings.load()
    partners = Partners(settings, wiring.find)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with (
            connect(settings) as database,
            engines.connect(settings, database) as search_engine,
            partners.running(app, database),
        ):
            app.state.database = database
            app.state.search = search_engine
            app.state.checks = {"search": search_engine.trouble, "limits": partners.gate.counting.trouble}
            app.state.migration = migrate.head()
            yield

    app = FastAPI(
        title="新质生产力每日动态",
        summary="Content API of a daily bulletin on China's new quality productive forces",
        description=DESCRIPTION,
        version="1.0.0",
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        openapi_url="/openapi.json",
        redirect_slashes=False,
        lifespan=lifespan,
    )
    problems.install(app)
    app.include_router(bulletins.router, tags=["content"])
    app.include_router(versions.router, tags=["content"])
    app.include_router(search.router, tags=["search"])
    app.include_router(health.router)
    app.add_middleware(Head)
    partners.install(app)
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["GET", "HEAD"],
            allow_headers=["If-None-Match", "If-Modified-Since"],
            expose_headers=EXPOSED,
            max_age=86_400,
        )
    return app
