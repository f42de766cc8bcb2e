"""What the operations for people who are known share: their description, headers and refusals."""

from collections.abc import Mapping
from typing import Any

from fastapi import Depends

from app.kit.parameters import no_parameters
from app.kit.problems import Problem, Reason, responses

ETAG = {"ETag": {"description": "For `If-Match`", "schema": {"type": "string"}}}
LINK = {"Link": {"description": 'The next page, `rel="next"`', "schema": {"type": "string"}}}
LOCATION = {"Location": {"description": "The address of what was made", "schema": {"type": "string"}}}

PLAIN = [Depends(no_parameters)]
"""The dependencies of an operation without query parameters."""


_SUCCESS = {200: "Found", 201: "Made", 202: "Accepted", 204: "Done"}


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
    success: dict[str, Any] = {"description": _SUCCESS[status]}
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
