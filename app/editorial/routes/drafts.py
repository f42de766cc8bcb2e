"""Drafts and their documents: read, written, put in order."""

from collections.abc import Callable
from typing import Annotated, Any
from uuid import UUID

from fastapi import Body, Path, Request, Response
from fastapi import Query as QueryParameters
from pydantic import Field, ValidationError

from app.bulletins.document import MAX_CITATIONS, MAX_SECTIONS, BulletinDocument
from app.editorial import commands, comments, drafts, present, queries, revisions, schemas
from app.editorial.access import Editor, Once
from app.editorial.answers import desk_router
from app.editorial.audit import Actor
from app.editorial.editing import patched, with_citations, with_item, with_sections
from app.editorial.held import DraftId, found, held, shown
from app.kit.caching import private
from app.kit.conditional import IfMatch
from app.kit.operations import ETAG, LINK, LOCATION, PLAIN, POSTS, WRITES, operation
from app.kit.pagination import Page, next_link
from app.kit.parameters import Query
from app.kit.problems import Problem, invalid, invalid_parameter
from app.kit.transactions import Session

router = desk_router()

_SAVES = ("not-found", "http", "too-large", *WRITES)

Patch = Annotated[
    dict[str, Any],
    Body(
        media_type="application/merge-patch+json",
        description="JSON Merge Patch (RFC 7396): null removes a member, a list replaces the whole list",
        examples=[{"abstract": "今日新质生产力动态集中在三个方面。"}],
    ),
]


class NoteQuery(Query):
    note: Annotated[
        schemas.Note, Field(description="What was changed and why", examples=["改正第二条的日期"])
    ] = ""


SaveNote = Annotated[NoteQuery, QueryParameters()]


@router.get(
    "/drafts",
    response_model=Page[schemas.DraftItem],
    **operation("listDrafts", "invalid-cursor", headers=LINK),
)
async def list_drafts(
    request: Request,
    session: Session,
    _actor: Editor,
    query: Annotated[queries.DraftsQuery, QueryParameters()],
) -> Response:
    """Drafts by the time they were created, the newest first. Filters combine."""
    rows, cursor = await queries.drafts(session, query)
    page = Page[schemas.DraftItem](items=[present.item(row) for row in rows], next=cursor)
    return private(page, headers=next_link(request, cursor))


@router.post(
    "/drafts",
    response_model=schemas.Draft,
    dependencies=PLAIN,
    **operation("createDraft", "refused", *POSTS, status=201, headers=ETAG | LOCATION),
)
async def create_draft(
    request: Request, session: Session, actor: Editor, _once: Once, body: schemas.NewDraft
) -> Response:
    """Begin a draft with a document; its date may still be unknown."""
    row = await drafts.create(session, request.app.state.images, actor, body.document, body.note)
    return await shown(request, session, row, actor, status=201)


@router.get(
    "/drafts/{id}",
    response_model=schemas.Draft,
    dependencies=PLAIN,
    **operation("getDraft", "not-found", headers=ETAG),
)
async def get_draft(request: Request, session: Session, actor: Editor, draft_id: DraftId) -> Response:
    """One draft: its latest document, what the checks say of it, what may be done with it."""
    return await shown(request, session, await found(session, draft_id), actor)


@router.delete(
    "/drafts/{id}",
    dependencies=PLAIN,
    **operation("deleteDraft", "not-found", *WRITES, status=204),
)
async def delete_draft(
    session: Session, actor: Editor, draft_id: DraftId, if_match: IfMatch = None
) -> Response:
    """Delete a draft that was never public and is not approved: its revisions, comments and kept files.

    Links to its preview end. The audit log keeps that it was there.
    """
    await commands.one_at_a_time(session)
    await drafts.delete(session, actor, await held(session, draft_id, if_match))
    return private(None, status=204)


@router.get(
    "/drafts/{id}/document",
    response_model=BulletinDocument,
    dependencies=PLAIN,
    **operation("getDraftDocument", "not-found", headers=ETAG),
)
async def get_draft_document(session: Session, _actor: Editor, draft_id: DraftId) -> Response:
    """The draft's latest document alone, as `replaceDraftDocument` takes it."""
    row = await found(session, draft_id)
    document = revisions.document(await revisions.latest(session, row))
    return private(document, headers={"ETag": revisions.etag(row)})


@router.put(
    "/drafts/{id}/document",
    response_model=schemas.Draft,
    **operation("replaceDraftDocument", *_SAVES, headers=ETAG),
)
async def replace_draft_document(
    request: Request,
    session: Session,
    actor: Editor,
    draft_id: DraftId,
    query: SaveNote,
    body: BulletinDocument,
    if_match: IfMatch = None,
) -> Response:
    """Save a whole document as the next revision; the same document again changes nothing."""
    return await _save(request, session, actor, draft_id, if_match, lambda _: body, query.note)


@router.patch(
    "/drafts/{id}/document",
    response_model=schemas.Draft,
    **operation("patchDraftDocument", *_SAVES, headers=ETAG),
)
async def patch_draft_document(
    request: Request,
    session: Session,
    actor: Editor,
    draft_id: DraftId,
    query: SaveNote,
    body: Patch,
    if_match: IfMatch = None,
) -> Response:
    """Save the document with a merge patch applied as the next revision."""
    return await _save(
        request, session, actor, draft_id, if_match, lambda document: patched(document, body), query.note
    )


@router.patch(
    "/drafts/{id}/document/sections/{number}",
    response_model=schemas.Draft,
    **operation("patchDraftSection", *_SAVES, headers=ETAG),
)
async def patch_draft_section(
    request: Request,
    session: Session,
    actor: Editor,
    draft_id: DraftId,
    number: Annotated[int, Path(ge=1, le=MAX_SECTIONS, examples=[2])],
    query: SaveNote,
    body: Annotated[Patch, Body(examples=[{"heading": "国家数据局发布湖北交通运输案例"}])],
    if_match: IfMatch = None,
) -> Response:
    """Save the document with a merge patch applied to one section: heading, blocks, tags."""

    def edit(document: BulletinDocument) -> BulletinDocument:
        return with_item(document, "sections", number, body)

    return await _save(request, session, actor, draft_id, if_match, edit, query.note)


@router.patch(
    "/drafts/{id}/document/citations/{number}",
    response_model=schemas.Draft,
    **operation("patchDraftCitation", *_SAVES, headers=ETAG),
)
async def patch_draft_citation(
    request: Request,
    session: Session,
    actor: Editor,
    draft_id: DraftId,
    number: Annotated[int, Path(ge=1, le=MAX_CITATIONS, examples=[1])],
    query: SaveNote,
    body: Annotated[Patch, Body(examples=[{"sections": [1, 3]}])],
    if_match: IfMatch = None,
) -> Response:
    """Save the document with a merge patch applied to one citation: reference, purpose, sections."""

    def edit(document: BulletinDocument) -> BulletinDocument:
        return with_item(document, "citations", number, body)

    return await _save(request, session, actor, draft_id, if_match, edit, query.note)


@router.put(
    "/drafts/{id}/document/section-order",
    response_model=schemas.Draft,
    **operation("orderDraftSections", *_SAVES, headers=ETAG),
)
async def order_draft_sections(
    request: Request,
    session: Session,
    actor: Editor,
    draft_id: DraftId,
    query: SaveNote,
    body: schemas.Order,
    if_match: IfMatch = None,
) -> Response:
    """Put sections into another order, or remove some, but not all; citations and comments follow them."""

    def edit(document: BulletinDocument) -> BulletinDocument:
        return with_sections(document, body.order)

    answer = await _save(request, session, actor, draft_id, if_match, edit, query.note)
    await comments.follow(session, await found(session, draft_id), body.order)
    return answer


@router.put(
    "/drafts/{id}/document/citation-order",
    response_model=schemas.Draft,
    **operation("orderDraftCitations", *_SAVES, headers=ETAG),
)
async def order_draft_citations(
    request: Request,
    session: Session,
    actor: Editor,
    draft_id: DraftId,
    query: SaveNote,
    body: schemas.Order,
    if_match: IfMatch = None,
) -> Response:
    """Put citations into another order, or remove some, but not all."""

    def edit(document: BulletinDocument) -> BulletinDocument:
        return with_citations(document, body.order)

    return await _save(request, session, actor, draft_id, if_match, edit, query.note)


async def _save(
    request: Request,
    session: Session,
    actor: Actor,
    draft_id: UUID,
    if_match: str | None,
    edit: Callable[[BulletinDocument], BulletinDocument],
    note: str,
) -> Response:
    def checked(document: BulletinDocument) -> BulletinDocument:
        try:
            return edit(document)
        except ValidationError as error:
            raise invalid(error) from None
        except LookupError:
            raise Problem("not-found", "There is no item of this number.") from None
        except ValueError as error:
            raise invalid_parameter("body", str(error)) from None

    row = await held(session, draft_id, if_match)
    await drafts.save(session, request.app.state.images, actor, row, checked, note)
    return await shown(request, session, row, actor)
