"""Uploading pictures, and seeing those that are not public yet."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import BaseModel

from app.editorial.images import add_image
from app.kit.image_sizes import FULL, MEDIA_TYPES, SIZES, ImageRefusedError
from app.kit.image_store import ImageStore
from app.kit.operations import PLAIN
from app.kit.problem_kinds import responses
from app.kit.problems import Problem, invalid_parameter
from app.kit.transactions import Transactional

_DESK = ("unauthenticated", "forbidden", "invalid-parameter", "unavailable")
_BINARY: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}
_BODY: dict[str, Any] = {
    "requestBody": {"required": True, "content": dict.fromkeys(MEDIA_TYPES.values(), _BINARY)}
}
_KEPT: dict[int | str, dict[str, Any]] = {
    200: {"description": "The picture", "content": dict.fromkeys(MEDIA_TYPES.values(), _BINARY)},
    **responses(*_DESK, "not-found"),
}


class UploadedImage(BaseModel):
    """``src`` is what an image block of a document names it by; width and height are in pixels."""

    sha256: str
    src: str
    media_type: str
    width: int
    height: int
    animated: bool
    sizes: list[str]


def image_router(editor: Callable[..., Any]) -> APIRouter:
    """The operations, for whoever the dependency ``editor`` lets in."""
    router = APIRouter(
        prefix="/v1/editorial/images",
        route_class=Transactional,
        dependencies=[Depends(editor), *PLAIN],
    )

    @router.post(
        "",
        status_code=201,
        operation_id="uploadImage",
        response_model=UploadedImage,
        responses=responses(*_DESK, "http", "too-large"),
        openapi_extra=_BODY,
    )
    async def upload_image(request: Request) -> UploadedImage:
        """Keep a JPEG, PNG, WebP or GIF of up to 10 MB; the body is the file. Again, it is the same picture.

        What is kept is encoded anew, in all sizes, without metadata.
        """
        images: ImageStore = request.app.state.images
        try:
            image = await add_image(images, request.stream())
        except ImageRefusedError as error:
            raise invalid_parameter("body", f"{error.code}：{error.message}") from None
        return UploadedImage(
            sha256=image.sha256,
            src=image.src,
            media_type=image.media_type,
            width=image.width,
            height=image.height,
            animated=image.animated,
            sizes=list(SIZES),
        )

    @router.get("/{sha256}/{size}", operation_id="getKeptImage", response_class=Response, responses=_KEPT)
    async def get_kept_image(
        request: Request,
        sha256: Annotated[str, Path(max_length=80)],
        size: Annotated[str, Path(max_length=40, description=f"One of {', '.join([FULL, *SIZES])}")],
    ) -> Response:
        """A picture, whether or not anything public shows it."""
        found = await request.app.state.images.get(sha256, size)
        if found is None:
            raise Problem("not-found", f"There is no picture {sha256} in the size {size!r}.")
        media_type, content = found
        headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
        return Response(content, media_type=media_type, headers=headers)

    return router
