"""Keeps the rows that the Postgres engine searches, in the transaction that publishes."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, insert, select, text, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from app.bulletins.events import BulletinPublished
from app.bulletins.models import Bulletin, Tag
from app.kit.changes import ChangeLog
from app.kit.db import Database
from app.kit.pinyin import initials, syllables
from app.search import documents
from app.search.contract import SectionDocument
from app.search.models import Indexed, IndexedSection, NextSection, SearchTerm
from app.search.text import is_chinese, tokenizer
from app.search.vectors import Vectors, vectors

_FORGET = text("""
WITH gone AS (DELETE FROM search_section WHERE slug = ANY(:slugs) RETURNING words),
     lost AS (SELECT lexeme FROM gone, unnest(tsvector_to_array(words)) AS lexeme)
UPDATE search_term SET df = df - n
FROM (SELECT lexeme, count(*) AS n FROM lost GROUP BY lexeme) AS fewer WHERE term = lexeme
""")
_COUNT = text("""
UPDATE search_term SET df = df + more.n
FROM unnest(CAST(:terms AS text[]), CAST(:counts AS integer[])) AS more (term, n)
WHERE search_term.term = more.term
RETURNING search_term.term
""")
_LEARN = text("""
INSERT INTO search_term (term, df, pinyin, initials)
SELECT * FROM unnest(CAST(:terms AS text[]), CAST(:counts AS integer[]),
                     CAST(:pinyin AS text[]), CAST(:initials AS text[]))
""")
_COUNTS = text("SELECT word, ndoc FROM ts_stat('SELECT words FROM search_section')")
_COLUMNS = ", ".join(column.name for column in IndexedSection.__table__.columns if column.name != "id")
_TAKE_OVER = text(
    f"INSERT INTO search_section ({_COLUMNS}) SELECT {_COLUMNS} "  # noqa: S608 - our own columns
    "FROM search_section_next ORDER BY date, number"
)


async def index(session: AsyncSession, events: Sequence[BulletinPublished]) -> None:
    """Put the events' sections in the place of their bulletins' former ones (a handler)."""
    tags = await _tags(session, {slug for event in events for slug in event.document.tag_slugs})
    kinds = {slug: tag.kind for slug, tag in tags.items()}
    slugs = [event.document.slug for event in events]
    published_at = await _published_at(session, slugs)
    sections = [
        section
        for event in events
        for section in documents.of(
            event.document, event.version, published_at.get(event.document.slug, event.at), kinds
        )
    ]
    await _replace(session, slugs, sections, tags)


async def rewrite(session: AsyncSession, slugs: Sequence[str]) -> None:
    """Make the bulletins' rows what the live tables say; those of what is not live are taken out."""
    sections = [section for slug in slugs for section in await documents.live(session, slug)]
    tags = await _tags(session, {tag for section in sections for tag in section.tags})
    await _replace(session, slugs, sections, tags)


async def remove(session: AsyncSession, slugs: Sequence[str]) -> None:
    """Take the bulletins' sections out."""
    await session.execute(_FORGET, {"slugs": slugs})


async def _published_at(session: AsyncSession, slugs: Sequence[str]) -> dict[str, datetime]:
    rows = await session.execute(select(Bulletin.slug, Bulletin.published_at).where(Bulletin.slug.in_(slugs)))
    return dict(rows.all())


async def reindex(
    database: Database, progress: Callable[[int, int], object] = lambda _done, _all: None
) -> int:
    """Build all rows anew beside the old ones, which are searched until all new ones are there.

    ``progress`` is told how many of how many bulletins are done; interrupted, the next call goes on
    from there. Publications wait for the last step only. Returns the number of sections.
    """
    async with database.session() as session:
        stale = await _stale(session)
    for done, slug in enumerate(stale):
        progress(done, len(stale))
        async with database.session() as session:
            await _prepare(session, slug)
    async with database.session() as session:
        await ChangeLog().begin(session)
        for slug in await _stale(session):
            await _prepare(session, slug)
        await session.execute(delete(NextSection).where(NextSection.slug.not_in(select(Bulletin.slug))))
        await session.execute(delete(IndexedSection))
        await session.execute(_TAKE_OVER)
        await session.execute(text("TRUNCATE search_section_next"))
        await session.execute(delete(SearchTerm))
        counts = (await session.execute(_COUNTS)).all()
        await _learn(session, dict(counts))
        total = await session.scalar(text("SELECT count(*) FROM search_section"))
    progress(len(stale), len(stale))
    return total or 0


async def _stale(session: AsyncSession) -> Sequence[str]:
    """The live bulletins that the new index lacks, or has in another version or cut in another way."""
    cut = func.bool_and(NextSection.tokenizer == tokenizer())
    known = select(NextSection.slug, NextSection.version).group_by(NextSection.slug, NextSection.version)
    known = known.having(cut)
    stale = select(Bulletin.slug).where(tuple_(Bulletin.slug, Bulletin.version).not_in(known))
    return (await session.scalars(stale.order_by(Bulletin.date))).all()


async def _prepare(session: AsyncSession, slug: str) -> None:
    sections = await documents.live(session, slug)
    tags = await _tags(session, {tag for section in sections for tag in section.tags})
    await session.execute(delete(NextSection).where(NextSection.slug == slug))
    await _insert(session, NextSection, sections, [vectors(s, _names(s, tags)) for s in sections])


async def _tags(session: AsyncSession, slugs: Iterable[str]) -> dict[str, Tag]:
    rows = await session.scalars(select(Tag).where(Tag.slug.in_(slugs)))
    return {tag.slug: tag for tag in rows}


def _names(section: SectionDocument, tags: Mapping[str, Tag]) -> list[str]:
    """What a section is found by although it need not say it: its tags' names in both languages."""
    return [name for slug in section.tags for name in (tags[slug].name, tags[slug].name_en)]


async def _replace(
    session: AsyncSession,
    slugs: Sequence[str],
    sections: Sequence[SectionDocument],
    tags: Mapping[str, Tag],
) -> None:
    await remove(session, slugs)
    cut = [vectors(section, _names(section, tags)) for section in sections]
    await _insert(session, IndexedSection, sections, cut)
    await _count(session, Counter(lexeme for each in cut for lexeme in each.lexemes))


async def _insert(
    session: AsyncSession,
    table: type[Indexed],
    sections: Sequence[SectionDocument],
    cut: Sequence[Vectors],
) -> None:
    rows: list[dict[str, Any]] = [
        {
            "slug": section.slug,
            "number": section.number,
            "version": section.version,
            "date": section.date,
            "published_at": section.published_at,
            "tags": list(section.tags),
            "kinds": list(section.kinds),
            "sources": list(section.sources),
            "text": each.text,
            "words": each.words,
            "starts": each.starts,
            "tokenizer": tokenizer(),
        }
        for section, each in zip(sections, cut, strict=True)
    ]
    if rows:
        await session.execute(insert(table), rows)


async def _count(session: AsyncSession, counts: Counter[str]) -> None:
    """Add to the numbers of sections that have these words."""
    parameters = {"terms": list(counts), "counts": list(counts.values())}
    known = set(await session.scalars(_COUNT, parameters))
    await _learn(session, {term: n for term, n in counts.items() if term not in known})


async def _learn(session: AsyncSession, counts: Mapping[str, int]) -> None:
    """Add words that are new, with the ways their Chinese can be typed in Latin letters."""
    sounds = [syllables(term) if is_chinese(term) else None for term in counts]
    firsts = [initials(term) if is_chinese(term) else None for term in counts]
    parameters = {
        "terms": list(counts),
        "counts": list(counts.values()),
        "pinyin": [sound and "".join(sound) for sound in sounds],
        "initials": [first and "".join(first) for first in firsts],
    }
    await session.execute(_LEARN, parameters)
