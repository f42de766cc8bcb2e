"""Jobs that give other tags to the archive."""

from typing import Annotated
from uuid import UUID

from fastapi import Path, Request, Response
from fastapi import Query as QueryParameters

from app.editorial import models, queries, retagging
from app.editorial.access import Administrator, Editor, Once
from app.editorial.answers import desk_router
from app.editorial.taxonomy_schemas import NewRetagging, Retagged, Retagging
from app.kit.caching import private
from app.kit.operations import LINK, LOCATION, PLAIN, POSTS, operation
from app.kit.pagination import Page, PageQuery, next_link
from app.kit.problems import Problem
from app.kit.transactions import Session

router = desk_router()

RetaggingId = Annotated[UUID, Path(alias="id", examples=["0197a3f2-6f3a-7c40-9a7e-1f2b3c4d5e6f"])]


@router.post(
    "/retaggings",
    response_model=Retagging,
    dependencies=PLAIN,
    **operation("retagArchive", "refused", *POSTS, status=201, headers=LOCATION),
)
async def retag_archive(session: Session, actor: Administrator, _once: Once, body: NewRetagging) -> Response:
    """Have a job add tags to public sections, or remove some, or only say what it would change.

    Each bulletin that it changes is a correction with this note. Those with changes that are not published
    are skipped.
    """
    row = await retagging.ask(session, actor, body)
    headers = {"Location": f"/v1/editorial/retaggings/{row.id}"}
    return private(Retagging.model_validate(row), status=201, headers=headers)


@router.get(
    "/retaggings",
    response_model=Page[Retagging],
    **operation("listRetaggings", "invalid-cursor", headers=LINK),
)
async def list_retaggings(
    request: Request, session: Session, _actor: Editor, query: Annotated[PageQuery, QueryParameters()]
) -> Response:
    """All such jobs, the newest first."""
    rows, cursor = await queries.retaggings(session, query)
    page = Page[Retagging](items=[Retagging.model_validate(row) for row in rows], next=cursor)
    return private(page, headers=next_link(request, cursor))


@router.get(
    "/retaggings/{id}",
    response_model=Retagging,
    dependencies=PLAIN,
    **operation("getRetagging", "not-found"),
)
async def get_retagging(session: Session, _actor: Editor, retagging_id: RetaggingId) -> Response:
    """How far a job has come."""
    return _shown(await session.get(models.Retagging, retagging_id), retagging_id)


@router.get(
    "/retaggings/{id}/bulletins",
    response_model=Page[Retagged],
    **operation("listRetagged", "not-found", "invalid-cursor", headers=LINK),
)
async def list_retagged(
    request: Request,
    session: Session,
    _actor: Editor,
    retagging_id: RetaggingId,
    query: Annotated[PageQuery, QueryParameters()],
) -> Response:
    """The bulletins that a job has changed, or would, and those that it skipped, by date."""
    _shown(await session.get(models.Retagging, retagging_id), retagging_id)
    rows, cursor = await queries.retagged(session, retagging_id, query)
    page = Page[Retagged](items=[Retagged.model_validate(row) for row in rows], next=cursor)
    return private(page, headers=next_link(request, cursor))


@router.post(
    "/retaggings/{id}/cancel",
    response_model=Retagging,
    dependencies=PLAIN,
    **operation("cancelRetagging", "not-found", "refused", *POSTS),
)
async def cancel_retagging(
    session: Session, actor: Administrator, _once: Once, retagging_id: RetaggingId
) -> Response:
    """Stop a job, which has not ended yet, before its next bulletin. What it has published stays."""
    return _shown(await retagging.cancel(session, actor, retagging_id), retagging_id)


def _shown(row: models.Retagging | None, retagging_id: UUID) -> Response:
    if row is None:
        raise Problem("not-found", f"没有编号为 {retagging_id} 的批量任务。")
    return private(Retagging.model_validate(row))
