"""What the worker does for the official accounts: after a change, and each minute."""

import structlog
from procrastinate import Blueprint, RetryStrategy

from app.kit.db import Database
from app.wechat import client as clients
from app.wechat import wishes
from app.wechat.accounts import Account, Accounts
from app.wechat.assembling import ImageSource
from app.wechat.inbox import forget
from app.wechat.publisher import Publisher
from app.wechat.transport import pooled

log = structlog.get_logger(__name__)


def tasks(database: Database, accounts: Accounts | None, images: ImageSource) -> Blueprint:
    """The jobs; without accounts they do nothing."""
    blueprint = Blueprint()

    async def go_on(account: Account) -> None:
        async with pooled() as http:
            await Publisher(database, clients.connect(account, http, database), images).run_due()

    @blueprint.task(name=wishes.TASK, retry=RetryStrategy(exponential_wait=2, max_attempts=5))
    async def work(account: str) -> None:
        if accounts and account in accounts.account:
            await go_on(accounts.account[account])

    @blueprint.periodic(cron="* * * * *")
    @blueprint.task(name="wechat-clock", queueing_lock="wechat-clock")
    async def clock(timestamp: int) -> None:  # noqa: ARG001 - procrastinate passes it
        if accounts is None:
            return
        await forget(database)
        for account in accounts.account.values():
            try:
                await go_on(account)
            except Exception:
                log.exception("wechat.account-failed", account=account.name)

    return blueprint
