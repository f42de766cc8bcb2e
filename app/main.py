"""The web application: middleware, routers, error handlers."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from fastapi import Depends, FastAPI
from starlette.types import Scope

from app import wiring
from app.bulletins import image_routes as images
from app.bulletins import routes as bulletins
from app.bulletins import schedule
from app.bulletins import version_routes as versions
from app.editorial import answers, audit
from app.editorial.access import Right, repeatable
from app.editorial.routes import desk, imports
from app.editorial.workflow import Role
from app.kit import documentation, health, idempotency, migrate, moved, openapi, problems
from app.kit.addresses import Utf8Addresses
from app.kit.asking import Asking
from app.kit.body_limit import BodyLimit
from app.kit.caching import BEHIND_CDN, PUBLIC
from app.kit.cors import Cors, Readers
from app.kit.db import Changed, connect
from app.kit.front import Front
from app.kit.front_store import Store
from app.kit.head import Head
from app.kit.hub import STOP
from app.kit.image_sizes import MAX_BYTES
from app.kit.image_store import image_store
from app.kit.lifetime import Lifetime, Plan
from app.kit.listening import Invalidator
from app.kit.settings import Settings
from app.knowledge import routes as knowledge
from app.partners import export_routes as exports
from app.partners.gate import GateLayer
from app.partners.service import Partners, partners_own
from app.rendering import accepting
from app.rendering import routes as rendering
from app.search import engines
from app.search import routes as search
from app.wechat import accounts as wechat_accounts
from app.wechat import editorial_routes as wechat_desk
from app.wechat import routes as wechat

MAX_BODY = 4 * 2**20
"""Bytes of a request's body, where an operation allows no more."""

LARGER = {imports.PATH: imports.MAX_BODY, "/v1/editorial/images": MAX_BYTES + 1}

WECHAT_DESK = (
    (wechat_desk.reading, [Depends(Right(Role.editor))]),
    (wechat_desk.writing, [Depends(Right(Role.reviewer)), Depends(repeatable)]),
    (wechat_desk.confirming, [Depends(Right(Role.administrator)), Depends(repeatable)]),
    (wechat_desk.comparing, [Depends(Right(Role.reviewer, between=True)), Depends(repeatable)]),
)
"""What editors do with the official accounts, and who may: packages side by side do not know each other."""

DESCRIPTION = """
Bulletins of 《新质生产力每日动态》 with their sections, tags and references.

Errors are `application/problem+json` (RFC 9457). An unknown parameter or value is refused, never ignored.
Lists are keyset pages: follow `next` or the `Link` header. `ETag`, `Last-Modified`, `HEAD`, gzip and zstd
work everywhere. Dates are dates in Asia/Shanghai; times are RFC 3339.
"""

TAGS = {
    "content": "Bulletins with their sections, tags, references and sources.",
    "knowledge": "Topics over time, what stands together, what is cited beside what.",
    "images": "The pictures of published bulletins.",
    "search": "Finding the passage.",
    "feeds": "Feeds, pages and directories for machines.",
    "exports": "Whole copies in files.",
    "partners": "Keys, sync, webhooks and saved topics of partner organisations.",
    "desk": "Writing, checking and publishing, for the editors.",
    "wechat": "The official account.",
    "health": "Whether the service answers and is ready.",
}
"""What the groups of operations are about."""

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


def create_app(settings: Settings | None = None) -> GateLayer:
    """The API behind its gate and front, with the environment's settings when None are given."""
    settings = settings or Settings.load()
    store = Store(settings.cache_bytes)
    partners = Partners(settings, wiring.find)
    readers = Readers(settings.cors_origins, EXPOSED) if settings.cors_origins else None
    front = Front(
        create_api(settings, store, partners),
        store,
        readers=readers,
        show_keys=settings.purge_url is not None,
        stale_if_error=60,
        bypass=_by_itself,
    )
    return GateLayer(front, partners.gate, readers)


def _by_itself(scope: Scope) -> bool:
    return accepting.other_form(scope) or exports.is_download(scope) or partners_own(scope)


def create_api(settings: Settings, store: Store, partners: Partners | None = None) -> FastAPI:
    """The application itself; what changes is dropped from ``store`` as long as it runs."""
    partners = partners or Partners(settings, wiring.find)

    plan = Plan()
    accounts = wechat_accounts.load(settings)

    def told(changed: Changed) -> None:
        store.drop(changed.keys, changed.seq)
        partners.hub.heard(changed.seq)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
        async with AsyncExitStack() as stack:
            database = await stack.enter_async_context(connect(settings))
            search_engine = await stack.enter_async_context(engines.connect(settings, database))
            await stack.enter_async_context(Invalidator(database.conninfo, store, partners.hub).running())
            find = wiring.passages(database, search_engine)
            app.state.wechat = await stack.enter_async_context(
                wechat.connect(accounts, database, find, audit.record)
            )
            database.told = told
            database.heard = lambda: store.seq
            app.state.database = database
            app.state.search = search_engine
            app.state.settings = settings
            app.state.changes = wiring.changes
            app.state.images = image_store(settings)
            await stack.enter_async_context(partners.running(app, database))
            app.state.checks = {"search": search_engine.trouble, "limits": partners.gate.counting.trouble}
            app.state.migration = migrate.head()
            app.state.asking = Asking()

            async def seconds_left() -> float | None:
                async with database.snapshot() as session:
                    return await schedule.seconds_left(session)

            # Answers kept from before would be served with the lifetime that they had then.
            async with plan.watching(seconds_left, moved=store.clear):
                yield {STOP: partners.hub.stop}

    app = FastAPI(
        title="新质生产力每日动态",
        summary="Content API of a daily bulletin on China's new quality productive forces",
        description=DESCRIPTION,
        version="1.0.0",
        contact={"name": "工业智能算网", "url": "https://gyznsw.cn"},
        servers=[{"url": "/", "description": "The server that gives this description"}],
        openapi_tags=[{"name": name, "description": about} for name, about in TAGS.items()],
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        openapi_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
    )
    app.state.policy = BEHIND_CDN if settings.purge_url else PUBLIC
    for part in (problems, idempotency, answers, moved, documentation):
        part.install(app)
    app.state.public_url = settings.public_url
    app.state.exports = settings.data / "exports"
    _mount(app)
    partners.install(app)
    app.add_middleware(BodyLimit, most=MAX_BODY, larger=LARGER)
    app.add_middleware(Lifetime, plan=plan)
    openapi.install(app, public="app.bulletins.schemas")
    app.add_middleware(Utf8Addresses)
    app.add_middleware(Head, itself=exports.is_download)
    if settings.cors_origins:
        app.add_middleware(
            Cors,
            allow_origins=settings.cors_origins,
            allow_methods=["GET", "HEAD"],
            allow_headers=["If-None-Match", "If-Modified-Since"],
            expose_headers=EXPOSED,
            max_age=86_400,
        )
    return app


def _mount(app: FastAPI) -> None:
    """Every operation but the application's own."""
    # First: their addresses look like those of bulletins and tags, or are these for another Accept.
    app.include_router(rendering.router, tags=["feeds"])
    app.include_router(rendering.negotiated)
    for each, tag in (
        (knowledge, "knowledge"),
        (bulletins, "content"),
        (exports, "exports"),
        (versions, "content"),
        (images, "images"),
        (search, "search"),
        (desk, "desk"),
        (wechat, "wechat"),
    ):
        app.include_router(each.router, tags=[tag])
    for part, right in WECHAT_DESK:
        app.include_router(part, tags=["wechat"], dependencies=right)
    app.include_router(wechat.callback)
    app.include_router(health.router)
