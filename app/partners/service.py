"""What partners are served with, as part of the application."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.types import Scope

from app.kit.db import Database
from app.kit.hub import Hub
from app.kit.settings import Settings
from app.partners import gate, routes, sync_routes, topic_routes, webhook_routes
from app.partners.gate import Gate
from app.partners.guard import Guard
from app.partners.topics import Find
from app.partners.vault import Vault


def partners_own(scope: Scope) -> bool:
    """Whether a request is for one partner alone, and perhaps for a stream without end."""
    path: str = scope["path"]
    return path.startswith(("/v1/partners", "/v1/sync"))


class Partners:
    """Their operations, and the gate before all operations."""

    def __init__(self, settings: Settings, find: Find) -> None:
        self.gate = Gate(settings)
        self.hub = Hub()
        """Where the feed waits; whoever listens to the database tells it."""
        self._find = find
        self._settings = settings

    def install(self, app: FastAPI) -> None:
        """Add the operations to ``app``, after all others, and what the gate may answer instead of any."""
        for each in (sync_routes, routes, webhook_routes, topic_routes):
            app.include_router(each.router, tags=["partners"])
        gate.describe(app)

    @asynccontextmanager
    async def running(self, app: FastAPI, database: Database) -> AsyncIterator[None]:
        """Serve as long as the context lasts."""
        app.state.gate = self.gate
        app.state.feed = sync_routes.Feed(database, self.hub)
        app.state.find = self._find
        app.state.guard = Guard(self._settings.webhook_allow)
        app.state.vault = Vault([key.get_secret_value() for key in self._settings.secrets_keys])
        async with self.gate.running(database):
            yield
