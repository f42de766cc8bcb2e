"""Found sections as hits: what they say now, with what was found in them."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape

from pydantic import TypeAdapter
from sqlalchemy import select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import contains_eager, load_only, selectinload

from app.bulletins.document import Block, block_text
from app.bulletins.models import Bulletin, Section, Tag
from app.bulletins.schemas import BulletinName
from app.bulletins.shapes import anchor, bulletin_name, tag_name
from app.search.contract import Found, Query
from app.search.crop import passage
from app.search.marks import Mark, Sought, marks, sought
from app.search.schemas import FoundSection, Highlight, Hit

LONG = 20_000
"""So many characters of a section are looked through for the words to mark."""

_BLOCKS = TypeAdapter(list[Block])
_BLANKS = re.compile(r"\s+")


_TAG = load_only(Tag.slug, Tag.name, Tag.name_en, Tag.kind, raiseload=True)


@dataclass(frozen=True, slots=True)
class _Shown:
    """A live section, or an abstract, as far as a hit shows it."""

    bulletin: BulletinName
    heading: str
    body: str
    tags: Sequence[Tag]


async def hits(session: AsyncSession, query: Query, found: Sequence[Found], *, relaxed: bool) -> list[Hit]:
    """The hits of an answer, in its order; what is not live any more is left out. Four queries at most."""
    wanted = sought(query, relaxed=relaxed)
    live = await _abstracts(session, [one.slug for one in found if one.number == 0])
    live |= await _sections(session, [(one.slug, one.number) for one in found if one.number != 0])
    return [
        Hit(
            bulletin=shown.bulletin,
            section=FoundSection(
                number=one.number,
                heading=shown.heading,
                anchor=anchor(one.number) if one.number else "abstract",
            ),
            highlight=highlight(shown.heading, shown.body, wanted),
            tags=[tag_name(tag) for tag in shown.tags],
            score=one.score,
        )
        for one in found
        if (shown := live.get((one.slug, one.number)))
    ]


async def _abstracts(session: AsyncSession, slugs: Sequence[str]) -> dict[tuple[str, int], _Shown]:
    if not slugs:
        return {}
    columns = load_only(Bulletin.slug, Bulletin.title, Bulletin.date, Bulletin.abstract, raiseload=True)
    query = select(Bulletin).where(Bulletin.slug.in_(slugs))
    rows = await session.scalars(query.options(columns, selectinload(Bulletin.tags).options(_TAG)))
    return {(row.slug, 0): _Shown(bulletin_name(row), row.title, row.abstract, row.tags) for row in rows}


async def _sections(
    session: AsyncSession, places: Sequence[tuple[str, int]]
) -> dict[tuple[str, int], _Shown]:
    if not places:
        return {}
    query = (
        select(Section)
        .join(Section.bulletin)
        .where(tuple_(Bulletin.slug, Section.number).in_(places))
        .options(
            load_only(Section.number, Section.heading, Section.body, raiseload=True),
            contains_eager(Section.bulletin).load_only(Bulletin.slug, Bulletin.title, Bulletin.date),
            selectinload(Section.tags).options(_TAG),
        )
    )
    return {
        (row.bulletin.slug, row.number): _Shown(
            bulletin_name(row.bulletin), row.heading, _text(row), row.tags
        )
        for row in await session.scalars(query)
    }


def _text(section: Section) -> str:
    return "\n".join(map(block_text, _BLOCKS.validate_python(section.body)))


def highlight(heading: str, body: str, wanted: Sequence[Sought]) -> Highlight:
    """The heading whole and the body's best passage, as HTML with what is sought in ``<mark>``."""
    body = body[:LONG]
    in_heading, in_body = marks(heading, wanted), marks(body, wanted)
    seen = {mark.term for mark in (*in_heading, *in_body)}
    if missing := [one for one in wanted if one.term not in seen]:
        in_heading = sorted({*in_heading, *marks(heading, missing, within=True)})
        in_body = sorted({*in_body, *marks(body, missing, within=True)})
    best = passage(body, in_body)
    before, after = "…" * best.cut_before, "…" * best.cut_after
    shown = marked(body, in_body, best.start, best.end)
    return Highlight(
        heading=marked(heading, in_heading, 0, len(heading)), body=f"{before}{_BLANKS.sub(' ', shown)}{after}"
    )


def marked(text: str, marks: Sequence[Mark], start: int, end: int) -> str:
    """Characters ``start`` to ``end`` as HTML; marks that overlap or touch become one."""
    html = []
    done = start
    for first, last in _merged(mark for mark in marks if start <= mark.start and mark.end <= end):
        html += [escape(text[done:first]), "<mark>", escape(text[first:last]), "</mark>"]
        done = last
    return "".join([*html, escape(text[done:end])])


def _merged(marks: Iterable[Mark]) -> Iterator[tuple[int, int]]:
    start = end = -1
    for mark in marks:
        if mark.start > end:
            if end > start:
                yield start, end
            start = mark.start
        end = max(end, mark.end)
    if end > start:
        yield start, end
