"""What the commands of ``nqpf wechat`` share: the accounts, and running with a client of one."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from app.cli.terminal import Failure, migrated_database
from app.kit.settings import Settings

if TYPE_CHECKING:
    from app.kit.db import Database
    from app.wechat.accounts import Account, Accounts
    from app.wechat.client import Client

T = TypeVar("T")

Named = Annotated[str | None, typer.Option("--account", help="Which account.", show_default="the default")]


def all_accounts(settings: Settings) -> "Accounts":
    """The accounts that NQPF_WECHAT names."""
    from app.wechat.accounts import load

    accounts = load(settings)
    if accounts is None:
        raise Failure("NQPF_WECHAT is not set: set it to the TOML file of the official accounts")
    return accounts


def account_named(name: str | None) -> "Account":
    """The account, or the default one."""
    try:
        return all_accounts(Settings.load()).named(name)
    except KeyError:
        raise Failure(f"there is no account {name}") from None


def run(name: str | None, work: "Callable[[Client, Database], Awaitable[T]]") -> T:
    """Run with a client of the account and the database."""
    from app.kit.db import connect
    from app.wechat import client as clients
    from app.wechat.errors import WechatError
    from app.wechat.transport import pooled
    from app.wechat.wishes import WishError

    account = account_named(name)

    async def inside(connected: Settings) -> T:
        async with connect(connected) as database, pooled() as http:
            return await work(clients.connect(account, http, database), database)

    with migrated_database(Settings.load()) as connected:
        try:
            return asyncio.run(inside(connected))
        except (WechatError, WishError) as error:
            raise Failure(str(error)) from None
