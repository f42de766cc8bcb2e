"""Tokens of the sync feed: where somebody is and what they follow, signed by the database they belong to."""

import base64
import hashlib
import hmac
import zlib
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.db import Base
from app.kit.problems import Problem
from app.partners.selection import Selection

LONGEST = 20_000

_FORM = b"\x01"
_SIGNATURE = 16


class SyncSecret(Base):
    """What signs the tokens of this database; there is one row. A new secret makes everybody start again."""

    __tablename__ = "sync_secret"

    secret: Mapped[bytes] = mapped_column(primary_key=True)


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the feed: all changes up to ``seq`` are known.

    While the state of ``moment`` is being read, ``tag`` or ``slug`` is the last one that was. Later ``slug``
    is the last bulletin that is known of the change after ``seq``, a merge that concerns many.
    """

    seq: int
    selection: Selection
    moment: datetime | None = None
    tag: str | None = None
    slug: str | None = None

    @property
    def in_state(self) -> bool:
        return self.moment is not None

    def at(self, seq: int) -> Self:
        """The place after a change."""
        return type(self)(seq, self.selection)


_PLACE = TypeAdapter(Place)


class Tokens:
    """Makes and reads the tokens of one database."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    @classmethod
    async def of(cls, session: AsyncSession) -> Self:
        return cls((await session.scalars(select(SyncSecret.secret))).one())

    def write(self, place: Place) -> str:
        """The token of a place."""
        body = _FORM + zlib.compress(_PLACE.dump_json(place, exclude_defaults=True), wbits=-15)
        return base64.urlsafe_b64encode(self._signature(body) + body).decode().rstrip("=")

    def read(self, token: str) -> Place:
        """The place of a token.

        :raises Problem: it is damaged, or another database made it.
        """
        try:
            signed = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        except ValueError:
            raise restart("It is damaged.") from None
        signature, body = signed[:_SIGNATURE], signed[_SIGNATURE:]
        if not hmac.compare_digest(signature, self._signature(body)) or not body.startswith(_FORM):
            raise restart("It is damaged, or was given for another archive.")
        try:
            return _PLACE.validate_json(zlib.decompress(body[1:], wbits=-15))
        except (zlib.error, ValidationError):  # Ours, but of another version of this code.
            raise restart("It is of a form that is not read any more.") from None

    def _signature(self, body: bytes) -> bytes:
        return hmac.digest(self._secret, body, hashlib.sha256)[:_SIGNATURE]


def restart(reason: str) -> Problem:
    """The answer to a token that leads nowhere."""
    detail = f"{reason} Begin again with GET /v1/sync without a token, and replace your copy."
    return Problem("restart", detail)
