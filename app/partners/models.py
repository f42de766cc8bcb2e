"""Partner organisations, their keys, what they have asked for, and their webhooks."""

import datetime as dt
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, func
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


class Endpoint(Base):
    """Where a partner takes webhooks. ``selection`` is a :class:`app.partners.selection.Selection`.

    With a ``topic_id`` that topic chooses instead. No ``events`` means all about content. Secrets are
    sealed; the former one still signs until ``former_until``. ``failing_since`` is the first failure
    since the last success. ``status`` is active, paused or disabled, and ``status_note`` says why.
    """

    __tablename__ = "webhook_endpoint"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    partner_id: Mapped[UUID] = mapped_column(ForeignKey("partner.id"), index=True)
    topic_id: Mapped[UUID | None] = mapped_column(ForeignKey("saved_topic.id"), index=True)
    url: Mapped[str]
    description: Mapped[str]
    events: Mapped[list[str]]
    filters: Mapped[dict[str, Any]]
    selection: Mapped[dict[str, Any]]
    secret: Mapped[str]
    former_secret: Mapped[str | None]
    former_until: Mapped[dt.datetime | None]
    status: Mapped[str] = mapped_column(server_default="active")
    status_note: Mapped[str] = mapped_column(server_default="")
    failing_since: Mapped[dt.datetime | None]
    created_at: Mapped[dt.datetime] = mapped_column(server_default=func.now())


class Delivery(Base):
    """A message on its way to an endpoint; those of one ``subject`` go in the order of ``id``.

    ``state`` is pending, delivered or failed. Whoever sends it holds it until ``held_until``.
    """

    __tablename__ = "webhook_delivery"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    endpoint_id: Mapped[UUID] = mapped_column(ForeignKey("webhook_endpoint.id", ondelete="CASCADE"))
    message_id: Mapped[str]
    seq: Mapped[int] = mapped_column(BigInteger)
    event: Mapped[str]
    subject: Mapped[str] = mapped_column()
    body: Mapped[str]
    state: Mapped[str] = mapped_column(server_default="pending")
    attempts: Mapped[int] = mapped_column(server_default="0")
    created_at: Mapped[dt.datetime] = mapped_column(server_default=func.now(), index=True)
    due_at: Mapped[dt.datetime] = mapped_column()
    held_until: Mapped[dt.datetime | None]
    first_tried_at: Mapped[dt.datetime | None]
    finished_at: Mapped[dt.datetime | None]

    __table_args__ = (
        Index("webhook_delivery_due_idx", endpoint_id, due_at, id, postgresql_where=state == "pending"),
        Index("webhook_delivery_order_idx", endpoint_id, subject, id, postgresql_where=state == "pending"),
        Index("webhook_delivery_listed_idx", endpoint_id, id.desc()),
    )


class Attempt(Base):
    """One sending of a delivery: the status and the beginning of the answer, or what went wrong."""

    __tablename__ = "webhook_attempt"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    delivery_id: Mapped[int] = mapped_column(
        ForeignKey("webhook_delivery.id", ondelete="CASCADE"), index=True
    )
    at: Mapped[dt.datetime]
    status: Mapped[int | None]
    error: Mapped[str]
    answer: Mapped[str]
    milliseconds: Mapped[int]


class Topic(Base):
    """A query that a partner has saved; ``query`` is a :class:`app.partners.topics.TopicQuery`."""

    __tablename__ = "saved_topic"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    partner_id: Mapped[UUID] = mapped_column(ForeignKey("partner.id"), index=True)
    name: Mapped[str]
    query: Mapped[dict[str, Any]]
    created_at: Mapped[dt.datetime] = mapped_column(server_default=func.now())


class TopicMatch(Base):
    """A bulletin that the topic finds; ``at`` is when it last became so, or changed."""

    __tablename__ = "saved_topic_match"

    topic_id: Mapped[UUID] = mapped_column(ForeignKey("saved_topic.id", ondelete="CASCADE"), primary_key=True)
    slug: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[dt.datetime] = mapped_column()

    __table_args__ = (Index("saved_topic_match_listed_idx", topic_id, at.desc()),)
