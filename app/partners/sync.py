"""The sync feed: the whole state of one moment in pages, then every change since, in order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest

from sqlalchemy import func, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from app.bulletins.events import BulletinWithdrawn, TagsCurated
from app.bulletins.models import PublishedVersion, Tag
from app.kit.changes import Change
from app.partners import synced
from app.partners.selection import Selection
from app.partners.synced import Json
from app.partners.tokens import Place, restart

STATE = "state"
"""Stands for the kind of a change in the state that the feed begins with."""
MERGED = {"tag.merged": "tag", "reference.merged": "reference"}
"""Changes by which their subject gives way to another; the payload names it as ``into``."""


@dataclass(frozen=True, slots=True)
class Step:
    """Something to do to a copy, and the place after it; None where the change has more steps."""

    item: Json
    place: Place | None


@dataclass(frozen=True, slots=True)
class Steps:
    """A page of the feed; ``more`` when there is more to read right now."""

    steps: Sequence[Step]
    place: Place
    more: bool


async def begin(session: AsyncSession, selection: Selection, since: int | None = None) -> Place:
    """The place before everything: the state as the last change left it, then what comes after.

    :param since: a change whose state is known already; only what comes after it.
    """
    if since is not None:
        return Place(since, selection)
    last = (await session.execute(select(Change.seq, Change.at).order_by(Change.seq.desc()).limit(1))).first()
    seq, moment = last or (0, await session.scalar(select(func.now())))
    return Place(seq, selection, moment)


async def read(session: AsyncSession, place: Place, limit: int) -> Steps:
    """The next steps after a place.

    :raises Problem: the log does not reach back that far any more, or never came that far.
    """
    if place.in_state:
        return await (_tags if place.slug is None else _bulletins)(session, place, limit)
    return await _changes(session, place, limit)


async def _tags(session: AsyncSession, place: Place, limit: int) -> Steps:
    query = select(Tag).options(selectinload(Tag.parent)).order_by(Tag.slug).limit(limit + 1)
    rows = (await session.scalars(query.where(Tag.slug > (place.tag or "")))).all()
    steps = [
        Step(synced.put_tag(row, place.seq, STATE, place.moment), replace(place, tag=row.slug))
        for row in rows[:limit]
    ]
    after = steps[-1].place if steps else None
    # The empty slug is before all bulletins.
    return Steps(steps, after if after and len(rows) > limit else replace(place, slug=""), more=True)


async def _bulletins(session: AsyncSession, place: Place, limit: int) -> Steps:
    row = PublishedVersion
    standing = row.at <= place.moment, or_(row.until.is_(None), row.until > place.moment)
    query = select(row).where(row.slug > (place.slug or ""), *standing, row.document.is_not(None))
    query = query.where(place.selection.condition()).order_by(row.slug).limit(limit + 1)
    rows = (await session.scalars(query)).all()
    steps = [
        Step(synced.put_bulletin(row, place.seq, STATE), replace(place, slug=row.slug))
        for row in rows[:limit]
    ]
    last = steps[-1].place if steps else None
    if last and len(rows) > limit:
        return Steps(steps, last, more=True)
    latest = await session.scalar(select(func.max(Change.seq))) or 0
    return Steps(steps, place.at(place.seq), more=latest > place.seq)


async def _changes(session: AsyncSession, place: Place, limit: int) -> Steps:
    first, last = (await session.execute(select(func.min(Change.seq), func.max(Change.seq)))).one()
    if place.seq > (last or 0):
        raise restart("The log has never come that far: it was given for another archive.")
    if first is not None and place.seq < first - 1:
        raise restart("It has expired: the log does not reach back that far.")
    query = select(Change).where(Change.seq > place.seq).order_by(Change.seq).limit(limit)
    changes = (await session.scalars(query)).all()
    found = await items(session, changes, place.selection)
    steps = [
        Step(item, None if later and later["seq"] == item["seq"] else place.at(item["seq"]))
        for item, later in zip_longest(found, found[1:])
    ]
    after = changes[-1].seq if changes else place.seq
    return Steps(steps, place.at(after), more=after < (last or 0))


async def items(session: AsyncSession, changes: Sequence[Change], selection: Selection) -> list[Json]:
    """What changes do to a copy of what passes the filters, in order."""
    versions = await _versions(session, changes, selection)
    tags = await _changed_tags(session, changes)
    return [item for change in changes for item in _items(change, versions, tags)]


_Version = tuple[PublishedVersion | None, bool]
"""A version as far as it was loaded, and whether it passes the filters."""


async def _versions(
    session: AsyncSession, changes: Sequence[Change], selection: Selection
) -> Mapping[tuple[str, int], _Version]:
    """The versions of the changes; of those before them, only whether they passed the filters."""
    key = tuple_(PublishedVersion.slug, PublishedVersion.version)
    named = [(change.subject, change.version) for change in changes if change.kind.startswith("bulletin.")]
    passes = selection.condition().label("passes")
    now = await session.execute(select(PublishedVersion, passes).where(key.in_(named)))
    found: dict[tuple[str, int], _Version] = {(row.slug, row.version): (row, ok) for row, ok in now}
    before = {(slug, version - 1) for slug, version in named} - found.keys()
    if before and not selection.everything:
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
    change: Change, versions: Mapping[tuple[str, int], _Version], tags: Mapping[str, Tag]
) -> list[Json]:
    """What a change does to a copy: nothing where it never held the object and shall not."""
    if change.kind == TagsCurated.kind:
        named = [tags[slug] for slug in change.payload["tags"] if slug in tags]
        return [synced.put_tag(row, change.seq, change.kind, change.at) for row in named]
    if kind := MERGED.get(change.kind):
        return [synced.remove(change, kind, "merged", into=change.payload["into"])]
    if change.kind == BulletinWithdrawn.kind:
        return [synced.remove(change, "bulletin", "withdrawn")]
    row, passes = versions.get((change.subject, change.version), (None, False))
    if row is None or row.document is None:  # The withdrawal comes later in the log.
        return []
    if passes:
        return [synced.put_bulletin(row, change.seq, change.kind)]
    _, passed = versions.get((change.subject, change.version - 1), (None, False))
    return [synced.remove(change, "bulletin", "filtered")] if passed else []
