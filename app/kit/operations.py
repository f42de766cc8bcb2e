"""What operations say of themselves in the description: their answers, headers and problems."""

from collections.abc import Mapping
from typing import Any

from fastapi import Depends

from app.kit.parameters import no_parameters
from app.kit.problem_kinds import Reason, responses
from app.kit.problems import Problem

Responses = dict[int | str, dict[str, Any]]

STRONG = {"ETag": {"description": "Strong; for `If-None-Match`", "schema": {"type": "string"}}}
VALIDATORS = STRONG | {
    "Last-Modified": {
        "description": "When public content last changed; left out for two seconds after a change",
        "schema": {"type": "string"},
    }
}
ETAG = {"ETag": {"description": "For `If-Match`", "schema": {"type": "string"}}}
LINK = {"Link": {"description": 'The next page, `rel="next"`', "schema": {"type": "string"}}}
LOCATION = {"Location": {"description": "The address of what was made", "schema": {"type": "string"}}}

PLAIN = [Depends(no_parameters)]
"""The dependencies of an operation without query parameters."""


def reading(content: Mapping[str, Any], *kinds: str, validators: Mapping[str, Any] = VALIDATORS) -> Responses:
    """The answers of an operation that anybody may read with: what it gives, or problems of ``kinds``.

    :param content: what it gives by media type. With ``invalid-cursor`` it is pages, which are linked.
    """
    headers = {**validators, **(LINK if "invalid-cursor" in kinds else {})}
    since = "the `ETag` or the time" if "Last-Modified" in validators else "the `ETag`"
    return {
        200: {"description": "Found", "content": dict(content), "headers": headers},
        304: {"description": f"Unchanged since {since} that the request names"},
        **responses("invalid-parameter", *kinds, "unavailable"),
    }


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
