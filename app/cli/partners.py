"""``nqpf partners``: partner organisations and their keys."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from app.cli.terminal import Failure, migrated_database, say, say_json
from app.kit.settings import Settings

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from app.partners.keys import Scope
    from app.partners.models import Key

T = TypeVar("T")

app = typer.Typer(help="Partner organisations and their keys.", no_args_is_help=True)


class PlanChoice(StrEnum):
    partner = "partner"
    internal = "internal"


class ScopeChoice(StrEnum):
    read = "read"
    sync = "sync"
    webhooks = "webhooks"
    topics = "topics"


Json = Annotated[bool, typer.Option("--json", help="Write JSON for a script.")]


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="The organisation's name.")],
    contact: Annotated[
        list[str] | None, typer.Option(help="An address such as 'Wang Fang <wang@example.org>'; repeatable.")
    ] = None,
    plan: Annotated[PlanChoice, typer.Option(help="Which limits it has.")] = PlanChoice.partner,
) -> None:
    """Take a partner in."""
    from app.partners import keys

    contacts = [_contact(text) for text in contact or ()]
    _run(lambda session: keys.add_partner(session, _name(name), contacts, plan.value))
    say(f"{name}: added on the {plan} plan; make a key with `nqpf partners key`")


@app.command()
def key(
    partner: Annotated[str | None, typer.Argument(help="The partner's name.")] = None,
    name: Annotated[str, typer.Option(help="What the key is for.")] = "",
    scope: Annotated[list[ScopeChoice] | None, typer.Option(help="Repeatable; all without it.")] = None,
    days: Annotated[int | None, typer.Option(min=1, max=3650, help="Good for so many days.")] = None,
    replaces: Annotated[str | None, typer.Option(metavar="PREFIX", help="The key to replace.")] = None,
    overlap: Annotated[int, typer.Option(min=0, max=2160, help="Hours for which both are good.")] = 168,
    as_json: Json = False,
) -> None:
    """Make a key and show it, once; with --replaces it has the name, scopes and lifetime of another."""
    from app.partners import keys

    if (partner is None) == (replaces is None) or (replaces and (name or scope or days)):
        raise typer.BadParameter("name a partner, or with --replaces a key and nothing else of it")

    async def make(session: "AsyncSession") -> "tuple[Key, str]":
        if replaces is not None:
            return await keys.replace_key(session, replaces, timedelta(hours=overlap))
        scopes: list[Scope] = [each.value for each in scope or ScopeChoice]
        lifetime = timedelta(days=days) if days else None
        return await keys.add_key(session, partner or "", name=name, scopes=scopes, lifetime=lifetime)

    made, token = _run(make)
    if as_json:
        expires = made.expires_at.isoformat() if made.expires_at else None
        say_json({"prefix": made.prefix, "key": token, "scopes": made.scopes, "expires_at": expires})
        return
    say(f"{token}\nIt is shown this once; its name is {made.prefix}.")


@app.command("list")
def list_(as_json: Json = False) -> None:
    """Show the partners with their keys, when each was last used and until when it is good."""
    from app.partners import keys

    known = _run(keys.everybody)
    if as_json:
        say_json(known)
        return
    for partner in known:
        contacts = ", ".join(f"{each['name']} <{each['email']}>".strip() for each in partner["contacts"])
        say(f"{partner['name']}  {partner['plan']}  {contacts}".rstrip())
        for key in partner["keys"]:
            used = f"last used {key['last_used_at']}" if key["last_used_at"] else "never used"
            ends = f", until {key['expires_at']}" if key["expires_at"] else ""
            state = ", revoked" if key["revoked_at"] else ends
            say(f"  {key['prefix']}  {' '.join(key['scopes'])}  {used}{state}  {key['name']}".rstrip())


@app.command()
def revoke(prefix: Annotated[str, typer.Argument(help="The key's prefix.")]) -> None:
    """Refuse a key from now on."""
    from app.partners import keys

    _run(lambda session: keys.revoke_key(session, prefix))
    say(f"{prefix}: revoked; every process refuses it within {keys.REMEMBERED_SECONDS:.0f} seconds")


def _contact(text: str) -> dict[str, str]:
    from email.utils import parseaddr

    name, email = parseaddr(text)
    if "@" not in email:
        raise typer.BadParameter(f"{text!r} is no address", param_hint="--contact")
    return {"name": name, "email": email}


def _name(text: str) -> str:
    if not text.strip() or len(text) > 200 or not text.isprintable():
        raise typer.BadParameter("a name is 1 to 200 printable characters", param_hint="NAME")
    return text


def _run(work: "Callable[[AsyncSession], Awaitable[T]]") -> T:
    from app.kit.db import connect
    from app.partners.keys import PartnerError

    async def run(settings: Settings) -> T:
        async with connect(settings) as database, database.session() as session:
            return await work(session)

    try:
        with migrated_database(Settings.load()) as settings:
            return asyncio.run(run(settings))
    except PartnerError as error:
        raise Failure(str(error)) from None
