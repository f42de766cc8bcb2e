"""What the Postgres engine searches: sections cut into words, and the words themselves."""

import datetime as dt
from typing import Any

from sqlalchemy import BigInteger, Identity, Index, SmallInteger, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY, TSVECTOR
from sqlalchemy.orm import Mapped, declared_attr, mapped_column
from sqlalchemy.schema import SchemaItem

from app.kit.db import Base

# Publishing is quicker with a list of pending entries; searches read through it, so it stays short.
_GIN: dict[str, Any] = {
    "postgresql_using": "gin",
    "postgresql_with": {"gin_pending_list_limit": "512"},
}


class Indexed:
    """A section as it is searched. ``tokenizer`` names the way its text was cut.

    ``text`` is folded heading, tags and body (``app.search.text.tight``); ``words`` has positions in
    characters, ``starts`` the first three characters at each word's beginning, for words half typed or
    in no list.
    """

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    slug: Mapped[str]
    number: Mapped[int] = mapped_column(SmallInteger)
    version: Mapped[int]
    date: Mapped[dt.date]
    published_at: Mapped[dt.datetime]
    tags: Mapped[list[str]] = mapped_column(ARRAY(Text))
    kinds: Mapped[list[str]] = mapped_column(ARRAY(Text))
    sources: Mapped[list[str]] = mapped_column(ARRAY(Text))
    text: Mapped[str]
    words: Mapped[str] = mapped_column(TSVECTOR)
    starts: Mapped[str] = mapped_column(TSVECTOR)
    tokenizer: Mapped[str]


class IndexedSection(Indexed, Base):
    """The sections that are found."""

    __tablename__ = "search_section"

    @declared_attr.directive
    @classmethod
    def __table_args__(cls) -> tuple[SchemaItem, ...]:
        return (
            UniqueConstraint(cls.slug, cls.number),
            Index("search_section_listed_idx", cls.date.desc(), cls.number),
            *(Index(None, column, **_GIN) for column in (cls.words, cls.starts, cls.tags)),
        )


class NextSection(Indexed, Base):
    """The sections of an index that is being built anew; it takes the other's place when it is whole."""

    __tablename__ = "search_section_next"
    __table_args__ = (UniqueConstraint("slug", "number"),)


class SearchTerm(Base):
    """A word of the archive: ``df`` sections have it. Pinyin and initials are those of Chinese words.

    The columns are collated by code point (the migration says so), for ranges of what begins alike.
    """

    __tablename__ = "search_term"

    term: Mapped[str] = mapped_column(Text, primary_key=True)
    df: Mapped[int]
    pinyin: Mapped[str | None] = mapped_column(Text, index=True)
    initials: Mapped[str | None] = mapped_column(Text, index=True)

    __table_args__ = (
        Index("search_term_latin_idx", text("char_length(term)"), postgresql_where=pinyin.is_(None)),
    )
