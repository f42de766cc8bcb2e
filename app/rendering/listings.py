"""What sitemaps, topic lists and feeds' titles need of the live tables."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Select, extract, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.bulletins.models import Bulletin, Tag
from app.bulletins.taxonomy import TagKind
from app.rendering.directories import PageName, Topic
from app.rendering.edition import TagName

_NEWS = timedelta(days=2)
_MOST_NEWS = 1_000
_ZONE = ZoneInfo("Asia/Shanghai")

_PAGES = select(
    Bulletin.slug,
    Bulletin.series,
    Bulletin.title,
    Bulletin.language,
    Bulletin.published_at,
    Bulletin.updated_at,
).order_by(Bulletin.date.desc())


async def years(session: AsyncSession) -> list[tuple[str, datetime]]:
    """The years that have bulletins, the latest first, with the last change in each."""
    year = extract("year", Bulletin.date)
    rows = await session.execute(
        select(year, func.max(Bulletin.updated_at)).group_by(year).order_by(year.desc())
    )
    return [(f"{int(number):04d}", modified) for number, modified in rows]


async def of_year(session: AsyncSession, year: int) -> list[PageName]:
    """The bulletins of a year, the latest first."""
    query = _PAGES.where(Bulletin.date.between(date(year, 1, 1), date(year, 12, 31)))
    return await _pages(session, query)


async def news(session: AsyncSession) -> list[PageName]:
    """What is news by Google's rules: at most 1,000 bulletins, of and published in the last two days."""
    since = datetime.now(UTC) - _NEWS
    query = _PAGES.where(
        Bulletin.date >= since.astimezone(_ZONE).date(), Bulletin.published_at >= since
    ).limit(_MOST_NEWS)
    return await _pages(session, query)


async def _pages(
    session: AsyncSession, query: Select[str, str, str, str, datetime, datetime]
) -> list[PageName]:
    return [PageName(*row) for row in await session.execute(query)]


async def topics(session: AsyncSession) -> list[Topic]:
    """The tags without a broader one, each with those below it, by slug."""
    rows = (await session.scalars(select(Tag).order_by(Tag.slug))).all()
    below: dict[UUID | None, list[Tag]] = {}
    for row in rows:
        below.setdefault(row.parent_id, []).append(row)

    def children(parent: UUID | None) -> Sequence[Topic]:
        return [Topic(_name(row), children(row.id)) for row in below.get(parent, [])]

    return list(children(None))


def _name(row: Tag) -> TagName:
    return TagName(slug=row.slug, name=row.name, name_en=row.name_en, kind=TagKind(row.kind))
