"""The editors' tables: people, drafts, revisions, comments, the audit log. Nothing public reads them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    SmallInteger,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.db import Base, new_id


class Staff(Base):
    """A member of the editors' staff; ``name`` is what one logs in with."""

    __tablename__ = "staff"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(unique=True)
    display_name: Mapped[str]
    role: Mapped[str]
    password_hash: Mapped[str]
    disabled: Mapped[bool] = mapped_column(server_default="false")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class StaffToken(Base):
    """A login: the digest of its bearer token, and where it came from."""

    __tablename__ = "staff_token"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    staff_id: Mapped[UUID] = mapped_column(ForeignKey("staff.id", ondelete="CASCADE"), index=True)
    digest: Mapped[str] = mapped_column(unique=True)
    ip: Mapped[str]
    user_agent: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime]


class SourceFile(Base):
    """A file as the editors handed it in; the same bytes are kept once."""

    __tablename__ = "source_file"

    sha256: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    content: Mapped[bytes] = mapped_column(LargeBinary)


class Draft(Base):
    """A bulletin in the making; ``slug`` is None while its date is unknown.

    ``published_revision`` is the number of the revision that is public, ``version`` its public version.
    ``state`` is a :class:`app.editorial.workflow.State`; ``moves`` counts its changes. ``publish_at`` and
    ``publish_note`` say when a scheduled draft goes out, and the note of the correction that it is.
    """

    __tablename__ = "draft"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    slug: Mapped[str | None] = mapped_column(unique=True)
    title: Mapped[str] = mapped_column(server_default="")
    author: Mapped[str] = mapped_column(server_default="", doc="Who wrote the latest revision")
    latest_revision: Mapped[int]
    published_revision: Mapped[int | None]
    version: Mapped[int] = mapped_column(server_default="0")
    state: Mapped[str] = mapped_column(server_default="draft")
    moves: Mapped[int] = mapped_column(server_default="0")
    publish_at: Mapped[datetime | None]
    publish_note: Mapped[str] = mapped_column(server_default="")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (Index("draft_due_idx", "publish_at", postgresql_where=text("state = 'scheduled'")),)


class Revision(Base):
    """An immutable state of a draft: the whole document, and the report of the checks when it was made.

    ``source_file`` names the file it was imported from, None for one that was written at the desk.
    """

    __tablename__ = "revision"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    draft_id: Mapped[UUID] = mapped_column(ForeignKey("draft.id"))
    number: Mapped[int]
    document: Mapped[dict[str, Any]]
    report: Mapped[dict[str, Any]]
    source_file: Mapped[str | None] = mapped_column(ForeignKey("source_file.sha256"), index=True)
    author: Mapped[str]
    note: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (UniqueConstraint("draft_id", "number"),)


class Comment(Base):
    """A remark on a draft or on one of its sections, made while ``revision`` was the latest."""

    __tablename__ = "comment"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    draft_id: Mapped[UUID] = mapped_column(ForeignKey("draft.id"), index=True)
    revision: Mapped[int]
    section: Mapped[int | None]
    text: Mapped[str]
    author: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    resolved_at: Mapped[datetime | None]
    resolved_by: Mapped[str | None]


class AuditEntry(Base):
    """Who did what to which object, when and from where. The database refuses to change an entry."""

    __tablename__ = "audit_entry"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    actor: Mapped[str]
    action: Mapped[str]
    object: Mapped[str]
    before: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    after: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    ip: Mapped[str]
    request_id: Mapped[str]

    __table_args__ = (
        Index("audit_entry_actor_idx", "actor", id.desc()),
        Index("audit_entry_object_idx", "object", id.desc()),
    )


class Retagging(Base):
    """A job that gives other tags to the archive by a rule, a ``NewRetagging`` of the API.

    ``position`` is the slug of the last bulletin that it has done, ``message`` says why it failed.
    """

    __tablename__ = "retagging"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    rule: Mapped[dict[str, Any]]
    dry_run: Mapped[bool]
    author: Mapped[str]
    state: Mapped[str] = mapped_column(server_default="queued")
    total: Mapped[int]
    done: Mapped[int] = mapped_column(server_default="0")
    changed: Mapped[int] = mapped_column(server_default="0")
    skipped: Mapped[int] = mapped_column(server_default="0")
    position: Mapped[str] = mapped_column(server_default="")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    finished_at: Mapped[datetime | None]
    code: Mapped[str | None]
    message: Mapped[str | None]


class Retagged(Base):
    """What a job has made of a bulletin, or would: changed, in these sections, or skipped."""

    __tablename__ = "retagged"

    retagging_id: Mapped[UUID] = mapped_column(
        ForeignKey("retagging.id", ondelete="CASCADE"), primary_key=True
    )
    slug: Mapped[str] = mapped_column(primary_key=True)
    outcome: Mapped[str]
    sections: Mapped[list[int]] = mapped_column(ARRAY(SmallInteger))
    version: Mapped[int | None]
    code: Mapped[str | None]
    message: Mapped[str | None]
