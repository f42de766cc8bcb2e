import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import TypeVar

import pytest
from pydantic import SecretStr
from sqlalchemy import select

from app.bulletins.document import BulletinDocument, Paragraph, Section
from app.kit.changes import catch_up
from app.kit.db import Database, connect
from app.kit.settings import Settings
from app.wechat import client as clients
from app.wechat import transport, wishes
from app.wechat.accounts import Account, Accounts, Mode
from app.wechat.assembling import ImageSource
from app.wechat.client import Client
from app.wechat.models import WechatArticle, WechatStep
from app.wechat.publisher import Publisher
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


@dataclass
class Clock:
    """A clock that moves when it is told to."""

    ahead: timedelta = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def move(self, **by: float) -> None:
        self.ahead += timedelta(**by)


async def no_images(src: str, *, cover: bool) -> bytes | None:  # noqa: ARG001 - an ImageSource
    """A source without any picture."""
    return None


@dataclass
class Newsroom:
    """An account and its articles, with a WeChat and a clock of its own."""

    desk: Desk
    clock: Clock = field(default_factory=Clock)
    images: ImageSource = no_images

    def follow(self) -> None:
        """Let the follower hear of what was published."""
        accounts = Accounts(default="main", account={"main": self.desk.account})

        async def work(_: Client, database: Database) -> None:
            await catch_up(database, wishes.FOLLOWER, wishes.follower(lambda: accounts))

        self.desk(work)

    def ask(self, slug: str, goal: Mode, *, confirm: bool = False) -> None:
        async def work(_: Client, database: Database) -> None:
            async with database.session() as session:
                await wishes.ask(session, self.desk.account, slug, goal, confirm=confirm)

        self.desk(work)

    def retry(self, slug: str) -> None:
        async def work(_: Client, database: Database) -> None:
            async with database.session() as session:
                await wishes.retry(session, self.desk.account, slug)

        self.desk(work)

    def report(self, **report: object) -> None:
        """An event that WeChat has sent."""

        async def work(_: Client, database: Database) -> None:
            async with database.session() as session:
                await wishes.finished(session, self.desk.account, report)

        self.desk(work)

    def work(self, times: int = 1) -> None:
        """Let the worker do what is due; ``times`` minutes one after the other."""

        async def run(client: Client, database: Database) -> None:
            for _ in range(times):
                await Publisher(database, client, self.images, clock=self.clock).run_due()
                if times > 1:
                    self.clock.move(minutes=1)

        self.desk(run)

    def article(self, slug: str) -> WechatArticle | None:
        async def read(_: Client, database: Database) -> WechatArticle | None:
            async with database.session() as session:
                return await wishes.find_article(session, self.desk.account.name, slug)

        return self.desk(read)

    def state(self, slug: str) -> str:
        article = self.article(slug)
        assert article
        return article.state

    def steps(self, slug: str) -> list[tuple[str, str]]:
        """What was done, with its outcome."""
        article = self.article(slug)
        assert article

        async def read(_: Client, database: Database) -> list[tuple[str, str]]:
            query = select(WechatStep).where(WechatStep.article_id == article.id).order_by(WechatStep.id)
            async with database.session() as session:
                return [(row.step, row.outcome) for row in await session.scalars(query)]

        return self.desk(read)

    def using(self, **changed: object) -> "Newsroom":
        """The same with another account configuration."""
        account = self.desk.account.model_copy(update=changed)
        return Newsroom(Desk(self.desk.settings, account), self.clock, self.images)


@pytest.fixture
def newsroom(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Newsroom:
    monkeypatch.setattr(transport, "WAIT", 0.0)
    return Newsroom(desk)


def issue(
    day: date, *, abstract: str = "摘要。", heading: str = "标题", text: str = "正文。"
) -> BulletinDocument:
    """A small bulletin."""
    section = Section(number=1, numeral="一", heading=heading, body=(Paragraph(text=text),))
    return BulletinDocument(
        title=f"新质生产力每日动态 {day}", date=day, abstract=abstract, sections=(section,)
    )
