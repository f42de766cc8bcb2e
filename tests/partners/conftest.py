"""Partners with keys, and servers that count requests."""

import asyncio
import shutil
import socket
import subprocess
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any, Protocol, TypeVar

import httpx2
import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.kit.db import connect
from app.kit.settings import Settings
from app.partners import keys
from app.partners.keys import SCOPES, Scope
from app.partners.plans import PlanName
from tests.conftest import LOOPBACK, serving
from tests.partners.receiver import Receiver, receiving

T = TypeVar("T")


class Within(Protocol):
    def __call__(self, work: Callable[[AsyncSession], Awaitable[T]]) -> T: ...


@pytest.fixture
def within(settings: Settings) -> Within:
    """Runs something in a transaction on the test's own database."""

    def run(work: Callable[[AsyncSession], Awaitable[T]]) -> T:
        async def inside() -> T:
            async with connect(settings) as database, database.session() as session:
                return await work(session)

        return asyncio.run(inside())

    return run


Later = Callable[[float], None]
"""Lets seconds pass for keys."""


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Later:
    passed = 0.0

    class Moved(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return datetime.now(tz) + timedelta(seconds=passed)

    def pass_(seconds: float) -> None:
        nonlocal passed
        passed += seconds

    monkeypatch.setattr(keys, "monotonic", lambda: time.monotonic() + passed)
    monkeypatch.setattr(keys, "datetime", Moved)
    return pass_


class MakeKey(Protocol):
    def __call__(
        self,
        partner: str = "博雅云创",
        *,
        scopes: Sequence[Scope] = SCOPES,
        plan: PlanName = "partner",
        lifetime: timedelta | None = None,
    ) -> str: ...


def new_key(
    settings: Settings,
    partner: str,
    *,
    scopes: Sequence[Scope] = SCOPES,
    plan: PlanName = "partner",
    lifetime: timedelta | None = None,
) -> str:
    """A new key of a partner, who is taken in when not known yet."""

    async def run() -> str:
        async with connect(settings) as database, database.session() as session:
            with suppress(keys.PartnerError):
                await keys.add_partner(session, partner, [], plan)
            return (await keys.add_key(session, partner, scopes=scopes, lifetime=lifetime))[1]

    return asyncio.run(run())


@pytest.fixture
def make_key(settings: Settings) -> MakeKey:
    """:func:`new_key` on the test's own database."""

    def make(partner: str = "博雅云创", **options: Any) -> str:
        return new_key(settings, partner, **options)

    return make


def bearer(key: str) -> dict[str, str]:
    """The header that sends a key."""
    return {"Authorization": f"Bearer {key}"}


def limited(settings: Settings, **rates: Any) -> Settings:
    """Settings under which requests from this machine are counted."""
    return settings.model_copy(update={"limits_exempt": (), **rates})


class CountingServer:
    """A Redis or Valkey server on a socket of 127.0.0.1, started and stopped at will."""

    def __init__(self, program: str, folder: Path) -> None:
        self._program = program
        self._folder = folder
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", str(self._folder)]
        self._process = subprocess.Popen([self._program, *options], stdout=subprocess.DEVNULL)
        for _ in range(500):
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                time.sleep(0.01)
            else:
                return
        raise AssertionError(f"{self._program} did not start")

    def stop(self) -> None:
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None


@contextmanager
def counting_server(folder: Path) -> Iterator[CountingServer]:
    program = shutil.which("valkey-server") or shutil.which("redis-server")
    assert program, "neither valkey-server nor redis-server is installed: see .ci/run"
    server = CountingServer(program, folder)
    server.start()
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture
def counting(tmp_path: Path) -> Iterator[CountingServer]:
    """A server that counts for several processes."""
    with counting_server(tmp_path) as server:
        yield server


@pytest.fixture
def hooks(settings: Settings) -> Settings:
    """Settings under which webhooks may go to this machine."""
    return settings.model_copy(update={"webhook_allow": LOOPBACK})


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def hooks_api(hooks: Settings) -> Iterator[httpx2.Client]:
    with serving(hooks) as server:
        yield server.client


class Partner:
    """A partner's way to its webhooks."""

    def __init__(self, client: httpx2.Client, key: str) -> None:
        self.client = client
        self.key = key

    def ask(self, method: str, path: str = "", json: Any = None, **headers: str) -> httpx2.Response:
        """``headers`` are written with underscores: ``if_match``."""
        head = {name.replace("_", "-"): value for name, value in headers.items()} | bearer(self.key)
        return self.client.request(method, f"/v1/partners/webhooks{path}", json=json, headers=head)

    def post(self, path: str = "", json: Any = None, **headers: str) -> httpx2.Response:
        return self.ask("POST", path, json, **headers)

    def get(self, path: str = "") -> Any:
        answer = self.client.get(f"/v1/partners/webhooks{path}", headers=bearer(self.key))
        assert answer.status_code == 200, answer.text
        return answer.json()

    def add(self, url: str, **more: Any) -> dict[str, Any]:
        answer = self.post(json={"url": url, **more})
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    def deliveries(self, endpoint: dict[str, Any]) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = self.get(f"/{endpoint['id']}/deliveries?limit=200")["items"]
        return items


@pytest.fixture
def partner(hooks_api: httpx2.Client, make_key: MakeKey) -> Partner:
    return Partner(hooks_api, make_key())
