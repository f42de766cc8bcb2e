"""The revisions of a draft: listed, compared, restored; the files that they came from."""

from typing import Annotated
from urllib.parse import quote
from uuid import UUID

from fastapi import Path, Request, Response
from fastapi import Query as QueryParameters
from pydantic import Field

from app.bulletins.diff import DocumentDiff, diff
from app.editorial import drafts, queries, revisions, schemas
from app.editorial.access import Editor, Once
from app.editorial.answers import desk_router
from app.editorial.held import DraftId, found, held, numbered, shown
from app.kit.caching import private
from app.kit.conditional import IfMatch
from app.kit.operations import ETAG, LINK, PLAIN, POSTS, WRITES, operation
from app.kit.pagination import Page, PageQuery, next_link
from app.kit.parameters import Digits, Query
from app.kit.problems import Problem
from app.kit.transactions import Session

BYTES = "application/octet-stream"

router = desk_router()

RevisionId = Annotated[UUID, Path(alias="id", examples=["0197a3f2-6f3a-7c40-9a7e-1f2b3c4d5e6f"])]
Number = Annotated[int, Field(ge=1, le=schemas.MAX_REVISION, examples=[1]), Digits]


class DiffQuery(Query):
    older: Annotated[Number, Field(alias="from", description="Number of the older revision")]
    newer: Annotated[Number, Field(alias="to", description="Number of the newer revision", examples=[2])]


@router.get(
    "/drafts/{id}/revisions",
    response_model=Page[schemas.RevisionItem],
    **operation("listDraftRevisions", "not-found", "invalid-cursor", headers=LINK),
)
async def list_revisions(
    request: Request,
    session: Session,
    _actor: Editor,
    draft_id: DraftId,
    query: Annotated[PageQuery, QueryParameters()],
) -> Response:
    """The draft's revisions, the newest first."""
    await found(session, draft_id)
    items, cursor = await queries.revision_page(session, draft_id, query)
    page = Page[schemas.RevisionItem](items=items, next=cursor)
    return private(page, headers=next_link(request, cursor))


@router.get(
    "/drafts/{id}/diff",
    response_model=DocumentDiff,
    **operation("compareDraftRevisions", "not-found"),
)
async def compare_revisions(
    session: Session, _actor: Editor, draft_id: DraftId, query: Annotated[DiffQuery, QueryParameters()]
) -> Response:
    """What has changed between two revisions: sections, blocks with their words, tags, citations."""
    row = await found(session, draft_id)
    older = await numbered(session, row, query.older)
    newer = await numbered(session, row, query.newer)
    return private(diff(revisions.document(older), revisions.document(newer)))


@router.post(
    "/drafts/{id}/restore",
    response_model=schemas.Draft,
    dependencies=PLAIN,
    **operation("restoreDraftRevision", "not-found", *POSTS, *WRITES, headers=ETAG),
)
async def restore_revision(
    request: Request,
    session: Session,
    actor: Editor,
    _once: Once,
    draft_id: DraftId,
    body: schemas.Restore,
    if_match: IfMatch = None,
) -> Response:
    """Save the document of an earlier revision as the next one."""
    row = await held(session, draft_id, if_match)
    earlier = revisions.document(await numbered(session, row, body.revision))
    note = body.note or f"恢复修订 {body.revision}"
    await drafts.save(session, request.app.state.images, actor, row, lambda _: earlier, note)
    return await shown(request, session, row, actor)


@router.get(
    "/revisions/{id}",
    response_model=schemas.Revision,
    dependencies=PLAIN,
    **operation("getDraftRevision", "not-found"),
)
async def get_revision(session: Session, _actor: Editor, revision_id: RevisionId) -> Response:
    """One revision, which never changes: its document and what the checks said of it."""
    row = await queries.revision(session, revision_id)
    if row is None:
        raise Problem("not-found", f"没有编号为 {revision_id} 的修订。")
    return private(row)


@router.get(
    "/revisions/{id}/source",
    response_class=Response,
    dependencies=PLAIN,
    **operation(
        "getDraftRevisionSource", "not-found", content={BYTES: {"type": "string", "format": "binary"}}
    ),
)
async def get_revision_source(session: Session, _actor: Editor, revision_id: RevisionId) -> Response:
    """The file that the revision was imported from, byte for byte, to be saved."""
    file = await queries.source(session, revision_id)
    if file is None:
        raise Problem("not-found", f"没有编号为 {revision_id}、由文件导入的修订。")
    headers = {
        "Cache-Control": "no-store",
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(file.name, safe='')}",
        "Content-Security-Policy": "sandbox",
        "X-Content-Type-Options": "nosniff",
    }
    return Response(file.content, headers=headers, media_type=BYTES)
