"""``nqpf wechat menu``: the menu of an account, as it is declared and as WeChat has it."""

import difflib
from typing import TYPE_CHECKING

import typer

from app.cli.terminal import Failure, say
from app.cli.wechat_accounts import Named, account_named, run

if TYPE_CHECKING:
    from app.wechat.menu import Menu

app = typer.Typer(help="The menu of the account.", no_args_is_help=True)


@app.command("push")
def push(account: Named = None) -> None:
    """Replace the account's menu by the declared one."""
    payload = _menu(account).payload()
    run(account, lambda client, _: client.create_menu(payload))
    say("菜单已更新。")


@app.command("show")
def show(account: Named = None) -> None:
    """Show the account's menu as WeChat has it."""
    from app.wechat.menu import lines

    for line in lines(run(account, lambda client, _: client.menu())):
        say(line)


@app.command("diff")
def diff(account: Named = None) -> None:
    """Compare the declared menu with the account's; the exit code is 1 when they differ."""
    from app.wechat.menu import lines

    wanted = list(lines(_menu(account).payload()))
    there = list(lines(run(account, lambda client, _: client.menu())))
    difference = list(difflib.unified_diff(there, wanted, "微信", "本地", lineterm=""))
    for line in difference:
        say(line)
    if difference:
        raise typer.Exit(1)
    say("菜单一致。")


def _menu(account: str | None) -> "Menu":
    from app.wechat.menu import MenuError, declared

    try:
        return declared(account_named(account))
    except MenuError as error:
        raise Failure(str(error)) from None
