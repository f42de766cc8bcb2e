"""Engines to search: Postgres, and Meilisearch live or replayed."""

import asyncio
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import uuid4

import httpx2
import pytest
from pydantic import SecretStr

from app.bulletins.taxonomy import Taxonomy, curated
from app.kit.db import connect
from app.kit.settings import Settings
from app.search import meilisearch
from app.search.contract import Answer, Search, SectionDocument
from app.search.meilisearch_index import Index
from app.search.meilisearch_schema import document
from app.search.meilisearch_schema import settings as index_settings
from app.search.postgres import PostgresEngine
from tests.conftest import Cluster, Server, publish_into, serving
from tests.search.api_shelf import SIZE, rice
from tests.search.fake_meilisearch import KEY as FAKE_KEY
from tests.search.fake_meilisearch import FakeMeilisearch, fake_meilisearch
from tests.search.keeping import Kept
from tests.search.recording import KEY, LIVE, RECORDING, conversation
from tests.search.shelf import SHELF, TAXONOMY, sections

Ask = Callable[[Search], Answer]
"""Asks one engine one thing."""


@dataclass(frozen=True)
class Filled:
    """An index of Meilisearch and the settings to reach it, which differ by test when replayed."""

    uid: str

    @contextmanager
    def asking(self, name: str) -> Iterator[Ask]:
        with conversation(name) as url:
            yield lambda search: asyncio.run(ask_meilisearch(meilisearch_settings(url), self.uid, search))


def meilisearch_settings(url: str, key: str = KEY) -> Settings:
    return Settings(meili_url=url, meili_key=SecretStr(key))


async def ask_meilisearch(settings: Settings, uid: str, search: Search) -> Answer:
    async with meilisearch.connect(settings, uid, within=20) as engine:
        return await engine.search(search)


async def ask_postgres(settings: Settings, search: Search) -> Answer:
    async with connect(settings) as database:
        return await PostgresEngine(database).search(search)


@contextmanager
def filled(name: str, documents: list[SectionDocument], taxonomy: Taxonomy | None = None) -> Iterator[Filled]:
    """An index of these documents and tags (the curated ones, when None); recorded under its name."""
    taxonomy = taxonomy or curated()
    uid = f"test-{name}" if RECORDING or not LIVE else f"test-{name}-{uuid4().hex[:8]}"
    names = {tag.slug: (tag.name, tag.name_en) for tag in taxonomy.tags}
    left = Index(meilisearch_settings(LIVE), uid) if LIVE else None
    if left and left.created():
        left.drop()
    with conversation(f"{name}/filled") as url:
        index = Index(meilisearch_settings(url), uid)
        index.create()
        index.configure(index_settings(taxonomy))
        index.replace(sorted({each.slug for each in documents}), [document(d, names) for d in documents])
    try:
        yield Filled(uid)
    finally:
        if left:
            left.drop()


def recorded_name(request: pytest.FixtureRequest) -> str:
    """What the conversation of a test is called, without the engine's name."""
    name = request.node.name.removeprefix("test_").replace("meilisearch", "")
    return re.sub(r"\W+", "-", name).strip("-")


@pytest.fixture(scope="session")
def shelf_in_meilisearch() -> Iterator[Filled]:
    with filled("shelf", sections(), TAXONOMY) as index:
        yield index


@pytest.fixture(scope="session")
def shelf_in_postgres(cluster: Cluster, template: str) -> Iterator[Settings]:
    with cluster.database(template) as settings:
        publish_into(settings, SHELF)
        yield settings


@pytest.fixture
def meilisearch_ask(shelf_in_meilisearch: Filled, request: pytest.FixtureRequest) -> Iterator[Ask]:
    """Asks Meilisearch about the shelf."""
    with shelf_in_meilisearch.asking(f"shelf/{recorded_name(request)}") as ask:
        yield ask


@pytest.fixture(params=["postgres", "meilisearch"])
def ask(request: pytest.FixtureRequest) -> Ask:
    """Asks about the shelf, each engine in turn."""
    if request.param == "postgres":
        settings = request.getfixturevalue("shelf_in_postgres")
        return lambda search: asyncio.run(ask_postgres(settings, search))
    chosen: Ask = request.getfixturevalue("meilisearch_ask")
    return chosen


@pytest.fixture(scope="session")
def shelf_server(cluster: Cluster, template: str) -> Iterator[Server]:
    """The API on twelve bulletins of two months (``api_shelf``); read only."""
    with cluster.database(template) as settings:
        publish_into(settings, list(map(rice, range(SIZE))))
        with serving(settings) as server:
            yield server


@pytest.fixture
def shelf(shelf_server: Server) -> httpx2.Client:
    """A client of the API on twelve bulletins."""
    return shelf_server.client


@pytest.fixture
def fake(settings: Settings) -> Iterator[tuple[Kept, FakeMeilisearch]]:
    """An index on the fake, which can be told to fail."""
    with fake_meilisearch() as (server, url):
        meilisearch = meilisearch_settings(url, FAKE_KEY)
        yield Kept(settings, meilisearch, Index(meilisearch, "test")), server


@pytest.fixture
def kept(settings: Settings, request: pytest.FixtureRequest) -> Iterator[Kept]:
    """An index on the real Meilisearch where there is one, which is not there yet."""
    if not LIVE:
        yield request.getfixturevalue("fake")[0]
        return
    meilisearch = meilisearch_settings(LIVE, KEY)
    index = Index(meilisearch, f"test-{uuid4().hex}")
    yield Kept(settings, meilisearch, index)
    for left in (index, index.beside()):
        if left.created():
            left.drop()
