import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar

import pytest
from pydantic import SecretStr

from app.kit.db import Database, connect
from app.kit.settings import Settings
from app.wechat import client as clients
from app.wechat.accounts import Account
from app.wechat.client import Client
from app.wechat.transport import pooled
from tests.wechat.simulator import Simulator, simulating
from tests.wechat.simulator_world import APPID, SECRET

T = TypeVar("T")


@pytest.fixture
def wechat() -> Iterator[Simulator]:
    """WeChat on a socket, with an account of its own."""
    with simulating() as simulator:
        yield simulator


@pytest.fixture
def account(wechat: Simulator) -> Account:
    return Account(
        name="main",
        appid=APPID,
        secret=SecretStr(SECRET),
        website="https://example.org/bulletins/{slug}",
        search="https://example.org/search?q={q}",
        token=SecretStr("AAAAA"),
        aes_key=SecretStr("A" * 43),
        api=wechat.url,
    )


@dataclass(frozen=True)
class Desk:
    """An account with a database: runs what it is given with a client that is connected."""

    settings: Settings
    account: Account

    def __call__(self, work: Callable[[Client, Database], Awaitable[T]]) -> T:
        async def run() -> T:
            async with self.connected() as (client, database):
                return await work(client, database)

        return asyncio.run(run())

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[tuple[Client, Database]]:
        async with connect(self.settings) as database, pooled() as http:
            yield clients.connect(self.account, http, database), database


@pytest.fixture
def desk(settings: Settings, account: Account) -> Desk:
    return Desk(settings, account)
