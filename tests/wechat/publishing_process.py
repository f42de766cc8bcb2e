"""Publishes one bulletin after the other in processes of which the n-th is killed at its n-th step.

Arguments: DATABASE_URL, the account as JSON, the goal, then slugs. Each request to WeChat has two steps,
right before and right after it. A second process then goes on. The output is, by slug, the signal that
ended the first process and the state that the second one left, as JSON; it ends with the first process
that was not killed.
"""

import asyncio
import json
import os
import signal
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
from sqlalchemy import delete, select

from app.kit.db import connect
from app.kit.settings import Settings
from app.wechat import client as clients
from app.wechat import transport, wishes
from app.wechat.accounts import Account, Mode
from app.wechat.models import WechatArticle, WechatToken, WechatUpload
from app.wechat.publisher import Publisher
from app.wechat.transport import pooled
from tests.wechat.conftest import no_images

account = Account.model_validate(json.loads(sys.argv[2]))
url, goal, slugs = sys.argv[1], Mode(sys.argv[3]), sys.argv[4:]
steps = deadly = 0
ahead = timedelta()
send = httpx2.AsyncClient.send
transport.WAIT = 0.0


def step() -> None:
    global steps  # noqa: PLW0603 - one process, one counter
    steps += 1
    if steps == deadly:
        os.kill(os.getpid(), signal.SIGKILL)


async def sending(self: httpx2.AsyncClient, *arguments: Any, **options: Any) -> Any:
    step()
    answer = await send(self, *arguments, **options)
    step()
    return answer


def now() -> datetime:
    return datetime.now(UTC) + ahead


async def work(slug: str) -> str:
    """Ask for the bulletin, and do what is due in the following hours."""
    global ahead  # noqa: PLW0603
    settings = Settings().with_database(url)
    async with connect(settings) as database, pooled() as http:
        async with database.session() as session:
            if await wishes.find_article(session, account.name, slug) is None:
                await session.execute(delete(WechatUpload))
                await session.execute(delete(WechatToken))
                await wishes.ask(session, account, slug, goal, confirm=True)
        publisher = Publisher(database, clients.connect(account, http, database), no_images, clock=now)
        for _ in range(25):
            await publisher.run_due()
            ahead += timedelta(minutes=6)
        async with database.session() as session:
            query = select(WechatArticle.state).where(WechatArticle.slug == slug)
            return (await session.scalars(query)).one()


def in_a_process(slug: str) -> tuple[int, str]:
    """The signal that ended it, and the state it left."""
    reading, writing = os.pipe()
    if not (child := os.fork()):
        os.write(writing, asyncio.run(work(slug)).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as said:
        state = said.read()
    return os.waitpid(child, 0)[1], state


httpx2.AsyncClient.send = sending  # type: ignore[method-assign]
ends: dict[str, tuple[int, str]] = {}
for place, slug in enumerate(slugs, start=1):
    deadly = place
    ended, state = in_a_process(slug)
    deadly = 0
    ends[slug] = (ended, in_a_process(slug)[1])
    if not ended:
        break
sys.stdout.write(json.dumps(ends))
