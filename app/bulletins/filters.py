"""The filters that lists share, as parameters and as conditions."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator
from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from app.bulletins import keys, successors
from app.bulletins.document import normalised
from app.bulletins.models import Source, Tag
from app.kit.pagination import PageQuery
from app.kit.parameters import Day, Plain, Query, Slug
from app.kit.problems import invalid_parameter

MANY = 50

Tags = Annotated[tuple[Slug, ...], Field(max_length=MANY)]


def in_order(to: date | None, info: ValidationInfo) -> date | None:
    """A validator of ``to``, declared after ``from_``: it is not earlier."""
    first = info.data.get("from_")
    if to and first and to < first:
        raise ValueError("it is earlier than from")
    return to


class ContentFilters(Query):
    """``tag`` twice means both; ``tag.any`` at least one of them; ``tag.not`` none of them."""

    tag: Annotated[Tags, Field(description="Has every one of these tags", examples=[["data-elements"]])] = ()
    tag_any: Annotated[
        Tags,
        Field(
            alias="tag.any", description="Has at least one of these tags", examples=[["energy", "compute"]]
        ),
    ] = ()
    tag_not: Annotated[
        Tags, Field(alias="tag.not", description="Has none of these tags", examples=[["softbank"]])
    ] = ()
    source: Annotated[
        tuple[Plain, ...],
        Field(
            max_length=MANY,
            description="Cites each of these sources (name or slug)",
            examples=[["guo-jia-shu-ju-ju"]],
        ),
    ] = ()
    from_: Annotated[
        Day | None, Field(alias="from", description="On this date or later", examples=["2026-06-01"])
    ] = None
    to: Annotated[Day | None, Field(description="On this date or earlier", examples=["2026-06-30"])] = None
    q: Annotated[Plain | None, Field(description="Contains each of these words", examples=["数据要素"])] = (
        None
    )

    _ordered = field_validator("to")(in_order)


class TagFilters(ContentFilters, PageQuery):
    """Filters of a list that comes in pages."""


Order = Literal["-date", "date"]


async def tag_rows(session: AsyncSession, filters: ContentFilters) -> dict[str, Tag]:
    """The tags by the slugs by which the filters name them; one that was merged means the other one.

    :raises Problem: a name is unknown.
    """
    wanted = {*filters.tag, *filters.tag_any, *filters.tag_not}
    if not wanted:
        return {}
    found = await _named(session, wanted)
    if gone := wanted - found.keys():
        merged = {slug: into for slug, into in (await successors.of_tags(session)).items() if slug in gone}
        standing = await _named(session, merged.values())
        found |= {slug: standing[into] for slug, into in merged.items()}
    for parameter, slugs in (
        ("tag", filters.tag),
        ("tag.any", filters.tag_any),
        ("tag.not", filters.tag_not),
    ):
        for slug in slugs:
            if slug not in found:
                raise invalid_parameter(parameter, f"there is no tag {slug!r}")
    return found


async def _named(session: AsyncSession, slugs: Collection[str]) -> dict[str, Tag]:
    return {row.slug: row for row in await session.scalars(select(Tag).where(Tag.slug.in_(slugs)))}


async def source_rows(session: AsyncSession, names: Sequence[str]) -> list[Source]:
    """The sources named by slug or by name, in the order of the names.

    :raises Problem: a name is unknown.
    """
    if not names:
        return []
    rows = await session.scalars(select(Source).where(Source.slug.in_(names) | Source.name.in_(names)))
    known: dict[str, Source] = {}
    for source in rows:
        known.setdefault(source.name, source)
        known[source.slug] = source
    for name in names:
        if name not in known:
            raise invalid_parameter("source", f"there is no source {name!r}")
    return [known[name] for name in names]


def listed_by(filters: TagFilters, tags: Mapping[str, Tag], sources: Sequence[Source]) -> list[str]:
    """Surrogate keys of a list by these filters: one is dropped whenever a row may enter or leave it."""
    if filters.tag:
        return [keys.tag(tags[filters.tag[0]].id)]
    if sources:
        return [keys.source(sources[0].id)]
    if filters.tag_any:
        return [keys.tag(tags[slug].id) for slug in filters.tag_any]
    return [keys.CONTENT]


def words(column: InstrumentedAttribute[str], q: str | None) -> list[ColumnElement[bool]]:
    """One condition for each blank-separated word of ``q``: the column contains it."""
    return [column.contains(word, autoescape=True) for word in normalised(q or "").split()]


def between(
    column: InstrumentedAttribute[date], first: date | None, last: date | None
) -> list[ColumnElement[bool]]:
    """The column's date is within both ends; None leaves an end open."""
    conditions = []
    if first is not None:
        conditions.append(column >= first)
    if last is not None:
        conditions.append(column <= last)
    return conditions
