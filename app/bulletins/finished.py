"""Finished answers: their bytes, made by one path for publishing, previewing and rebuilding."""

import hashlib
from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from procrastinate import Blueprint
from sqlalchemy import Date, delete, exists, func, literal, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from app.bulletins import keys, shapes
from app.bulletins.document import BulletinDocument
from app.bulletins.events import BulletinPublished, BulletinWithdrawn, TagMerged, TagsCurated
from app.bulletins.models import Bulletin, BulletinTag, Finished, Tag
from app.bulletins.published import Standing, neighbours, published
from app.kit.caching import Body, sparse
from app.kit.changes import ChangeLog, last_change, touch
from app.kit.conditional import SMALL, compress
from app.kit.db import Database
from app.kit.parameters import is_slug

FORM = 1
"""One more whenever the bytes of the same content change; what an older form made is not read."""

BATCH = 20

_FIND = """
SELECT body, etag, version, gzip, zstd, (SELECT at FROM change ORDER BY seq DESC LIMIT 1)
FROM finished WHERE slug = %s AND kind = %s AND number = %s AND form = %s
"""


@dataclass(frozen=True, slots=True)
class Found:
    """A finished answer; ``modified`` is the time of the last public change."""

    body: bytes
    etag: str
    version: int
    gzip: bytes | None
    zstd: bytes | None
    modified: datetime | None

    def shown(self, fields: frozenset[str] | None) -> Body:
        """It, or only these fields of it."""
        if fields is not None:
            return sparse(self.body, fields)
        ready = {coding: body for coding, body in (("gzip", self.gzip), ("zstd", self.zstd)) if body}
        return Body(self.body, etag=self.etag, ready=ready)


async def find(
    database: Database, slug: str, kind: str, number: int = 0, *, at_least: int = 1
) -> Found | None:
    """A finished answer: one indexed row, or made now where that is missing; None if it is not public.

    :param at_least: a version that is known; where a replica has an older one, the primary is asked.
    """
    if not is_slug(slug):
        return None
    parameters = (slug, kind, number, FORM)
    row = await database.lookup(_FIND, parameters)
    if at_least > 1 and (row is None or row[2] < at_least):
        row = await database.lookup(_FIND, parameters, primary=True)
    if row is not None:
        return Found(*row)
    async with database.snapshot() as session:
        for made in await fresh(session, [slug]):
            if (made.kind, made.number) == (kind, number):
                return Found(
                    made.body, made.etag, made.version, made.gzip, made.zstd, await last_change(session)
                )
    return None


async def bodies(session: AsyncSession, kind: str, rows: Iterable[tuple[Any, ...]]) -> list[bytes]:
    """The bodies of listed rows (slug, number and body); those that are missing are made now."""
    rows = list(rows)
    lacking = {slug for slug, _, body, *_ in rows if body is None}
    made = {(one.slug, one.number): one.body for one in await fresh(session, lacking) if one.kind == kind}
    return [made[slug, number] if body is None else body for slug, number, body, *_ in rows]


def finish(document: BulletinDocument, standing: Standing) -> Iterator[Finished]:
    """The finished answers of a bulletin and its sections, whether or not it is public."""
    whole = shapes.bulletin(document, standing)
    made = [
        ("bulletin", 0, whole.model_dump_json()),
        ("item", 0, whole.model_dump_json(exclude={"sections", "citations", "contacts"})),
        *(("section", section.number, section.model_dump_json()) for section in shapes.sections(whole)),
    ]
    for kind, number, text in made:
        body = text.encode()
        # Items are answered in lists only.
        worth = kind != "item" and len(body) >= SMALL
        yield Finished(
            slug=whole.slug,
            kind=kind,
            number=number,
            form=FORM,
            version=whole.version,
            etag=hashlib.sha256(body).hexdigest()[:32],
            body=body,
            gzip=compress(body, "gzip") if worth else None,
            zstd=compress(body, "zstd") if worth else None,
        )


async def keep(session: AsyncSession, events: Sequence[BulletinPublished]) -> None:
    """Keep the answers of the events' bulletins, already live, and of their neighbours (a handler)."""
    slugs = {event.subject for event in events}
    appeared = {event.subject for event in events if event.kind == BulletinPublished.kind}
    slugs |= await _beside(session, appeared)
    await _write(session, slugs)
    touch(session, *map(keys.bulletin, slugs))


async def close_ranks(session: AsyncSession, events: Sequence[BulletinWithdrawn]) -> None:
    """Make anew the answers of the neighbours of the events' bulletins, which are gone (a handler)."""
    slugs = {event.slug for event in events}
    beside = await _beside(session, slugs)
    await _write(session, beside)
    touch(session, *map(keys.bulletin, slugs | beside))


async def _beside(session: AsyncSession, slugs: Iterable[str]) -> set[str]:
    """The neighbours of bulletins that have appeared or gone."""
    days = [date.fromisoformat(slug) for slug in slugs]
    listed = func.unnest(literal(days, ARRAY(Date))).table_valued("day").render_derived()
    beside = (query.scalar_subquery() for query in neighbours(listed.c.day))
    pairs = await session.execute(select(*beside).select_from(listed))
    return {slug for pair in pairs for slug in pair if slug}


async def forget(session: AsyncSession, events: Sequence[TagsCurated | TagMerged]) -> None:
    """Forget the answers that name the events' tags (a handler): they may be many, and are made later."""
    slugs = {slug for event in events for slug in event.slugs}
    named = select(Bulletin.slug).join(BulletinTag, BulletinTag.bulletin_id == Bulletin.id)
    tagged = named.join(Tag, Tag.id == BulletinTag.tag_id).where(Tag.slug.in_(slugs))
    await session.execute(delete(Finished).where(Finished.slug.in_(tagged)))


async def fresh(session: AsyncSession, slugs: Iterable[str]) -> list[Finished]:
    """The answers of public bulletins, made anew from the live tables."""
    return [row for pair in await published(session, slugs) for row in finish(*pair)]


async def _write(session: AsyncSession, slugs: Iterable[str]) -> None:
    await session.execute(delete(Finished).where(Finished.slug.in_(slugs)))
    session.add_all(await fresh(session, slugs))
    await session.flush()


async def lacking(session: AsyncSession, *, everything: bool = False) -> list[str]:
    """The public bulletins without answers of this form, or all of them; the newest first."""
    kept = exists().where(Finished.slug == Bulletin.slug, Finished.form == FORM)
    query = select(Bulletin.slug).order_by(Bulletin.date.desc())
    return list(await session.scalars(query if everything else query.where(~kept)))


async def rebuild(
    database: Database, log: ChangeLog, slugs: Sequence[str], batch: int = BATCH
) -> AsyncGenerator[int]:
    """Make the bulletins' answers anew, a few at a time; how many are done, after each few.

    Readers get the former answers until the new ones are there. Whoever publishes waits for no more
    than one batch.
    """
    for start in range(0, len(slugs), batch):
        async with database.session() as session:
            await log.begin(session)
            await _write(session, slugs[start : start + batch])
        yield min(start + batch, len(slugs))


def clock(database: Database, log: ChangeLog) -> Blueprint:
    """The job that makes what has been forgotten, each minute."""
    tasks = Blueprint()

    @tasks.periodic(cron="* * * * *")
    @tasks.task(name="finish-lacking", queueing_lock="finish-lacking")
    async def finish_lacking(timestamp: int) -> None:  # noqa: ARG001 - procrastinate passes it
        async with database.snapshot() as session:
            slugs = await lacking(session)
        async for _ in rebuild(database, log, slugs):
            pass

    return tasks
