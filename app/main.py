"""The web application: middleware, routers, error handlers."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from app import wiring
from app.bulletins import routes as bulletins
from app.kit import health, migrate, problems
from app.kit.db import connect
from app.kit.head import Head
from app.kit.settings import Settings
from app.search import engines
from app.search import routes as search
from app.wechat import accounts as wechat_accounts
from app.wechat import routes as wechat

DESCRIPTION = """
Bulletins of 《新质生产力每日动态》 with their sections, tags and references.

Errors are `application/problem+json` (RFC 9457). An unknown parameter or value is refused, never ignored.
Lists are keyset pages: follow `next` or the `Link` header. `ETag`, `Last-Modified`, `HEAD`, gzip and zstd
work everywhere. Dates are dates in Asia/Shanghai; times are RFC 3339.
"""


def create_app(settings: Settings | None = None) -> FastAPI:
    """The API on the database that the settings name (the environment's, when None)."""
    settings = settings or Settings.load()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            database = await stack.enter_async_context(connect(settings))
            search_engine = await stack.enter_async_context(engines.connect(settings, database))
            find = wiring.passages(database, search_engine)
            accounts = wechat_accounts.load(settings)
            app.state.database = database
            app.state.search = search_engine
            app.state.wechat = await stack.enter_async_context(wechat.connect(accounts, database, find))
            app.state.checks = {"search": search_engine.trouble}
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
    app.include_router(search.router, tags=["search"])
    app.include_router(wechat.router, tags=["wechat"])
    app.include_router(wechat.callback)
    app.include_router(health.router)
    app.add_middleware(Head)
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["GET", "HEAD"],
            allow_headers=["If-None-Match", "If-Modified-Since"],
            expose_headers=["ETag", "Last-Modified", "Link", "Content-Location"],
            max_age=86_400,
        )
    return app
