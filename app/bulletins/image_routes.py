"""Pictures of published bulletins, in the sizes that readers need."""

import hashlib
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response

from app.bulletins import pictures
from app.kit.conditional import unchanged
from app.kit.db import Reader
from app.kit.image_sizes import FULL, MEDIA_TYPES, SIZES
from app.kit.operations import PLAIN
from app.kit.problem_kinds import responses
from app.kit.problems import Problem

Sha256 = Annotated[
    str, Path(max_length=80, examples=["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"])
]
Size = Annotated[str, Path(max_length=40, description=f"One of {', '.join(SIZES)}", examples=["w640"])]

router = APIRouter(prefix="/v1/images", dependencies=PLAIN)

_BINARY: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}
_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The picture; it never changes",
        "content": dict.fromkeys(MEDIA_TYPES.values(), _BINARY),
        "headers": {"ETag": {"description": "Strong; for `If-None-Match`", "schema": {"type": "string"}}},
    },
    304: {"description": "Unchanged since the `ETag` that the request names"},
    **responses("invalid-parameter", "not-found", "unavailable"),
}


@router.get("/{sha256}", operation_id="getImage", response_class=Response, responses=_ANSWERS)
async def get_image(request: Request, session: Reader, sha256: Sha256) -> Response:
    """A picture of a published bulletin, whose `src` is `sha256:` and this name, in its full size."""
    return await _image(request, session, sha256, FULL)


@router.get("/{sha256}/{size}", operation_id="getImageInSize", response_class=Response, responses=_ANSWERS)
async def get_image_in_size(request: Request, session: Reader, sha256: Sha256, size: Size) -> Response:
    """A picture no larger than needed: `w…` are WebP of that width, `wechat…` what WeChat takes."""
    return await _image(request, session, sha256, size)


async def _image(request: Request, session: Reader, sha256: str, size: str) -> Response:
    public = sha256.isalnum() and sha256.isascii() and await pictures.is_public(session, sha256)
    found = await request.app.state.images.get(sha256, size) if public else None
    if found is None:
        raise Problem("not-found", f"No published bulletin has a picture {sha256} in the size {size!r}.")
    media_type, content = found
    etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    headers = {
        "ETag": etag,
        "Cache-Control": "public, max-age=31536000, immutable",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; sandbox",
    }
    match = ", ".join(request.headers.getlist("if-none-match")) or None
    if unchanged(match, None, {etag}, None):
        return Response(status_code=304, headers=headers)
    return Response(content, media_type=media_type, headers=headers)
