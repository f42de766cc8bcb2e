"""Comments on drafts and their sections."""

from typing import Annotated
from uuid import UUID

from fastapi import Path, Response

from app.editorial import comments, queries, revisions, schemas
from app.editorial.access import Editor, Once
from app.editorial.answers import desk_router
from app.editorial.held import DraftId, found, kept
from app.kit.caching import private
from app.kit.operations import PLAIN, POSTS, operation
from app.kit.pagination import Page
from app.kit.problems import Problem
from app.kit.transactions import Session

router = desk_router()


@router.get(
    "/drafts/{id}/comments",
    response_model=Page[schemas.Comment],
    dependencies=PLAIN,
    **operation("listComments", "not-found"),
)
async def list_comments(session: Session, _actor: Editor, draft_id: DraftId) -> Response:
    """All comments in the order they were made, the resolved ones too; there are no further pages."""
    await found(session, draft_id)
    rows = await queries.comments(session, draft_id)
    items = [schemas.Comment.model_validate(row) for row in rows]
    return private(Page[schemas.Comment](items=items, next=None))


@router.post(
    "/drafts/{id}/comments",
    response_model=schemas.Comment,
    dependencies=PLAIN,
    **operation("addComment", "not-found", "refused", *POSTS, status=201),
)
async def add_comment(
    session: Session, actor: Editor, _once: Once, draft_id: DraftId, body: schemas.NewComment
) -> Response:
    """Comment on the draft or on one section; it changes nothing, so it needs no If-Match."""
    row = await kept(session, draft_id)
    document = revisions.document(await revisions.latest(session, row))
    made = await comments.add(
        session, actor, row, body.text, section=body.section, sections=len(document.sections)
    )
    await session.refresh(made)
    return private(schemas.Comment.model_validate(made), status=201)


@router.post(
    "/drafts/{id}/comments/{comment}/resolve",
    response_model=schemas.Comment,
    dependencies=PLAIN,
    **operation("resolveComment", "not-found", *POSTS),
)
async def resolve_comment(
    session: Session,
    actor: Editor,
    _once: Once,
    draft_id: DraftId,
    comment_id: Annotated[UUID, Path(alias="comment", examples=["0197a3f2-6f3a-7c40-9a7e-1f2b3c4d5e6f"])],
) -> Response:
    """Mark a comment as settled; once settled it stays as it is."""
    row = await comments.resolve(session, actor, await found(session, draft_id), comment_id)
    if row is None:
        raise Problem("not-found", f"这一稿件没有编号为 {comment_id} 的意见。")
    return private(schemas.Comment.model_validate(row))
