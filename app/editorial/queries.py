"""What the desk reads."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import Field, TypeAdapter
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.editorial import models, revisions, schemas
from app.editorial.models import AuditEntry, Draft, Retagged, Retagging, Revision, SourceFile
from app.editorial.workflow import State
from app.kit.pagination import PageQuery, cut, decode, scope
from app.kit.parameters import Day, Plain, Query, Slug

_ID: TypeAdapter[tuple[UUID]] = TypeAdapter(tuple[UUID])
_SLUG: TypeAdapter[tuple[Slug]] = TypeAdapter(tuple[Slug])
_NUMBER: TypeAdapter[tuple[int]] = TypeAdapter(tuple[Annotated[int, Field(ge=0, lt=2**63)]])


class DraftsQuery(PageQuery):
    state: Annotated[State | None, Field(description="Only drafts in this state")] = None
    author: Annotated[Plain | None, Field(description="Only those last written by this account")] = None
    q: Annotated[Plain | None, Field(description="Only those with these characters in their title")] = None
    since: Annotated[Day | None, Field(alias="from", description="Only issues of this date or later")] = None
    until: Annotated[Day | None, Field(alias="to", description="Only issues of this date or earlier")] = None


class AuditFilters(Query):
    actor: Annotated[Plain | None, Field(description="Only what this account did")] = None
    action: Annotated[Plain | None, Field(description="Only this action, such as `draft.approve`")] = None
    object: Annotated[Plain | None, Field(description="Only what was done to it: `draft:2026-06-25`")] = None
    since: Annotated[Day | None, Field(alias="from", description="Only from this day on")] = None
    until: Annotated[Day | None, Field(alias="to", description="Only until this day, in Shanghai")] = None


class AuditQuery(AuditFilters, PageQuery):
    """A page of it."""


async def drafts(session: AsyncSession, query: DraftsQuery) -> tuple[Sequence[Draft], str | None]:
    """Drafts by the time of their creation, the newest first, and the next page's cursor."""
    wanted: list[ColumnElement[bool]] = []
    if query.state:
        wanted.append(Draft.state == query.state)
    if query.author:
        wanted.append(Draft.author == query.author)
    if query.q:
        wanted.append(Draft.title.icontains(query.q, autoescape=True))
    if query.since:
        wanted.append(Draft.slug >= query.since.isoformat())
    if query.until:
        wanted.append(Draft.slug <= query.until.isoformat())
    owner = scope(query, "drafts")
    if query.cursor:
        (last,) = decode(query.cursor, owner, _ID)
        wanted.append(Draft.id < last)
    rows = await session.scalars(
        select(Draft).where(*wanted).order_by(Draft.id.desc()).limit(query.limit + 1)
    )
    return cut(rows.all(), query.limit, lambda row: (row.id,), owner)


async def revision_page(
    session: AsyncSession, draft_id: UUID, query: PageQuery
) -> tuple[list[schemas.RevisionItem], str | None]:
    """The draft's revisions, the newest first, and the next page's cursor."""
    owner = scope(query, f"revisions/{draft_id}")
    listed = select(Revision, SourceFile.name).outerjoin(
        SourceFile, SourceFile.sha256 == Revision.source_file
    )
    listed = listed.where(Revision.draft_id == draft_id)
    if query.cursor:
        (last,) = decode(query.cursor, owner, _NUMBER)
        listed = listed.where(Revision.number < last)
    found = await session.execute(listed.order_by(Revision.number.desc()).limit(query.limit + 1))
    rows, cursor = cut(found.all(), query.limit, lambda row: (row[0].number,), owner)
    return [revision_item(row, source) for row, source in rows], cursor


def revision_item(row: Revision, source: str | None) -> schemas.RevisionItem:
    return schemas.RevisionItem(
        id=row.id,
        number=row.number,
        author=row.author,
        note=row.note,
        created_at=row.created_at,
        source=source,
    )


async def revision(session: AsyncSession, revision_id: UUID) -> schemas.Revision | None:
    """One revision, whole."""
    row = await session.get(Revision, revision_id)
    if row is None:
        return None
    source = await session.scalar(select(SourceFile.name).where(SourceFile.sha256 == row.source_file))
    return schemas.Revision(
        **dict(revision_item(row, source)),
        document=revisions.document(row),
        findings=list(revisions.report(row).findings),
    )


async def source(session: AsyncSession, revision_id: UUID) -> SourceFile | None:
    """The file that the revision was imported from."""
    files = select(SourceFile).join(Revision, Revision.source_file == SourceFile.sha256)
    return await session.scalar(files.where(Revision.id == revision_id))


async def comments(session: AsyncSession, draft_id: UUID) -> Sequence[models.Comment]:
    """All comments on the draft in the order they were made, the resolved ones too."""
    listed = select(models.Comment).where(models.Comment.draft_id == draft_id)
    return (await session.scalars(listed.order_by(models.Comment.created_at, models.Comment.id))).all()


async def audit_page(session: AsyncSession, query: AuditQuery) -> tuple[Sequence[AuditEntry], str | None]:
    """Entries, the newest first, and the next page's cursor."""
    owner = scope(query, "audit")
    wanted = audit_conditions(query)
    if query.cursor:
        (last,) = decode(query.cursor, owner, _NUMBER)
        wanted.append(AuditEntry.id < last)
    listed = select(AuditEntry).where(*wanted).order_by(AuditEntry.id.desc()).limit(query.limit + 1)
    return cut((await session.scalars(listed)).all(), query.limit, lambda row: (row.id,), owner)


def audit_conditions(query: AuditFilters) -> list[ColumnElement[bool]]:
    """The filters as SQL."""
    wanted: list[ColumnElement[bool]] = []
    if query.actor:
        wanted.append(AuditEntry.actor == query.actor)
    if query.action:
        wanted.append(AuditEntry.action == query.action)
    if query.object:
        wanted.append(AuditEntry.object == query.object)
    day = func.date(func.timezone("Asia/Shanghai", AuditEntry.at))
    if query.since:
        wanted.append(day >= query.since)
    if query.until:
        wanted.append(day <= query.until)
    return wanted


async def retaggings(session: AsyncSession, query: PageQuery) -> tuple[Sequence[Retagging], str | None]:
    """Jobs, the newest first, and the next page's cursor."""
    owner = scope(query, "retaggings")
    listed = select(Retagging).order_by(Retagging.id.desc()).limit(query.limit + 1)
    if query.cursor:
        (last,) = decode(query.cursor, owner, _ID)
        listed = listed.where(Retagging.id < last)
    return cut((await session.scalars(listed)).all(), query.limit, lambda row: (row.id,), owner)


async def retagged(
    session: AsyncSession, retagging_id: UUID, query: PageQuery
) -> tuple[Sequence[Retagged], str | None]:
    """What became of the job's bulletins, by date, and the next page's cursor."""
    owner = scope(query, f"retagged/{retagging_id}")
    listed = select(Retagged).where(Retagged.retagging_id == retagging_id)
    if query.cursor:
        (last,) = decode(query.cursor, owner, _SLUG)
        listed = listed.where(Retagged.slug > last)
    listed = listed.order_by(Retagged.slug).limit(query.limit + 1)
    return cut((await session.scalars(listed)).all(), query.limit, lambda row: (row.slug,), owner)


async def in_state(session: AsyncSession, state: State) -> Sequence[Draft]:
    """All drafts in a state by date, those without one first."""
    listed = select(Draft).where(Draft.state == state)
    return (await session.scalars(listed.order_by(Draft.slug.asc().nulls_first(), Draft.id))).all()


async def of_days(session: AsyncSession, first: date, last: date) -> dict[date, Draft]:
    """The drafts of these days."""
    listed = select(Draft).where(Draft.slug.between(first.isoformat(), last.isoformat()))
    return {date.fromisoformat(row.slug): row for row in await session.scalars(listed) if row.slug}


async def counts(session: AsyncSession) -> dict[str, int]:
    """How many drafts stand in each state that has any."""
    return dict((await session.execute(select(Draft.state, func.count()).group_by(Draft.state))).all())
