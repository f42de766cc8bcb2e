"""The live tables: what is published now, and nothing else."""

import datetime as dt
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, LargeBinary, SmallInteger, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.dialects.postgresql import UUID as PG_UUID
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.kit.db import Base, new_id


class BulletinTag(Base):
    """A bulletin's tag. The date stands here too, so that a tag's list is one range of an index."""

    __tablename__ = "bulletin_tag"

    tag_id: Mapped[UUID] = mapped_column(ForeignKey("tag.id"), primary_key=True)
    bulletin_id: Mapped[UUID] = mapped_column(ForeignKey("bulletin.id", ondelete="CASCADE"), primary_key=True)
    date: Mapped[dt.date] = mapped_column()
    position: Mapped[int] = mapped_column(SmallInteger)

    __table_args__ = (
        Index("bulletin_tag_listed_idx", tag_id, date.desc()),
        Index(None, bulletin_id),
    )


class SectionTag(Base):
    """A section's tag; date and number stand here for the same reason."""

    __tablename__ = "section_tag"

    tag_id: Mapped[UUID] = mapped_column(ForeignKey("tag.id"), primary_key=True)
    section_id: Mapped[UUID] = mapped_column(ForeignKey("section.id", ondelete="CASCADE"), primary_key=True)
    date: Mapped[dt.date] = mapped_column()
    number: Mapped[int] = mapped_column(SmallInteger)
    position: Mapped[int] = mapped_column(SmallInteger)

    __table_args__ = (
        Index("section_tag_listed_idx", tag_id, date.desc(), number),
        Index("section_tag_dated_idx", date, tag_id),
        Index(None, section_id),
    )


class BulletinSource(Base):
    """A source that a bulletin cites."""

    __tablename__ = "bulletin_source"

    source_id: Mapped[UUID] = mapped_column(ForeignKey("source.id"), primary_key=True)
    bulletin_id: Mapped[UUID] = mapped_column(ForeignKey("bulletin.id", ondelete="CASCADE"), primary_key=True)
    date: Mapped[dt.date] = mapped_column()

    __table_args__ = (
        Index("bulletin_source_listed_idx", source_id, date.desc()),
        Index("bulletin_source_dated_idx", date, source_id),
        Index(None, bulletin_id),
    )


class Tag(Base):
    """A tag. The counts are of published bulletins and sections, kept by publishing."""

    __tablename__ = "tag"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    slug: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    name: Mapped[str]
    name_en: Mapped[str]
    aliases: Mapped[list[str]]
    lookalikes: Mapped[list[str]]
    parent_id: Mapped[UUID | None] = mapped_column(ForeignKey("tag.id"), index=True)
    edited: Mapped[bool] = mapped_column(
        server_default="false", doc="Editors have made or changed it: the curated file does so no more"
    )
    bulletin_count: Mapped[int] = mapped_column(server_default="0")
    section_count: Mapped[int] = mapped_column(server_default="0")

    parent: Mapped["Tag | None"] = relationship(remote_side=[id], back_populates="children", lazy="raise")
    children: Mapped[list["Tag"]] = relationship(back_populates="parent", order_by="Tag.slug", lazy="raise")


class MergedTag(Base):
    """A tag that was merged into another one, whose slug was ``into`` then; with its last names."""

    __tablename__ = "merged_tag"

    slug: Mapped[str] = mapped_column(primary_key=True)
    into: Mapped[str]
    kind: Mapped[str]
    name: Mapped[str]
    name_en: Mapped[str]
    at: Mapped[dt.datetime] = mapped_column()


class Source(Base):
    """Who published references. ``reference_count`` counts those that a published bulletin cites."""

    __tablename__ = "source"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    slug: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str] = mapped_column(unique=True)
    reference_count: Mapped[int] = mapped_column(server_default="0")


class Reference(Base):
    """A source item shared by the bulletins that cite it; ``fingerprint`` says when two are the same.

    One that was ``merged_into`` another is cited no more: its fingerprint leads to the other.
    """

    __tablename__ = "reference"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    fingerprint: Mapped[str] = mapped_column(unique=True)
    source_id: Mapped[UUID] = mapped_column(ForeignKey("source.id"), index=True)
    title: Mapped[str]
    date: Mapped[dt.date | None]
    url: Mapped[str | None]
    text: Mapped[str]
    citation_count: Mapped[int] = mapped_column(server_default="0")
    listed_on: Mapped[dt.date] = mapped_column(doc="The date, or 0001-01-01 without one: the key of lists")
    merged_into: Mapped[UUID | None] = mapped_column(ForeignKey("reference.id"), index=True)
    merged_at: Mapped[dt.datetime | None]

    source: Mapped[Source] = relationship(lazy="raise")

    __table_args__ = (
        Index("reference_listed_idx", listed_on.desc(), id.desc(), postgresql_where=citation_count > 0),
        Index(
            "reference_by_source_idx",
            source_id,
            listed_on.desc(),
            id.desc(),
            postgresql_where=citation_count > 0,
        ),
    )


class Bulletin(Base):
    """A published bulletin; ``text`` is its words as they are compared.

    ``content_hash`` is that of its version as it became public; tags that are merged later change what it
    says now, and the hash in its answers.
    """

    __tablename__ = "bulletin"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    slug: Mapped[str] = mapped_column(unique=True)
    date: Mapped[dt.date] = mapped_column(unique=True)
    series: Mapped[str]
    title: Mapped[str]
    language: Mapped[str]
    organisation: Mapped[str]
    producers: Mapped[list[str]]
    abstract: Mapped[str]
    contacts: Mapped[list[dict[str, Any]]]
    text: Mapped[str]
    version: Mapped[int]
    content_hash: Mapped[str]
    published_at: Mapped[dt.datetime]
    updated_at: Mapped[dt.datetime]

    sections: Mapped[list["Section"]] = relationship(
        order_by="Section.number", back_populates="bulletin", lazy="raise"
    )
    citations: Mapped[list["Citation"]] = relationship(
        order_by="Citation.number", back_populates="bulletin", lazy="raise"
    )
    tags: Mapped[list[Tag]] = relationship(
        secondary="bulletin_tag", order_by=BulletinTag.position, viewonly=True, lazy="raise"
    )


class Section(Base):
    """A section of a published bulletin; ``citations`` holds the numbers of those it uses."""

    __tablename__ = "section"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    bulletin_id: Mapped[UUID] = mapped_column(ForeignKey("bulletin.id", ondelete="CASCADE"))
    number: Mapped[int] = mapped_column(SmallInteger)
    date: Mapped[dt.date] = mapped_column()
    numeral: Mapped[str]
    heading: Mapped[str]
    page: Mapped[int | None]
    body: Mapped[list[dict[str, Any]]]
    citations: Mapped[list[int]] = mapped_column(ARRAY(SmallInteger))
    text: Mapped[str]

    bulletin: Mapped[Bulletin] = relationship(back_populates="sections", lazy="raise")
    tags: Mapped[list[Tag]] = relationship(
        secondary="section_tag", order_by=SectionTag.position, viewonly=True, lazy="raise"
    )

    __table_args__ = (
        UniqueConstraint(bulletin_id, number),
        Index("section_listed_idx", date.desc(), number),
    )


class Citation(Base):
    """A bulletin's use of a reference, with the numbers of the sections that use it.

    ``item`` is the reference in this bulletin's own words: what others write of it later, such as a
    URL, changes neither the bulletin nor its content hash.
    """

    __tablename__ = "citation"

    bulletin_id: Mapped[UUID] = mapped_column(ForeignKey("bulletin.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    reference_id: Mapped[UUID] = mapped_column(ForeignKey("reference.id"), index=True)
    purpose: Mapped[str]
    sections: Mapped[list[int]] = mapped_column(ARRAY(SmallInteger))
    inferred: Mapped[bool]
    item: Mapped[dict[str, Any]]

    bulletin: Mapped[Bulletin] = relationship(back_populates="citations", lazy="raise")


class Finished(Base):
    """What the API answers for a bulletin or one of its sections: bytes made by publishing.

    ``kind`` is ``bulletin``, ``item`` (as lists show it) or ``section`` with its ``number``; ``form`` is
    the code that made it (:data:`app.bulletins.finished.FORM`). ``gzip`` and ``zstd`` are the body in
    these codings, None where it is not worth it. Without a row the same is made when it is asked for.
    """

    __tablename__ = "finished"

    slug: Mapped[str] = mapped_column(ForeignKey("bulletin.slug", ondelete="CASCADE"), primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(SmallInteger, primary_key=True, server_default="0")
    form: Mapped[int]
    version: Mapped[int]
    etag: Mapped[str]
    body: Mapped[bytes] = mapped_column(LargeBinary)
    gzip: Mapped[bytes | None] = mapped_column(LargeBinary)
    zstd: Mapped[bytes | None] = mapped_column(LargeBinary)


class PublishedVersion(Base):
    """A bulletin as one of its versions made it public, or its withdrawal, which counts as a version too.

    It stood from ``at`` until ``until``, None while it stands. ``document`` is None for a withdrawal, and
    for all versions before one: what was withdrawn is kept nowhere that readers can reach. ``tags`` are
    their names as they were, ``references`` those of the citations in order, ``text`` the words as they
    are compared.
    """

    __tablename__ = "published_version"

    slug: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    note: Mapped[str]
    at: Mapped[dt.datetime] = mapped_column()
    until: Mapped[dt.datetime | None]
    date: Mapped[dt.date] = mapped_column()
    published_at: Mapped[dt.datetime]
    content_hash: Mapped[str | None]
    document: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    tags: Mapped[list[dict[str, Any]]]
    references: Mapped[list[UUID]] = mapped_column(ARRAY(PG_UUID(as_uuid=True)))
    sources: Mapped[list[UUID]] = mapped_column(ARRAY(PG_UUID(as_uuid=True)))
    text: Mapped[str]

    __table_args__ = (
        Index("published_version_listed_idx", date.desc(), at, postgresql_where=document.is_not(None)),
    )


class PublishedImage(Base):
    """A stored picture that a readable version of the bulletin shows."""

    __tablename__ = "published_image"

    sha256: Mapped[str] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(primary_key=True, index=True)
