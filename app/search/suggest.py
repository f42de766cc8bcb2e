"""Suggestions as one types: tags, sources and headings, found by the keys that publishing writes.

A name may be typed from the beginning of any of its words: in characters (数据要素), in pinyin
(shujuyaosu), by initials (sjys). Its keys are all these tails, kept as the lexemes of a tsvector, so
that what was typed is the prefix of one. A tail that is the whole name stands there once more, after
``^``: names that begin with what was typed can be asked for alone.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import islice
from typing import Any

from sqlalchemy import (
    Boolean,
    Integer,
    Select,
    SmallInteger,
    bindparam,
    cast,
    delete,
    literal,
    null,
    select,
    union_all,
)
from sqlalchemy.dialects.postgresql import TSQUERY, distinct_on, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from app.bulletins.events import BulletinPublished, TagMerged, TagsCurated
from app.bulletins.models import Bulletin, BulletinSource, Section, Source, Tag
from app.kit.pinyin import by_character
from app.search.schemas import Suggestion
from app.search.suggest_models import SectionSuggestion, SourceSuggestion, TagSuggestion
from app.search.text import fold, words

LENGTH = 16
"""So many characters of a key are kept, and of what was typed."""

NEWEST = 1_000
"""So many headings, the newest, are read through before older ones are asked of the index.

What is common is found among them; what is not has few matches in the index. Neither way sorts many.
"""

OLDER = 2_000
"""At most so many older headings are read, whichever the index gives first."""

_BATCH = 1_000

_Row = tuple[str, str, str, int | None, bool | None]

Keyed = type[TagSuggestion] | type[SourceSuggestion] | type[SectionSuggestion]


async def index(session: AsyncSession, events: Sequence[BulletinPublished]) -> None:
    """Write the keys of what the events' bulletins, already live, bring along (a handler)."""
    slugs = {slug for event in events for slug in event.document.tag_slugs}
    tags = await session.scalars(select(Tag).where(Tag.slug.in_(slugs)))
    await _write_tags(session, tags.all())
    of_bulletins = Bulletin.slug.in_([event.subject for event in events])
    cited = select(BulletinSource.source_id).join(Bulletin, Bulletin.id == BulletinSource.bulletin_id)
    sources = await session.scalars(select(Source).where(Source.id.in_(cited.where(of_bulletins))))
    await _write_sources(session, sources.all())
    headings = select(Section.id, Section.date, Section.heading).join(Section.bulletin).where(of_bulletins)
    await _write_headings(session, (await session.execute(headings)).all())


async def retag(session: AsyncSession, events: Sequence[TagsCurated | TagMerged]) -> None:
    """Write the keys of the events' tags anew; a tag that is gone has taken its own along (a handler)."""
    slugs = {slug for event in events for slug in event.slugs}
    slugs |= {event.into for event in events if isinstance(event, TagMerged)}
    tags = await session.scalars(select(Tag).where(Tag.slug.in_(slugs)))
    await _write_tags(session, tags.all())


async def rebuild(session: AsyncSession) -> None:
    """Write all keys anew: for rows older than this table, or when names or the rules have changed."""
    for model in (TagSuggestion, SourceSuggestion, SectionSuggestion):
        await session.execute(delete(model))
    await _write_tags(session, (await session.scalars(select(Tag))).all())
    await _write_sources(session, (await session.scalars(select(Source))).all())
    headings = (await session.execute(select(Section.id, Section.date, Section.heading))).all()
    for start in range(0, len(headings), _BATCH):
        await _write_headings(session, headings[start : start + _BATCH])


async def _write_tags(session: AsyncSession, tags: Sequence[Tag]) -> None:
    rows = [{"tag_id": tag.id, "keys": keys(tag.name, tag.name_en, *tag.aliases)} for tag in tags]
    await _write(session, TagSuggestion, rows)


async def _write_sources(session: AsyncSession, sources: Sequence[Source]) -> None:
    rows = [{"source_id": source.id, "keys": keys(source.name)} for source in sources]
    await _write(session, SourceSuggestion, rows)


async def _write_headings(session: AsyncSession, sections: Sequence[Any]) -> None:
    rows = [
        {"section_id": section_id, "date": day, "heading": heading, "keys": keys(heading)}
        for section_id, day, heading in sections
    ]
    await _write(session, SectionSuggestion, rows)


async def _write(session: AsyncSession, model: Keyed, rows: list[dict[str, Any]]) -> None:
    """Insert the rows; those that are there get the new keys, if they are other ones."""
    if not rows:
        return
    statement = insert(model)
    keys = statement.excluded["keys"]
    renewed = statement.on_conflict_do_update(
        index_elements=list(model.__table__.primary_key),
        set_={"keys": keys},
        where=model.keys.is_distinct_from(keys),
    )
    await session.execute(renewed, rows)


@lru_cache(maxsize=2_000)
def keys(*names: str) -> str:
    """The keys of something with these names, as a tsvector's literal."""
    lexemes = {lexeme for name in names for lexeme in _keys(fold(name))}
    return " ".join(f"'{lexeme}'" for lexeme in sorted(lexemes))


def _keys(name: str) -> Iterator[str]:
    syllables = by_character(name)
    starts = sorted({start for _, start in words(name) if name[start].isalnum()})
    for start in starts:
        spoken = list(islice(filter(str.isalnum, syllables[start:]), LENGTH))
        for tail in (name[start:], "".join(spoken), "".join(syllable[0] for syllable in spoken)):
            key = _key(tail)
            yield key
            if start == starts[0]:
                yield f"^{key}"


def _key(text: str) -> str:
    """Its first letters, characters and digits: blanks and signs are typed by some only."""
    return "".join(islice(filter(str.isalnum, text), LENGTH))


def _typed(text: str) -> list[str]:
    """The keys that may have been meant; half in characters, half in pinyin is also read as pinyin."""
    typed = fold(text)
    meant = [_key(typed)]
    if any(character.isascii() and character.isalpha() for character in typed):
        spoken = "".join(filter(str.isalnum, by_character(typed)))
        meant += [spoken] if len(spoken) <= LENGTH else []
    return [key for key in dict.fromkeys(meant) if key]


_BEGINS = cast(bindparam("begins"), TSQUERY)
_INSIDE = cast(bindparam("inside"), TSQUERY)
_LIMIT = bindparam("limit", type_=Integer)
_POOL = bindparam("pool", type_=Integer)


def _names(
    kind: str, name: type[Tag] | type[Source], keyed: Keyed, used: InstrumentedAttribute[int]
) -> Select[*_Row]:
    of_heading = (cast(null(), SmallInteger).label("section"), cast(null(), Boolean).label("begins"))
    matching = select(literal(kind).label("kind"), name.name.label("text"), name.slug, *of_heading).join(
        keyed
    )
    matching = matching.where(used > 0, keyed.keys.op("@@")(_INSIDE))
    return matching.order_by(keyed.keys.op("@@")(_BEGINS).desc(), used.desc(), name.slug).limit(_LIMIT)


def _headings(pool: Select[SectionSuggestion]) -> Select[*_Row]:
    """The best headings of a pool, each text once, with the places of their newest sections."""
    rows = pool.subquery()
    begins = rows.c["keys"].op("@@")(_BEGINS).label("begins")
    latest = (
        select(rows.c.section_id, rows.c.heading, rows.c.date, begins)
        .where(rows.c["keys"].op("@@")(_INSIDE))
        .ext(distinct_on(rows.c.heading))
        .order_by(rows.c.heading, rows.c.date.desc(), rows.c.section_id)
        .subquery()
    )
    order = (latest.c.begins.desc(), latest.c.date.desc(), latest.c.heading)
    best = select(latest).order_by(*order).limit(_LIMIT).subquery()
    return (
        select(
            literal("heading").label("kind"),
            best.c.heading.label("text"),
            Bulletin.slug,
            Section.number.label("section"),
            best.c.begins,
        )
        .join(Section, Section.id == best.c.section_id)
        .join(Section.bulletin)
        .order_by(best.c.begins.desc(), best.c.date.desc(), best.c.heading)
    )


# Made once: to put them together takes as long as to run them.
_EVERY = select(SectionSuggestion)
_NAMES_AND_NEWEST = union_all(
    _names("tag", Tag, TagSuggestion, Tag.section_count),
    _names("source", Source, SourceSuggestion, Source.reference_count),
    _headings(_EVERY.order_by(SectionSuggestion.date.desc()).limit(_POOL)),
)
_ALL_THAT_BEGIN = _headings(_EVERY.where(SectionSuggestion.keys.op("@@")(_BEGINS)).limit(_POOL))
_ALL = _headings(_EVERY.where(SectionSuggestion.keys.op("@@")(_INSIDE)).limit(_POOL))


async def suggestions(session: AsyncSession, typed: str, limit: int) -> list[Suggestion]:
    """At most ``limit`` tags, as many sources and as many headings for what has been typed."""
    meant = _typed(typed)
    if not meant:
        return []
    # Keys are letters, digits and ``^`` only: nothing in them is syntax.
    wanted = {
        "inside": " | ".join(f"'{key}':*" for key in meant),
        "begins": " | ".join(f"'^{key}':*" for key in meant),
        "limit": limit,
    }
    first = (await session.execute(_NAMES_AND_NEWEST, {**wanted, "pool": NEWEST})).all()
    names = [row for row in first if row.kind != "heading"]
    headings = await _best(session, [row for row in first if row.kind == "heading"], wanted, limit)
    return [
        Suggestion(kind=row.kind, text=row.text, slug=row.slug, section=row.section)
        for row in [*names, *headings[:limit]]
    ]


async def _best(
    session: AsyncSession, found: Sequence[Any], wanted: Mapping[str, Any], limit: int
) -> Sequence[Any]:
    """Headings that begin so, then those with it inside, each the newest first and each text once.

    ``found`` are those among the newest; older ones are asked for only if they are too few.
    """
    begin = [row for row in found if row.begins]
    if len(begin) < limit:
        begin = list((await session.execute(_ALL_THAT_BEGIN, {**wanted, "pool": OLDER})).all())
    found = _joined(begin, found)
    if len(found) < limit:
        found = _joined(found, (await session.execute(_ALL, {**wanted, "pool": OLDER})).all())
    return found


def _joined(first: Sequence[Any], second: Sequence[Any]) -> Sequence[Any]:
    known = {row.text for row in first}
    return [*first, *(row for row in second if row.text not in known)]
