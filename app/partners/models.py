"""Partner organisations, their keys and what they have asked for."""

import datetime as dt
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, func
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.db import Base, new_id


class Partner(Base):
    """An organisation; ``contacts`` are objects with ``name`` and ``email``, ``plan`` names its limits."""

    __tablename__ = "partner"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(unique=True)
    plan: Mapped[str]
    contacts: Mapped[list[dict[str, Any]]]
    created_at: Mapped[dt.datetime] = mapped_column(server_default=func.now())


class Key(Base):
    """A partner's key; only the digest of it is kept. ``prefix`` is its public name."""

    __tablename__ = "partner_key"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    partner_id: Mapped[UUID] = mapped_column(ForeignKey("partner.id"), index=True)
    prefix: Mapped[str] = mapped_column(unique=True)
    digest: Mapped[str]
    name: Mapped[str]
    scopes: Mapped[list[str]]
    created_at: Mapped[dt.datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[dt.datetime | None]
    revoked_at: Mapped[dt.datetime | None]
    last_used_at: Mapped[dt.datetime | None]


class Usage(Base):
    """What a key has asked of a route on a day (Asia/Shanghai).

    ``requests`` were counted against the limits; ``unchanged`` (304) and ``refused`` (429) were not.
    """

    __tablename__ = "partner_usage"

    key_id: Mapped[UUID] = mapped_column(ForeignKey("partner_key.id"), primary_key=True)
    day: Mapped[dt.date] = mapped_column(primary_key=True)
    route: Mapped[str] = mapped_column(primary_key=True)
    requests: Mapped[int]
    unchanged: Mapped[int]
    refused: Mapped[int]
