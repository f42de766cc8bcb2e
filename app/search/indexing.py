"""Keeps Meilisearch's index true to the live tables: follows the change log, reconciles, builds anew.

Whoever writes to the index holds the follower's position: there is one writer at a time, so an older
state never overwrites a newer one.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import structlog
from procrastinate import Blueprint
from sqlalchemy import func, literal, select, union_all
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.bulletins.curate import taxonomy
from app.bulletins.events import TAG_EVENTS, TagMerged, TagsCurated
from app.bulletins.models import Bulletin, Section
from app.bulletins.models import Tag as TagRow
from app.kit.changes import Change, Follower, Position
from app.kit.db import Database
from app.kit.settings import Settings
from app.search import documents, postgres
from app.search.meilisearch_schema import document, over_limits, settings, stamp

if TYPE_CHECKING:
    from app.search.meilisearch_index import Index

log = structlog.get_logger(__name__)

FOLLOWER = "meilisearch"
BATCH = 50
"""So many bulletins are sent at a time."""

_REINDEX_LOCK = 0x6E717073

Progress = Callable[[int, int], object]
"""Told how many of how many bulletins are done."""


class BusyError(Exception):
    """Somebody else is building the index anew."""


@dataclass(frozen=True, slots=True)
class Repairs:
    """What reconciling mended: the settings, and these bulletins. ``rebuilt``: there was no index."""

    settings: bool = False
    slugs: tuple[str, ...] = ()
    rebuilt: bool = False


def configured(settings_: Settings | None = None) -> "Index | None":
    """The index on MEILI_URL; None where that is not set."""
    settings_ = settings_ or Settings.load()
    if not settings_.meili_url:
        return None
    from app.search.meilisearch_index import Index  # Its client is heavy, and no request needs it.

    return Index(settings_)


def follower(find: Callable[[], "Index | None"] = configured) -> Follower:
    """Sends changed bulletins, and those with changed tags, to Meilisearch; the synonyms of tags too.

    Where there is no Meilisearch, or no index, it only moves on.

    An index that is missing is built from the live tables when it is reconciled.
    """

    async def follow(session: AsyncSession, changes: Sequence[Change]) -> None:
        index = find()
        if index is None:
            return
        if await asyncio.to_thread(index.created) is None:
            log.warning("search.index-missing", index=index.uid)
            return
        if any(change.kind in TAG_EVENTS for change in changes):
            await _configure(session, index)
        for batch in _batches(await _touched(session, changes)):
            await update(session, index, batch)

    return follow


def clock(database: Database, index: "Index | None") -> Blueprint:
    """The job that reconciles both engines every ten minutes, and the one that mends Postgres's rows."""
    tasks = Blueprint()

    @tasks.task(name=postgres.MEND)
    async def mend_search_index() -> None:
        if slugs := await postgres.mend(database):
            log.info("search.mended", bulletins=len(slugs))

    @tasks.periodic(cron="*/10 * * * *")
    @tasks.task(name="reconcile-search", queueing_lock="reconcile-search")
    async def reconcile_search(timestamp: int) -> None:  # noqa: ARG001 - procrastinate passes it
        await mend_search_index()
        if index and (mended := await reconcile(database, index)) != Repairs():
            log.warning("search.reconciled", index=index.uid, **asdict(mended))

    return tasks


async def update(session: AsyncSession, index: "Index", slugs: Sequence[str]) -> None:
    """Bring these bulletins' documents to what the live tables say; what is not live is taken out.

    :raises IndexingError: not all has been done.
    """
    tags = {tag.slug: (tag.name, tag.name_en) for tag in await session.scalars(select(TagRow))}
    sections = [section for slug in slugs for section in await documents.live(session, slug)]
    await asyncio.to_thread(index.replace, slugs, [document(section, tags) for section in sections])


async def reconcile(database: Database, index: "Index") -> Repairs:
    """Compare settings, ids and versions with the live tables, and mend what differs."""
    if await asyncio.to_thread(index.created) is None:
        await reindex(database, index)
        return Repairs(rebuilt=True)
    async with database.snapshot() as session:
        changed = await _configure(session, index)
    slugs = await drift(database, index)
    for batch in _batches(slugs):
        async with _only_writer(database) as (session, _):
            await update(session, index, batch)
    return Repairs(settings=changed, slugs=tuple(slugs))


async def reindex(database: Database, index: "Index", progress: Progress = lambda _done, _all: None) -> None:
    """Build the index anew beside the one that is searched, and exchange them in one moment.

    Interrupted, the next call goes on from there.

    :raises BusyError: somebody else is at it.
    """
    async with database.session() as guard:
        if not await guard.scalar(select(func.pg_try_advisory_xact_lock(_REINDEX_LOCK))):
            raise BusyError("the index is being built anew by another process")
        following = await asyncio.to_thread(_beside, index)
        async with database.snapshot() as session:
            await _configure(session, following)
            filled_at = await session.scalar(select(func.coalesce(func.max(Change.seq), 0))) or 0
        slugs = await drift(database, following)
        done = 0
        for batch in _batches(slugs):
            progress(done, len(slugs))
            async with database.snapshot() as session:
                await update(session, following, batch)
            done += len(batch)
        async with _only_writer(database) as (session, position):
            later = select(Change).where(Change.seq > filled_at).order_by(Change.seq)
            changes = (await session.scalars(later)).all()
            if any(change.kind in TAG_EVENTS for change in changes):
                await _configure(session, following)
            for batch in _batches(await _touched(session, changes)):
                await update(session, following, batch)
            await asyncio.to_thread(index.give_place_to, following)
            position.seq = max(position.seq, filled_at, *(change.seq for change in changes))
        if await asyncio.to_thread(following.created):
            await asyncio.to_thread(following.drop)
    progress(len(slugs), len(slugs))


async def drift(database: Database, index: "Index") -> list[str]:
    """The bulletins whose documents are not what they should be."""
    found = await asyncio.to_thread(index.stamps)
    async with database.snapshot() as session:
        wanted = {id_: stamp(version) for id_, version in (await versions(session)).items()}
    return differing(wanted, found)


def differing(wanted: Mapping[str, object], found: Mapping[str, object]) -> list[str]:
    """The bulletins of which a section is lacking, superfluous or another version; the newest first."""
    ids = {id_ for id_ in wanted.keys() | found.keys() if wanted.get(id_) != found.get(id_)}
    return sorted({id_.rpartition("-")[0] for id_ in ids}, reverse=True)


async def versions(session: AsyncSession) -> dict[str, int]:
    """The version of every live section's bulletin, by the section's id; the abstract is section 0."""
    abstracts = select(Bulletin.slug, literal(0), Bulletin.version).where(Bulletin.abstract != "")
    sections = select(Bulletin.slug, Section.number, Bulletin.version).join(Section.bulletin)
    rows = await session.execute(union_all(abstracts, sections))
    return {f"{slug}-{number}": version for slug, number, version in rows}


async def _touched(session: AsyncSession, changes: Sequence[Change]) -> list[str]:
    """The bulletins whose documents read differently since, each once."""
    slugs = [change.subject for change in changes if change.kind.startswith("bulletin.")]
    tags = {tag for change in changes if change.kind == TagsCurated.kind for tag in change.payload["tags"]}
    tags |= {change.payload["into"] for change in changes if change.kind == TagMerged.kind}
    return list(dict.fromkeys([*slugs, *(await _tagged(session, tags) if tags else ())]))


async def _tagged(session: AsyncSession, tags: Collection[str]) -> Sequence[str]:
    """The live bulletins with any of these tags."""
    tagged = select(Bulletin.slug).where(Bulletin.tags.any(TagRow.slug.in_(tags)))
    return (await session.scalars(tagged.order_by(Bulletin.date.desc()))).all()


async def _configure(session: AsyncSession, index: "Index") -> bool:
    wanted = settings(await taxonomy(session))
    for name, others in over_limits(wanted["synonyms"]).items():
        log.warning("search.synonyms-left-out", name=name, others=others)
    return await asyncio.to_thread(index.configure, wanted)


def _beside(index: "Index") -> "Index":
    """The index to fill: a new one, or what an interrupted call has left."""
    following = index.beside()
    left, current = following.created(), index.created()
    if left and current and left < current:  # It had been exchanged already, and not yet dropped.
        following.drop()
        left = None
    if left is None:
        following.create()
    return following


@asynccontextmanager
async def _only_writer(database: Database) -> AsyncIterator[tuple[AsyncSession, Position]]:
    """A transaction in which the follower waits."""
    async with database.session() as session:
        await session.execute(insert(Position).values(follower=FOLLOWER, seq=0).on_conflict_do_nothing())
        held = select(Position).where(Position.follower == FOLLOWER).with_for_update()
        yield session, (await session.scalars(held)).one()


def _batches(slugs: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(slugs), BATCH):
        yield slugs[start : start + BATCH]
