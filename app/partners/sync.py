"""The sync feed: the whole state of one moment in pages, then every change since, in order."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from app.bulletins import successors, versions
from app.bulletins.models import PublishedVersion, Tag
from app.kit.changes import Change
from app.partners import effects, synced
from app.partners.selection import Selection
from app.partners.synced import Json
from app.partners.tokens import Place, restart

STATE = "state"
"""Stands for the kind of a change in the state that the feed begins with."""


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
    assert place.moment is not None  # noqa: S101 - the state is of a moment
    row = PublishedVersion
    passes = place.selection.condition(await successors.of_tags(session, place.moment))
    query = select(row).where(row.slug > (place.slug or ""), *versions.stood(place.moment))
    query = query.where(row.document.is_not(None), passes).order_by(row.slug).limit(limit + 1)
    rows = (await session.scalars(query)).all()
    page = rows[:limit]
    merged = await versions.merged_by(session, place.moment, page)
    steps = [
        Step(synced.put_bulletin(row, merged, place.seq, STATE), replace(place, slug=row.slug))
        for row in page
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
    changes = next(effects.runs((await session.scalars(query)).all()), [])
    after = changes[-1].seq if changes else place.seq
    if changes and changes[0].kind in effects.MERGED:
        return await _merge(session, changes[0], place, limit, more=after < last)
    found = await effects.of_run(session, changes, place.selection)
    steps = [
        Step(item, None if later and later["seq"] == item["seq"] else place.at(item["seq"]))
        for item, later in zip_longest(found, found[1:])
    ]
    return Steps(steps, place.at(after), more=after < (last or 0))


async def _merge(session: AsyncSession, change: Change, place: Place, limit: int, *, more: bool) -> Steps:
    """What a merge does, a page at a time: it may concern every bulletin."""
    found, partly = await effects.of_merge(session, change, place.selection, place.slug, limit)
    within = replace(place, seq=change.seq - 1)
    after = replace(within, slug=found[-1]["id"]) if partly else place.at(change.seq)
    steps = [
        Step(item, replace(within, slug=item["id"]) if item["object"] == "bulletin" else None)
        for item in found[:-1]
    ]
    return Steps([*steps, *(Step(item, after) for item in found[-1:])], after, more=more or partly)
