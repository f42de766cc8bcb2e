"""Importing bulletins' files over HTTP."""

from typing import Any

from fastapi import Request, Response
from starlette.datastructures import UploadFile

from app.bulletins.curate import taxonomy
from app.editorial import audit, present, revisions, schemas, steps
from app.editorial.access import EditorBetween, authenticate
from app.editorial.answers import desk_router
from app.editorial.commands import import_file
from app.editorial.images import keep_pictures
from app.editorial.reading import plain_name, read
from app.ingest.report import MAX_BYTES, ImportResult, UnreadableFileError
from app.kit import idempotency
from app.kit.caching import private
from app.kit.operations import ETAG, LOCATION, PLAIN, POSTS, operation, refusal
from app.kit.problems import Problem, invalid_parameter
from app.kit.transactions import Session

router = desk_router()

PATH = "/v1/editorial/imports"
MAX_BODY = MAX_BYTES + 64 * 1024
"""Bytes of the file, and of what stands around it in a multipart body."""

_FORM: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {
                            "type": "string",
                            "format": "binary",
                            "description": "A `.txt`, `.md`, `.docx` or `.pdf` file of up to 20 MB",
                        }
                    },
                }
            }
        },
    }
}

_OPERATION = operation(
    "importFile", "refused", "unreadable-file", *POSTS, status=201, headers=ETAG | LOCATION
)
_OPERATION["responses"][200] = {
    "model": schemas.Imported,
    "description": "Unchanged",
    "headers": ETAG | LOCATION,
}


@router.post(
    "/imports",
    response_model=schemas.Imported,
    dependencies=PLAIN,
    openapi_extra=_FORM,
    **_OPERATION,
)
async def import_bulletin(
    request: Request, session: Session, _actor: EditorBetween, key: idempotency.Key = None
) -> Response:
    """Read a bulletin's file into the draft of its date, with a report of what was found.

    The bulletin is known by its date, or by its text where the date was corrected or is missing. The same
    file or content again changes nothing (200), whatever the desk has made of it since. Another file over
    work of the desk is a revision that says so (`import.over-edits`). The file is kept with the revision.
    """
    name, data = await _file(request)
    try:
        async with request.app.state.database.snapshot() as between:
            tags = await taxonomy(between)
        result = await keep_pictures(request.app.state.images, await read(name, data, tags))
    except UnreadableFileError as error:
        raise refusal("unreadable-file", ((error.code, error.message),)) from None
    # Only now, as an upload may take long: who asks is looked at again, and held.
    actor = await authenticate(request, session, held=True)
    if key is not None:
        print_ = idempotency.fingerprint(request, name.encode() + b"\n" + data)
        await idempotency.claim(session, request, f"staff:{actor.id}", key, print_)
    return await _imported(request, session, actor, result, data)


async def _imported(
    request: Request, session: Session, actor: audit.Actor, result: ImportResult, data: bytes
) -> Response:
    imported = await import_file(session, result, data, author=actor.name)
    row = imported.draft
    await session.refresh(row)
    after = steps.facts(row) | {"file": imported.report.file, "sha256": imported.report.sha256}
    await audit.record(session, actor, f"import.{imported.outcome}", steps.subject(row), after=after)
    answer = schemas.Imported(
        outcome=imported.outcome,
        formerly=imported.formerly,
        report=imported.report,
        draft=await present.whole(session, row, actor, four_eyes=request.app.state.settings.four_eyes),
    )
    headers = {"ETag": revisions.etag(row), "Location": f"/v1/editorial/drafts/{row.id}"}
    return private(answer, status=200 if imported.outcome == "unchanged" else 201, headers=headers)


async def _file(request: Request) -> tuple[str, bytes]:
    """The uploaded file's name and bytes; on the way it lies on the disk."""
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise Problem("http", "A multipart/form-data body with the part `file` is expected.")
    async with request.form(max_files=1, max_fields=0) as form:
        file = form.get("file")
        if not isinstance(file, UploadFile) or not file.filename:
            raise invalid_parameter("file", "a file with a name is expected")
        return plain_name(file.filename), await file.read()
