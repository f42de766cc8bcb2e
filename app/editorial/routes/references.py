"""References at the desk, and what may be there twice."""

import asyncio
import hashlib
from collections.abc import Iterable
from typing import Annotated

from fastapi import Path, Request, Response
from fastapi import Query as QueryParameters
from pydantic import Field, field_validator
from sqlalchemy import select

from app.bulletins import models
from app.bulletins.filters import in_order
from app.bulletins.taxonomy import curated
from app.editorial import duplicates, references
from app.editorial.access import Editor, Once, Reviewer
from app.editorial.answers import desk_router
from app.editorial.duplicates import Item, Pair, TagNames
from app.editorial.revisions import today
from app.editorial.taxonomy_schemas import Duplicate, Duplicates, Reference, ReferenceMerge
from app.kit.caching import private
from app.kit.conditional import IfMatch, demand_match
from app.kit.days import shifted
from app.kit.operations import ETAG, PLAIN, POSTS, WRITES, operation
from app.kit.parameters import Day, Id, Query
from app.kit.problems import Problem
from app.kit.transactions import Session

MOST = 100
WINDOW = 366
"""Days."""

router = desk_router()

ReferenceId = Annotated[Id, Path(alias="id", examples=["0197a3f2-6f3a-7c40-9a7e-1f2b3c4d5e6f"])]


class WindowQuery(Query):
    from_: Annotated[
        Day | None, Field(alias="from", description="Of this date or later; a year ago without it")
    ] = None
    to: Annotated[Day | None, Field(description="Of this date or earlier")] = None

    _ordered = field_validator("to")(in_order)


@router.get(
    "/references/{id}",
    response_model=Reference,
    dependencies=PLAIN,
    **operation("getDeskReference", "not-found", headers=ETAG),
)
async def get_reference(session: Session, _actor: Editor, reference_id: ReferenceId) -> Response:
    """One reference, also when it has been merged; `getReference` says who cites it."""
    return _shown(await _found(session, reference_id))


@router.post(
    "/references/{id}/merge",
    response_model=Reference,
    dependencies=PLAIN,
    **operation("mergeReference", "not-found", *POSTS, *WRITES, headers=ETAG),
)
async def merge_reference(
    request: Request,
    session: Session,
    actor: Reviewer,
    _once: Once,
    reference_id: ReferenceId,
    body: ReferenceMerge,
    if_match: IfMatch = None,
) -> Response:
    """Merge a reference into another one of the same source, for ever.

    The other one is cited in its place, and its address leads there. Bulletins keep their own words.
    """
    changes = request.app.state.changes
    at = await changes.begin(session)
    row = await _found(session, reference_id)
    demand_match(if_match, _etag(row))
    return _shown(await references.merge(session, changes, actor, row, body.into, at))


@router.get(
    "/duplicates/tags",
    response_model=Duplicates,
    dependencies=PLAIN,
    **operation("listDuplicateTags"),
)
async def list_duplicate_tags(session: Session, _actor: Editor) -> Response:
    """Tags that may be the same, by their names and aliases, to be looked at and merged by people."""
    known = curated().by_slug
    found = [
        TagNames(
            row.slug,
            row.kind,
            [row.name, row.name_en, *row.aliases],
            row.section_count,
            curated=row.slug in known,
        )
        for row in await session.scalars(select(models.Tag))
    ]
    return _pairs(await asyncio.to_thread(duplicates.tags, found))


@router.get("/duplicates/references", response_model=Duplicates, **operation("listDuplicateReferences"))
async def list_duplicate_references(
    session: Session, _actor: Editor, query: Annotated[WindowQuery, QueryParameters()]
) -> Response:
    """References of one source that may be the same, by title and date, to be merged by people."""
    row = models.Reference
    since = query.from_ or shifted(query.to or today(), -WINDOW)
    dated = row.date.is_(None) | row.date.between(since, query.to or row.date)
    listed = select(row.id, row.source_id, row.title, row.date, row.citation_count)
    rows = await session.execute(listed.where(row.citation_count > 0, dated))
    return _pairs(await asyncio.to_thread(duplicates.references, [Item(*each) for each in rows]))


def _pairs(found: Iterable[Pair]) -> Response:
    items = [Duplicate(**pair._asdict()) for pair in list(found)[:MOST]]
    return private(Duplicates(items=items))


async def _found(session: Session, reference_id: Id) -> models.Reference:
    row = await references.find(session, reference_id)
    if row is None:
        raise Problem("not-found", f"没有编号为 {reference_id} 的参考文献。")
    return row


def _shown(row: models.Reference) -> Response:
    shown = Reference(id=row.id, citation_count=row.citation_count, **references.facts(row))
    return private(shown, headers={"ETag": _etag(row)})


def _etag(row: models.Reference) -> str:
    return f'"{hashlib.sha256(repr(references.facts(row)).encode()).hexdigest()[:32]}"'
