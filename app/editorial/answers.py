"""What the operations of the desk share: their router, their problems, their refusals."""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Depends, FastAPI, Request, Response

from app.editorial.refused import Refused
from app.kit import problems
from app.kit.parameters import no_parameters, once
from app.kit.problems import Problem, Reason, responses
from app.kit.transactions import Transactional

ETAG = {"ETag": {"description": "For `If-Match`", "schema": {"type": "string"}}}
LINK = {"Link": {"description": 'The next page, `rel="next"`', "schema": {"type": "string"}}}
LOCATION = {"Location": {"description": "The address of what was made", "schema": {"type": "string"}}}


def desk_router() -> APIRouter:
    """A router of operations in one transaction each."""
    return APIRouter(prefix="/v1/editorial", route_class=Transactional, dependencies=[Depends(once)])


PLAIN = [Depends(no_parameters)]
"""The dependencies of an operation without query parameters."""


def operation(
    name: str,
    *kinds: str,
    status: int = 200,
    headers: Mapping[str, Any] | None = None,
    content: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The decorator's arguments for the operation ``name``: its status, headers and problems.

    :param content: the schemas of the answer by media type, where it is no JSON.
    """
    success: dict[str, Any] = {
        "description": "Done" if status == 204 else "Found" if status == 200 else "Made"
    }
    if headers:
        success["headers"] = dict(headers)
    if content:
        success["content"] = {kind: {"schema": schema} for kind, schema in content.items()}
    shared = ("unauthenticated", "forbidden", "invalid-parameter", "unavailable")
    return {
        "operation_id": name,
        "status_code": status,
        "responses": {status: success, **responses(*shared, *kinds)},
    }


WRITES = ("refused", "precondition-required", "precondition-failed")
"""The problems of an operation with If-Match."""
POSTS = ("idempotency-mismatch", "http", "too-large")
"""The problems of an operation with a body and Idempotency-Key."""


def refusal(kind: str, reasons: tuple[tuple[str, str], ...]) -> Problem:
    """The problem that tells editors what is missing."""
    return Problem(
        kind,
        " ".join(message for _, message in reasons),
        members={"reasons": [Reason(code=code, message=message) for code, message in reasons]},
    )


async def _on_refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)  # noqa: S101 - for the type checker
    return problems.answer(request, refusal("refused", error.reasons))


def install(app: FastAPI) -> None:
    """Answer refusals of all operations with problems."""
    app.add_exception_handler(Refused, _on_refused)
