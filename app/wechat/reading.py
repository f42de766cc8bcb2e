"""The live tables, as far as readers of the official account ask for them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.bulletins.document import normalised
from app.bulletins.models import Bulletin, Section, SectionTag, Tag

YEARS = 20
"""A day without a year is looked for in so many years."""

_CALLED = text("""
SELECT slug FROM tag WHERE :name IN (
    SELECT lower(normalize(called, NFKC))
    FROM unnest(ARRAY[slug, name, name_en] || ARRAY(SELECT jsonb_array_elements_text(aliases))) AS called
) ORDER BY slug LIMIT 1
""")


@dataclass(frozen=True, slots=True)
class Issue:
    """A bulletin with its headings."""

    slug: str
    title: str
    date: date
    headings: Sequence[str]


@dataclass(frozen=True, slots=True)
class Entry:
    """A section in a list."""

    slug: str
    date: date
    number: int
    heading: str


async def latest(session: AsyncSession) -> Issue | None:
    query = select(Bulletin.slug).order_by(Bulletin.date.desc()).limit(1)
    return await _issue(session, await session.scalar(query))


async def on(session: AsyncSession, days: Sequence[date]) -> Issue | None:
    """The newest issue of these days."""
    query = select(Bulletin.slug).where(Bulletin.date.in_(days)).order_by(Bulletin.date.desc()).limit(1)
    return await _issue(session, await session.scalar(query))


async def _issue(session: AsyncSession, slug: str | None) -> Issue | None:
    if slug is None:
        return None
    query = (
        select(Bulletin.title, Bulletin.date, Section.heading)
        .outerjoin(Section, Section.bulletin_id == Bulletin.id)
        .where(Bulletin.slug == slug)
        .order_by(Section.number)
    )
    rows = (await session.execute(query)).all()
    title, day, _ = rows[0]
    return Issue(slug, title, day, [heading for _, _, heading in rows if heading])


async def tag_called(session: AsyncSession, name: str) -> Tag | None:
    """The tag of which this is a name or an alias."""
    slug = await session.scalar(_CALLED, {"name": normalised(name)})
    return await session.scalar(select(Tag).where(Tag.slug == slug)) if slug else None


async def newest(session: AsyncSession, tag: Tag, limit: int) -> list[Entry]:
    """The latest sections with the tag."""
    query = (
        select(Bulletin.slug, SectionTag.date, SectionTag.number, Section.heading)
        .join(Section, Section.id == SectionTag.section_id)
        .join(Bulletin, Bulletin.id == Section.bulletin_id)
        .where(SectionTag.tag_id == tag.id)
        .order_by(SectionTag.date.desc(), SectionTag.number)
        .limit(limit)
    )
    return [Entry(*row) for row in await session.execute(query)]


async def popular(session: AsyncSession, limit: int) -> Sequence[str]:
    """The names of the topics with the most sections."""
    query = select(Tag.name).where(Tag.kind == "topic", Tag.section_count > 0)
    return (await session.scalars(query.order_by(Tag.section_count.desc(), Tag.slug).limit(limit))).all()
