"""The editors' tables: drafts and their revisions. Nothing public reads them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, LargeBinary, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.db import Base, new_id


class SourceFile(Base):
    """A file as the editors handed it in; the same bytes are kept once."""

    __tablename__ = "source_file"

    sha256: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    content: Mapped[bytes] = mapped_column(LargeBinary)


class Draft(Base):
    """A bulletin in the making; ``slug`` is None while its date is unknown.

    ``published_revision`` is the number of the revision that is public, ``version`` its public version.
    """

    __tablename__ = "draft"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    slug: Mapped[str | None] = mapped_column(unique=True)
    latest_revision: Mapped[int]
    published_revision: Mapped[int | None]
    version: Mapped[int] = mapped_column(server_default="0")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Revision(Base):
    """An immutable state of a draft: the whole document, and the report of the import that made it."""

    __tablename__ = "revision"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    draft_id: Mapped[UUID] = mapped_column(ForeignKey("draft.id"))
    number: Mapped[int]
    document: Mapped[dict[str, Any]]
    report: Mapped[dict[str, Any]]
    source_file: Mapped[str] = mapped_column(ForeignKey("source_file.sha256"), index=True)
    author: Mapped[str]
    note: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (UniqueConstraint("draft_id", "number"),)
