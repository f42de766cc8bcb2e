"""Links to previews, and what they show."""

import asyncio
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from app.bulletins import examples, pictures
from app.bulletins.image_routes import Sha256
from app.bulletins.schemas import Bulletin
from app.editorial import audit, preview, revisions, schemas, steps
from app.editorial.access import Editor, Once
from app.editorial.answers import desk_router
from app.editorial.held import DraftId, found, numbered
from app.editorial.preview import Link, Links
from app.kit.caching import JSON, private
from app.kit.image_sizes import FULL
from app.kit.operations import PLAIN, POSTS, operation
from app.kit.problem_kinds import responses
from app.kit.problems import Problem
from app.kit.public_url import public_url
from app.kit.transactions import Session, Transactional
from app.rendering import editions
from app.rendering.edition import Site
from app.rendering.formats import FORMATS
from app.rendering.routes import alone

PATH = "/v1/previews"

Token = Annotated[str, Path(max_length=1_000, examples=["gAAAAABqa2Vu…"])]

_HIDDEN = {
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex, nofollow",
    # The address is the key: it is told to nobody.
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_PROBLEMS = responses(
    "invalid-parameter", "link-invalid", "not-found", "refused", "link-expired", "unavailable"
)

router = desk_router()
links = APIRouter(prefix=PATH, route_class=Transactional, dependencies=PLAIN)


@router.post(
    "/drafts/{id}/preview",
    response_model=schemas.PreviewLink,
    dependencies=PLAIN,
    **operation("createPreview", "not-found", "refused", *POSTS, status=201),
)
async def create_preview(
    request: Request,
    session: Session,
    actor: Editor,
    _once: Once,
    draft_id: DraftId,
    body: schemas.NewPreview,
) -> Response:
    """Make a link that shows the draft, to anybody who has it, as it would be public.

    It shows what is the latest revision by then, or the one that is named here; nothing any more once
    the draft is deleted or the bulletin withdrawn.
    """
    row = await found(session, draft_id)
    if body.revision:
        await numbered(session, row, body.revision)
    expires_at = await revisions.now(session) + timedelta(hours=body.hours)
    link = Link(row.id, body.revision, expires_at, row.version)
    await preview.shown(session, link)
    token = (await _links(request)).write(link)
    address = f"{public_url(request)}{PATH}/{token}"
    after = {"revision": body.revision, "expires_at": link.expires_at.isoformat()}
    await audit.record(session, actor, "draft.preview", steps.subject(row), after=after)
    made = schemas.PreviewLink(
        url=f"{address}.html", json_url=address, revision=body.revision, expires_at=link.expires_at
    )
    return private(made, status=201)


@links.get(
    "/{token}.html",
    operation_id="getPreviewPage",
    response_class=Response,
    responses={200: {"content": {"text/html": {"schema": {"type": "string"}}}}, **_PROBLEMS},
)
async def get_preview_page(request: Request, session: Session, token: Token) -> Response:
    """A draft as the page that it would be, with its pictures, for whoever has the link."""
    link = await _link(request, session, token)
    edition = editions.read(await preview.shown(session, link))
    form = FORMATS["html"]
    site = Site(public_url(request), images=f"{PATH}/{token}/images")
    page = form.render(edition, site)
    return Response(page, headers={**alone(site), **_HIDDEN}, media_type=form.media_type)


@links.get(
    "/{token}",
    operation_id="getPreview",
    response_model=Bulletin,
    responses={200: {"content": {JSON: {"example": examples.BULLETIN}}}, **_PROBLEMS},
)
async def get_preview(request: Request, session: Session, token: Token) -> Response:
    """A draft as `getBulletin` would answer if it were published now, for whoever has the link."""
    link = await _link(request, session, token)
    return Response(await preview.shown(session, link), headers=_HIDDEN, media_type=JSON)


@links.get(
    "/{token}/images/{sha256}",
    operation_id="getPreviewImage",
    response_class=Response,
    responses={
        200: {"content": {"image/*": {"schema": {"type": "string", "format": "binary"}}}},
        **_PROBLEMS,
    },
)
async def get_preview_image(request: Request, session: Session, token: Token, sha256: Sha256) -> Response:
    """A picture of a draft, for whoever has the link."""
    link = await _link(request, session, token)
    _, document = await preview.document_of(session, link)
    shown = sha256 in {name for _, name in pictures.stored(document)}
    image = await request.app.state.images.get(sha256, FULL) if shown else None
    if image is None:
        raise Problem("not-found", f"这一稿件没有图片 {sha256}。")
    media_type, content = image
    headers = {**alone(Site(public_url(request))), **_HIDDEN}
    return Response(content, headers=headers, media_type=media_type)


async def _link(request: Request, session: Session, token: str) -> Link:
    return (await _links(request)).read(token, await revisions.now(session))


async def _links(request: Request) -> Links:
    # In a thread: the first one loads a library, and its key may lie in a file.
    return await asyncio.to_thread(Links.of, request.app.state.settings)
