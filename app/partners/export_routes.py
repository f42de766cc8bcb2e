"""Downloading exports, in one piece or in ranges."""

import asyncio
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Request, Response
from fastapi import Path as PathParameter
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import FileResponse, MalformedRangeHeader
from starlette.types import Message, Receive, Scope, Send

from app.bulletins import keys
from app.kit.caching import JSON, PUBLIC, reply
from app.kit.conditional import unchanged
from app.kit.db import Reader
from app.kit.operations import PLAIN, STRONG, reading
from app.kit.problems import Problem
from app.partners import export_shelf
from app.partners.export_files import MEDIA_TYPES
from app.partners.export_manifest import Export, Exports

EXAMPLE = {
    "name": "812-20260625T184100123456Z",
    "schema_version": 1,
    "seq": 812,
    "created_at": "2026-06-25T18:41:00.123456Z",
    "tables": {"bulletins": 540, "sections": 2680, "tags": 214, "references": 2102},
    "files": [
        {
            "name": "bulletins.ndjson.zst",
            "table": "bulletins",
            "media_type": "application/zstd",
            "bytes": 1403921,
            "sha256": "b5bb9d8014a0f9b1d61e21e796d78dccdf1352f23cd32812f4850b878ae4944c",
            "rows": 540,
        }
    ],
}

Name = Annotated[str, PathParameter(max_length=80, examples=[EXAMPLE["name"]])]
FileName = Annotated[str, PathParameter(max_length=80, examples=["bulletins.ndjson.zst"])]

_ABSENT = ("not-found", "export-withdrawn")

router = APIRouter(prefix="/v1/exports", dependencies=PLAIN)


def is_download(scope: Scope) -> bool:
    """Whether a file is asked for, which is too long to be kept and may be asked for in ranges."""
    path: str = scope["path"]
    return path.startswith(f"{router.prefix}/") and path.count("/") > 3


def _shelf(request: Request) -> Path:
    shelf: Path = request.app.state.exports
    return shelf


@router.get(
    "",
    operation_id="listExports",
    response_model=Exports,
    responses=reading({JSON: {"example": {"items": [EXAMPLE]}}}, validators=STRONG),
)
async def list_exports(request: Request, session: Reader) -> Response:
    """The whole copies that can be downloaded, the newest first; a name never changes its content.

    One that holds what has been withdrawn since is left out.
    """
    found = await asyncio.to_thread(export_shelf.exports, _shelf(request))
    return _reply(request, Exports(items=await export_shelf.usable(session, found)))


@router.get(
    "/{name}",
    operation_id="getExport",
    response_model=Export,
    responses=reading({JSON: {"example": EXAMPLE}}, *_ABSENT, validators=STRONG),
)
async def get_export(request: Request, session: Reader, name: Name) -> Response:
    """The manifest of an export: its files, their sizes, rows and SHA-256, and the change it includes."""
    return _reply(request, await _found(request, session, name))


@router.head("/{name}/{file}", include_in_schema=False, response_class=Response)
@router.get(
    "/{name}/{file}",
    operation_id="downloadExport",
    response_class=Response,
    responses={
        **reading(
            {each: {"schema": {"type": "string", "format": "binary"}} for each in MEDIA_TYPES.values()},
            *_ABSENT,
            "range-not-satisfiable",
            validators=STRONG,
        ),
        206: {"description": "The ranges that `Range` asks for"},
    },
)
async def download_export(request: Request, session: Reader, name: Name, file: FileName) -> Response:
    """A file of an export. `Range` and `If-Range` resume a download; requests are free of quota."""
    for described in (await _found(request, session, name)).files:
        if described.name == file:
            break
    else:
        raise Problem("not-found", f"The export {name} has no file {file!r}.")
    etag = f'"{described.sha256}"'
    headers = {"ETag": etag, "Cache-Control": "no-cache"}  # It may be withdrawn.
    if unchanged(request.headers.get("if-none-match"), None, {etag}, None):
        return Response(status_code=304, headers=headers)
    path = _shelf(request) / name / file
    return _Download(path, described.bytes, headers=headers, media_type=described.media_type)


def _reply(request: Request, found: Export | Exports) -> Response:
    # A withdrawal touches all that has this key. Of a new export no cache is told, so none keeps it longer.
    return reply(request, found, keys=[keys.CONTENT], modified=None, policy=PUBLIC)


async def _found(request: Request, session: AsyncSession, name: str) -> Export:
    found = await asyncio.to_thread(export_shelf.export, _shelf(request), name)
    if found is None:
        raise Problem("not-found", f"There is no export {name!r} (any more).")
    if not await export_shelf.usable(session, [found]):
        raise Problem("export-withdrawn", f"Something in {name} has been withdrawn: take a newer export.")
    return found


class _Download(FileResponse):
    """A file of so many bytes. Of ranges, those that are not understood are ignored (RFC 9110 §14.2)."""

    def __init__(self, path: Path, size: int, *, headers: dict[str, str], media_type: str) -> None:
        super().__init__(path, headers=headers, media_type=media_type)
        self.size = size

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def say(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == 416:
                raise Problem(
                    "range-not-satisfiable",
                    f"The file has {self.size} bytes.",
                    headers={"Content-Range": f"bytes */{self.size}"},
                )
            await send(message)

        if scope["method"] != "GET":
            scope = {**scope, "headers": [each for each in scope["headers"] if each[0] != b"range"]}
        await super().__call__(scope, receive, say)

    @classmethod
    def _parse_range_header(cls, http_range: str, file_size: int) -> list[tuple[int, int]]:
        try:
            return super()._parse_range_header(http_range, file_size)
        except MalformedRangeHeader:
            return []
