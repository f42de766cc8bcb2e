"""What suggestions are found by, one row beside each tag, source and section that can be suggested."""

import datetime as dt
from uuid import UUID

from sqlalchemy import ForeignKey, Index
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.db import Base


class TagSuggestion(Base):
    """``keys`` holds everything that may be typed for the tag (``app.search.suggest``)."""

    __tablename__ = "tag_suggestion"

    tag_id: Mapped[UUID] = mapped_column(ForeignKey("tag.id", ondelete="CASCADE"), primary_key=True)
    keys: Mapped[str] = mapped_column(TSVECTOR)


class SourceSuggestion(Base):
    __tablename__ = "source_suggestion"

    source_id: Mapped[UUID] = mapped_column(ForeignKey("source.id", ondelete="CASCADE"), primary_key=True)
    keys: Mapped[str] = mapped_column(TSVECTOR)


class SectionSuggestion(Base):
    """A section's heading. The row goes when the section does; the date says which are the newest."""

    __tablename__ = "section_suggestion"

    section_id: Mapped[UUID] = mapped_column(ForeignKey("section.id", ondelete="CASCADE"), primary_key=True)
    date: Mapped[dt.date] = mapped_column()
    heading: Mapped[str]
    keys: Mapped[str] = mapped_column(TSVECTOR)

    __table_args__ = (
        Index("section_suggestion_date_idx", date.desc()),
        # Without a list of pending entries, which each search would have to read through.
        Index(
            "section_suggestion_keys_idx", keys, postgresql_using="gin", postgresql_with={"fastupdate": "off"}
        ),
    )
