"""Keys of partners: made, found, replaced, revoked."""

import hmac
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import sha256
from time import monotonic
from typing import Any, Literal, get_args
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.kit.asking import Asking
from app.kit.auth import new_token, token_digest, unauthenticated
from app.kit.db import Database
from app.kit.problems import DATABASE_AWAY
from app.partners.models import Key, Partner
from app.partners.plans import PlanName

LIVE = "nqpf_live"
KEY = re.compile(rf"{LIVE}_([a-z0-9]{{10}})_[A-Za-z0-9_-]{{43}}")

Scope = Literal["read", "sync", "webhooks", "topics"]
SCOPES: tuple[Scope, ...] = get_args(Scope)

REMEMBERED_SECONDS = 5.0
"""A revoked key is refused after so long at the latest, by every process."""
AWAY_SECONDS = 60.0
"""While the database does not answer, a key is for so long what it was when it was last looked up."""

_PATIENCE_SECONDS = 1.0
_MANY = 10_000
_BEARER = re.compile(rb"bearer[ \t]+(\S+)[ \t]*", re.IGNORECASE)
_ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"


class PartnerError(Exception):
    """It cannot be done; the message says why."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks with a key, and what the key is for. Requests are counted under the name ``who``."""

    key_id: UUID
    partner_id: UUID
    partner: str
    plan: PlanName
    scopes: frozenset[Scope]
    who: str


@dataclass(frozen=True, slots=True)
class _Known:
    caller: Caller
    digest: str
    expires_at: datetime | None
    revoked: bool


@dataclass(frozen=True, slots=True)
class _Look:
    """What was found of a key when it was looked up, at ``at``; it is taken to be so until ``until``."""

    at: float
    until: float
    known: _Known | None


_NOBODY = _Look(0.0, 0.0, None)


class Ring:
    """Finds the caller of a key, and remembers it for some seconds."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._looks: dict[str, _Look] = {}
        self._looking: Asking[str, _Look] = Asking()
        self._good: dict[bytes, tuple[float, Caller]] = {}

    async def caller(self, authorization: bytes) -> Caller | None:
        """The caller of an ``Authorization`` header; None where it is no key: other routes have theirs.

        :raises Problem: nobody has such a key, it has expired or was revoked, or nobody here could have it.
        """
        digest = sha256(authorization).digest()
        good = self._good.get(digest)
        if good is not None and monotonic() < good[0]:
            return good[1]
        token = _token(authorization)
        if token is None:
            return None
        form = KEY.fullmatch(token)
        look = await self._find(form[1]) if form else _NOBODY
        until, known = look.until, look.known
        if known is None or not hmac.compare_digest(known.digest, token_digest(token)):
            raise unauthenticated("This key is unknown.")
        if known.revoked:
            raise unauthenticated("This key was revoked.")
        if known.expires_at:
            left = (known.expires_at - datetime.now(UTC)).total_seconds()
            if left <= 0:
                raise unauthenticated("This key has expired.")
            until = min(until, monotonic() + left)
        if len(self._good) >= _MANY:
            self._good.clear()
        self._good[digest] = until, known.caller
        return known.caller

    async def _find(self, prefix: str) -> _Look:
        """What is known of a key; what was known before, where the database does not say in time."""
        now = monotonic()
        last = self._looks.get(prefix)
        if last is not None and now < last.until:
            return last
        if last is not None and now >= last.at + AWAY_SECONDS:
            last = None
        patience = None if last is None else _PATIENCE_SECONDS
        try:
            return await self._looking.answer(prefix, partial(self._look, prefix), patience)
        except (TimeoutError, *DATABASE_AWAY):
            if last is None:
                raise
        self._looks[prefix] = last = replace(last, until=monotonic() + REMEMBERED_SECONDS)
        return last

    async def _look(self, prefix: str) -> _Look:
        now = monotonic()
        async with self._database.snapshot() as session:
            look = _Look(now, now + REMEMBERED_SECONDS, await _load(session, prefix))
        if len(self._looks) >= _MANY:
            self._looks.clear()
        self._looks[prefix] = look
        return look


def _token(authorization: bytes) -> str | None:
    """The token that claims to be a partner's key; tokens of editors are left to their own routes.

    :raises Problem: it is a bearer token of nobody here.
    """
    found = _BEARER.fullmatch(authorization)
    if found is None:
        if LIVE.encode() in authorization:
            raise unauthenticated("A key is sent as `Authorization: Bearer …`, and nothing after it.")
        return None
    token = found[1].decode("latin-1")
    if not token.startswith("nqpf_"):
        raise unauthenticated(f"A key begins with {LIVE}_.")
    return token if token.startswith(LIVE) else None


async def _load(session: AsyncSession, prefix: str) -> _Known | None:
    query = select(Key, Partner).join(Partner, Partner.id == Key.partner_id).where(Key.prefix == prefix)
    row: tuple[Key, Partner] | None = (await session.execute(query)).one_or_none()
    if row is None:
        return None
    key, partner = row
    caller = Caller(
        key_id=key.id,
        partner_id=partner.id,
        partner=partner.name,
        plan="internal" if partner.plan == "internal" else "partner",
        scopes=frozenset(scope for scope in SCOPES if scope in key.scopes),
        who=f"partner:{partner.id}",
    )
    return _Known(caller, key.digest, key.expires_at, key.revoked_at is not None)


async def hold(session: AsyncSession, partner_id: UUID) -> None:
    """Until the transaction ends nobody else adds to what the partner has: counts stay true."""
    # Its key stays free: what refers to the partner, such as figures of usage, goes on meanwhile.
    await session.execute(select(Partner.id).where(Partner.id == partner_id).with_for_update(key_share=True))


async def add_partner(
    session: AsyncSession, name: str, contacts: Sequence[dict[str, str]], plan: PlanName = "partner"
) -> Partner:
    """Take a partner in.

    :raises PartnerError: there is one of this name.
    """
    if await session.scalar(select(Partner.id).where(Partner.name == name)):
        raise PartnerError(f"there is a partner {name} already")
    partner = Partner(name=name, contacts=list(contacts), plan=plan)
    session.add(partner)
    await session.flush()
    return partner


async def add_key(
    session: AsyncSession,
    partner: str,
    *,
    name: str = "",
    scopes: Sequence[Scope] = SCOPES,
    lifetime: timedelta | None = None,
) -> tuple[Key, str]:
    """A new key of a partner, and the only time that it can be read.

    :raises PartnerError: there is no such partner.
    """
    owner = await session.scalar(select(Partner).where(Partner.name == partner))
    if owner is None:
        raise PartnerError(f"there is no partner {partner}")
    prefix = "".join(secrets.choice(_ALPHABET) for _ in range(10))
    token = new_token(f"{LIVE}_{prefix}")
    key = Key(
        partner_id=owner.id,
        prefix=prefix,
        digest=token_digest(token),
        name=name,
        scopes=list(scopes),
        expires_at=datetime.now(UTC) + lifetime if lifetime else None,
    )
    session.add(key)
    await session.flush()
    return key, token


async def replace_key(session: AsyncSession, prefix: str, overlap: timedelta) -> tuple[Key, str]:
    """A new key with the name and scopes of an old one, which is good for ``overlap`` longer.

    :raises PartnerError: there is no such key, or it is good no more.
    """
    query = select(Key, Partner.name).join(Partner, Partner.id == Key.partner_id).with_for_update(of=Key)
    row = (await session.execute(query.where(Key.prefix == prefix))).one_or_none()
    if row is None:
        raise PartnerError(f"there is no key {prefix}")
    old, partner = row
    now = datetime.now(UTC)
    if old.revoked_at or (old.expires_at and old.expires_at <= now):
        raise PartnerError(f"the key {prefix} is good no more: make a new one")
    lifetime = old.expires_at - old.created_at if old.expires_at else None
    scopes = [scope for scope in SCOPES if scope in old.scopes]
    made = await add_key(session, partner, name=old.name, scopes=scopes, lifetime=lifetime)
    old.expires_at = min(now + overlap, old.expires_at or now + overlap)
    return made


async def revoke_key(session: AsyncSession, prefix: str) -> None:
    """Refuse a key from now on, :data:`REMEMBERED_SECONDS` later at the latest.

    :raises PartnerError: there is no such key.
    """
    revoked = (
        update(Key).where(Key.prefix == prefix).values(revoked_at=func.coalesce(Key.revoked_at, func.now()))
    )
    if await session.scalar(revoked.returning(Key.id)) is None:
        raise PartnerError(f"there is no key {prefix}")


async def everybody(session: AsyncSession) -> list[dict[str, Any]]:
    """All partners by name, each with its keys, the oldest first; as JSON."""
    partners = (await session.scalars(select(Partner).order_by(Partner.name))).all()
    owned: dict[UUID, list[dict[str, Any]]] = {partner.id: [] for partner in partners}
    for key in await session.scalars(select(Key).order_by(Key.id)):
        moments = {name: getattr(key, name) for name in ("expires_at", "revoked_at", "last_used_at")}
        shown = {name: at.isoformat(timespec="seconds") if at else None for name, at in moments.items()}
        owned[key.partner_id].append({"prefix": key.prefix, "name": key.name, "scopes": key.scopes, **shown})
    return [
        {"name": each.name, "plan": each.plan, "contacts": each.contacts, "keys": owned[each.id]}
        for each in partners
    ]
