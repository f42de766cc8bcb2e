"""What changes do to a copy of what passes the filters. A copy that does it all reads like the API."""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from itertools import groupby
from uuid import UUID

from sqlalchemy import ColumnElement, and_, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from app.bulletins import successors, versions
from app.bulletins.events import BulletinWithdrawn, ReferenceMerged, TagMerged, TagsCurated
from app.bulletins.models import PublishedVersion, Tag
from app.bulletins.versions import Merged
from app.kit.changes import Change
from app.partners import synced
from app.partners.selection import Selection
from app.partners.synced import Json

MERGED = {TagMerged.kind: "tag", ReferenceMerged.kind: "reference"}
"""Changes by which their subject gives way to another; the payload names it as ``into``."""
PAGE = 200


def runs(changes: Sequence[Change]) -> Iterator[list[Change]]:
    """The changes in order, each merge by itself: names mean the same all through a run."""
    for _, run in groupby(changes, lambda change: change.seq if change.kind in MERGED else None):
        yield list(run)


async def of_all(
    session: AsyncSession,
    changes: Sequence[Change],
    selection: Selection,
    wanted: Callable[[str], bool] = lambda _: True,
) -> AsyncIterator[Json]:
    """What those changes do whose kind is wanted, in order."""
    for run in runs(changes):
        chosen = [change for change in run if wanted(change.kind)]
        if not chosen or chosen[0].kind not in MERGED:
            for item in await of_run(session, chosen, selection):
                yield item
            continue
        after, more = None, True
        while more:
            items, more = await of_merge(session, chosen[0], selection, after, PAGE)
            for item in items:
                yield item
            after = items[-1]["id"]


async def of_run(session: AsyncSession, changes: Sequence[Change], selection: Selection) -> list[Json]:
    """What changes do among which nothing was merged."""
    if not changes:
        return []
    moment = changes[0].at
    passes = selection.condition(await successors.of_tags(session, moment))
    known = await _versions(session, changes, None if selection.everything else passes)
    merged = await versions.merged_by(session, moment, (row for row, _ in known.values() if row))
    tags = await _changed_tags(session, changes)
    return [item for change in changes for item in _items(change, known, tags, merged)]


async def of_merge(
    session: AsyncSession, change: Change, selection: Selection, after: str | None, limit: int
) -> tuple[list[Json], bool]:
    """What a merge does: its subject gives way, and bulletins read differently, enter and leave.

    :param after: the last bulletin that is known; None at the beginning.
    :param limit: of the bulletins.
    :return: what it does, and whether that is not all.
    """
    given_way = await _given_way(session, change) if after is None else []
    before = await successors.of_tags(session, change.at - timedelta.resolution)
    passed, passes = (
        selection.condition(slugs) for slugs in (before, await successors.of_tags(session, change.at))
    )
    if change.kind == TagMerged.kind:
        names = successors.carries(before, change.subject)
    else:
        names = await successors.cites(session, UUID(change.subject), change.at)
    row = PublishedVersion
    query = select(row, passes).where(
        row.slug > (after or ""),
        *versions.stood(change.at),
        row.document.is_not(None),
        or_(and_(names, passes), passes.is_distinct_from(passed)),
    )
    found = (await session.execute(query.order_by(row.slug).limit(limit + 1))).all()
    page = found[:limit]
    merged = await versions.merged_by(session, change.at, (row for row, _ in page))
    bulletins = [
        {**synced.put_bulletin(row, merged, change.seq, change.kind), "at": change.at, "note": ""}
        if passes
        else synced.remove(change, "bulletin", "filtered", id=row.slug, version=row.version)
        for row, passes in page
    ]
    return [*given_way, *bulletins], len(found) > limit


async def _given_way(session: AsyncSession, change: Change) -> list[Json]:
    into = change.payload["into"]
    gone = synced.remove(change, MERGED[change.kind], "merged", into=into)
    if change.kind != TagMerged.kind:
        return [gone]
    # It has the other one's names now, and the tags that were below it.
    changed = select(Tag).where(or_(Tag.slug == into, Tag.parent.has(Tag.slug == into)))
    rows = await session.scalars(
        changed.order_by(Tag.slug != into, Tag.slug).options(selectinload(Tag.parent))
    )
    return [gone, *(synced.put_tag(row, change.seq, change.kind, change.at) for row in rows)]


_Version = tuple[PublishedVersion | None, bool]
"""A version as far as it was loaded, and whether it passes the filters."""


async def _versions(
    session: AsyncSession, changes: Sequence[Change], passes: ColumnElement[bool] | None
) -> Mapping[tuple[str, int], _Version]:
    """The versions of the changes; of those before them, only whether they passed the filters, if any."""
    key = tuple_(PublishedVersion.slug, PublishedVersion.version)
    named = [(change.subject, change.version) for change in changes if change.kind.startswith("bulletin.")]
    wanted = select(PublishedVersion).where(key.in_(named))
    if passes is None:
        return {(row.slug, row.version): (row, True) for row in await session.scalars(wanted)}
    now = await session.execute(wanted.add_columns(passes))
    found: dict[tuple[str, int], _Version] = {(row.slug, row.version): (row, ok) for row, ok in now}
    before = {(slug, version - 1) for slug, version in named} - found.keys()
    if before:
        then = select(PublishedVersion.slug, PublishedVersion.version, passes)
        then = then.where(key.in_(before), PublishedVersion.document.is_not(None))
        found |= {(slug, version): (None, ok) for slug, version, ok in await session.execute(then)}
    return found


async def _changed_tags(session: AsyncSession, changes: Sequence[Change]) -> dict[str, Tag]:
    slugs = {slug for change in changes if change.kind == TagsCurated.kind for slug in change.payload["tags"]}
    if not slugs:
        return {}
    rows = await session.scalars(select(Tag).where(Tag.slug.in_(slugs)).options(selectinload(Tag.parent)))
    return {row.slug: row for row in rows}


def _items(
    change: Change,
    known: Mapping[tuple[str, int], _Version],
    tags: Mapping[str, Tag],
    merged: Merged,
) -> list[Json]:
    """What a change does to a copy: nothing where it never held the object and shall not."""
    if change.kind == TagsCurated.kind:
        named = [tags[slug] for slug in change.payload["tags"] if slug in tags]
        return [synced.put_tag(row, change.seq, change.kind, change.at) for row in named]
    if change.kind == BulletinWithdrawn.kind:
        return [synced.remove(change, "bulletin", "withdrawn")]
    row, passes = known.get((change.subject, change.version), (None, False))
    if row is None or row.document is None:  # The withdrawal comes later in the log.
        return []
    if passes:
        return [synced.put_bulletin(row, merged, change.seq, change.kind)]
    _, passed = known.get((change.subject, change.version - 1), (None, False))
    return [synced.remove(change, "bulletin", "filtered")] if passed else []
