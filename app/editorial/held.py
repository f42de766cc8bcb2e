"""Finding the draft that a request is about, and answering with it."""

from typing import Annotated
from uuid import UUID

from fastapi import Path, Request, Response
from sqlalchemy import select

from app.editorial import present, revisions
from app.editorial.audit import Actor
from app.editorial.models import Draft, Revision
from app.kit.caching import private
from app.kit.conditional import demand_match
from app.kit.problems import Problem
from app.kit.transactions import Session

DraftId = Annotated[UUID, Path(alias="id", examples=["0197a3f2-6f3a-7c40-9a7e-1f2b3c4d5e6f"])]


async def found(session: Session, draft_id: UUID) -> Draft:
    """The draft, to be read.

    :raises Problem: there is none.
    """
    row = await session.get(Draft, draft_id)
    if row is None:
        raise _missing(draft_id)
    return row


async def kept(session: Session, draft_id: UUID) -> Draft:
    """The draft, to be written about: nobody deletes it meanwhile.

    :raises Problem: there is none.
    """
    row = await session.scalar(
        select(Draft).where(Draft.id == draft_id).with_for_update(key_share=True, read=True)
    )
    if row is None:
        raise _missing(draft_id)
    return row


async def numbered(session: Session, row: Draft, number: int) -> Revision:
    """The draft's revision of this number.

    :raises Problem: there is none.
    """
    revision = await revisions.get(session, row, number)
    if revision is None:
        raise Problem("not-found", f"这一稿件没有修订 {number}。")
    return revision


async def held(session: Session, draft_id: UUID, if_match: str | None) -> Draft:
    """The draft, held for a change by one who has read it as it is.

    :raises Problem: there is none, or it has changed since.
    """
    row = await revisions.lock(session, draft_id)
    if row is None:
        raise _missing(draft_id)
    demand_match(if_match, revisions.etag(row))
    return row


async def shown(
    request: Request, session: Session, row: Draft, actor: Actor, *, status: int = 200
) -> Response:
    """The draft as it is now, with its ETag."""
    headers = {"ETag": revisions.etag(row)}
    if status == 201:
        headers["Location"] = f"/v1/editorial/drafts/{row.id}"
    four_eyes = request.app.state.settings.four_eyes
    return private(
        await present.whole(session, row, actor, four_eyes=four_eyes), status=status, headers=headers
    )


def _missing(draft_id: UUID) -> Problem:
    return Problem("not-found", f"没有编号为 {draft_id} 的稿件。")
