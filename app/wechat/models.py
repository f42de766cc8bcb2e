"""What we keep of the official accounts: tokens, articles and their steps, uploads, answers, counts."""

import datetime as dt
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.db import Base, new_id


class WechatToken(Base):
    """A token of an account, shared by all processes; ``kind`` is ``access`` or ``jsapi``."""

    __tablename__ = "wechat_token"

    account: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str]
    expires_at: Mapped[dt.datetime]
    forced_at: Mapped[dt.datetime | None] = mapped_column(
        doc="When a new one was last forced, which WeChat allows 20 times a day"
    )


class WechatArticle(Base):
    """A bulletin in an account: what is wanted, what WeChat holds, and what keeps them apart.

    ``version``, ``withdrawn``, ``goal`` and ``confirmed`` are wanted; ``state`` and the following say
    what is at WeChat (:class:`app.wechat.workflow.State`). ``calling`` names a call that was begun and
    whose end is not known: it is never begun again before that has been found out.
    """

    __tablename__ = "wechat_article"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    account: Mapped[str]
    slug: Mapped[str]
    version: Mapped[int]
    withdrawn: Mapped[bool] = mapped_column(server_default=text("false"))
    goal: Mapped[str]
    confirmed: Mapped[bool] = mapped_column(server_default=text("false"))

    state: Mapped[str]
    held_version: Mapped[int] = mapped_column(server_default="0")
    held: Mapped[dict[str, Any] | None] = mapped_column(
        doc="What the article is known by: title, digest, source"
    )
    document: Mapped[dict[str, Any] | None] = mapped_column(doc="The bulletin it was made of")
    media_id: Mapped[str | None]
    publish_id: Mapped[str | None]
    msg_id: Mapped[str | None] = mapped_column(doc="Of the message to all; of a publication its msg_data_id")
    sent_as: Mapped[str | None] = mapped_column(doc="How it became public, as ``goal`` names it")
    article_id: Mapped[str | None]
    article_url: Mapped[str | None]
    place: Mapped[int] = mapped_column(server_default="1", doc="Its place in the published message, from 1")
    sent_at: Mapped[dt.datetime | None] = mapped_column(doc="When a message to all was last begun")

    calling: Mapped[str | None]
    called_at: Mapped[dt.datetime | None]
    trouble_code: Mapped[str | None]
    trouble: Mapped[str | None]
    needs_human: Mapped[bool] = mapped_column(server_default=text("false"))
    tries: Mapped[int] = mapped_column(server_default="0")
    due_at: Mapped[dt.datetime | None] = mapped_column(doc="When to go on; None when there is nothing to do")
    created_at: Mapped[dt.datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[dt.datetime] = mapped_column(server_default=func.now(), onupdate=func.now())

    __table_args__ = (
        UniqueConstraint("account", "slug"),
        Index("wechat_article_due_idx", "account", "due_at"),
    )


class WechatStep(Base):
    """Something that was done for an article, with its receipt; ``outcome``: done, refused, unknown."""

    __tablename__ = "wechat_step"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    article_id: Mapped[UUID] = mapped_column(ForeignKey("wechat_article.id", ondelete="CASCADE"), index=True)
    at: Mapped[dt.datetime] = mapped_column(server_default=func.clock_timestamp())
    step: Mapped[str]
    outcome: Mapped[str]
    receipt: Mapped[dict[str, Any]]


class WechatUpload(Base):
    """A picture that an account has; ``use`` is ``text`` (``address`` is a URL) or ``cover`` (a media_id)."""

    __tablename__ = "wechat_upload"

    account: Mapped[str] = mapped_column(primary_key=True)
    use: Mapped[str] = mapped_column(primary_key=True)
    sha256: Mapped[str] = mapped_column(primary_key=True)
    address: Mapped[str]
    at: Mapped[dt.datetime] = mapped_column(server_default=func.now())


class WechatMessage(Base):
    """A message or event that was received, and its answer, kept for a day.

    ``reader`` is a keyed hash; ``seal`` is that of the request's signature, which only one message may
    bear. ``answer`` is None while it is being made; ``more`` is what 更多 answers afterwards.
    """

    __tablename__ = "wechat_message"

    account: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    seal: Mapped[str]
    reader: Mapped[str]
    at: Mapped[dt.datetime] = mapped_column(server_default=func.clock_timestamp())
    answer: Mapped[dict[str, Any] | None]
    more: Mapped[str | None]

    __table_args__ = (
        UniqueConstraint("account", "seal"),
        Index("wechat_message_reader_idx", "account", "reader", "at"),
        Index("wechat_message_at_idx", "at"),
    )


class WechatQuestion(Base):
    """How often readers asked something on a day, and whether something was found; nobody is named."""

    __tablename__ = "wechat_question"

    account: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[dt.date] = mapped_column(primary_key=True)
    text: Mapped[str] = mapped_column(primary_key=True)
    times: Mapped[int]
    found: Mapped[bool]
