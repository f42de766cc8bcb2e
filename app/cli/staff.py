"""``nqpf staff``: the editors' accounts, for who has the machine."""

import asyncio
import secrets
import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli.terminal import Failure, migrated_database, say, user
from app.editorial.workflow import Role
from app.kit.settings import Settings

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from app.editorial.audit import Actor

app = typer.Typer(help="Accounts of the editors' desk.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The name to log in with, such as zhang.wei.")]
Generate = Annotated[bool, typer.Option("--generate", help="Make a password and show it this once.")]


@app.command()
def add(
    name: Name,
    role: Annotated[Role, typer.Option(help="What the account may do.")] = Role.editor,
    display_name: Annotated[str, typer.Option(help="As it is shown.", show_default="the name")] = "",
    generate: Generate = False,
) -> None:
    """Add an account; the password is asked for, or read from standard input."""
    from app.editorial import staff
    from app.editorial.schemas import NewStaff

    password = _password(generate=generate)
    wanted = _valid(NewStaff, name=name, display_name=display_name or name, role=role, password=password)
    _run(lambda s, a: staff.add(s, a, wanted.name, wanted.display_name, wanted.role, wanted.password))
    say(f"账号 {name} 已建立（{role}）。")
    _show(password, generate=generate)


@app.command()
def disable(name: Name) -> None:
    """Disable an account: it is logged out everywhere and cannot log in."""
    from app.editorial import staff

    async def disable_(session: "AsyncSession", actor: "Actor") -> None:
        row = await staff.lock(session, name)
        if row is None:
            raise _missing(name)
        await staff.change(session, actor, row, disabled=True)

    _run(disable_)
    say(f"账号 {name} 已停用。")


@app.command()
def reset(name: Name, generate: Generate = False) -> None:
    """Give an account a new password and enable it; it is logged out everywhere."""
    from app.editorial import staff
    from app.editorial.schemas import PasswordReset

    password = _password(generate=generate)
    wanted = _valid(PasswordReset, password=password)

    async def reset_(session: "AsyncSession", actor: "Actor") -> None:
        row = await staff.lock(session, name)
        if row is None:
            raise _missing(name)
        await staff.reset_password(session, actor, row, wanted.password)
        if row.disabled:
            await staff.change(session, actor, row, disabled=False)

    _run(reset_)
    say(f"账号 {name} 的密码已更换。")
    _show(password, generate=generate)


def _run(work: "Callable[[AsyncSession, Actor], Awaitable[object]]") -> None:
    from app.editorial.audit import operator
    from app.editorial.refused import Refused
    from app.kit.db import connect

    async def run(settings: Settings) -> None:
        async with connect(settings) as database, database.session() as session:
            await work(session, operator(user()))

    try:
        with migrated_database(Settings.load()) as settings:
            asyncio.run(run(settings))
    except Refused as error:
        raise Failure(f"{error.code}：{error.message}") from None


def _password(*, generate: bool) -> str:
    if generate:
        return secrets.token_urlsafe(15)
    if sys.stdin.isatty():
        asked: str = typer.prompt("密码", hide_input=True, confirmation_prompt=True)
        return asked
    return sys.stdin.readline().rstrip("\r\n")


def _show(password: str, *, generate: bool) -> None:
    if generate:
        say(f"密码（只显示这一次）：{password}")


def _valid(model: Any, **values: Any) -> Any:
    from pydantic import ValidationError

    from app.kit.reasons import reason

    try:
        return model(**values)
    except ValidationError as error:
        first = error.errors()[0]
        raise Failure(f"{first['loc'][0]}：{reason(first)}") from None


def _missing(name: str) -> Failure:
    return Failure(f"staff.missing：没有名为 {name} 的账号。")
