"""What the OpenAPI description says of every reading operation."""

from typing import Any

from pydantic import Field

from app.bulletins import examples, schemas
from app.bulletins.examples import Example
from app.kit.caching import JSON, SPARSE
from app.kit.parameters import one_of
from app.kit.problems import responses

Responses = dict[int | str, dict[str, Any]]

_VALIDATORS = {
    "ETag": {"description": "Strong; for `If-None-Match`", "schema": {"type": "string"}},
    "Last-Modified": {
        "description": "When public content last changed; left out for two seconds after a change",
        "schema": {"type": "string"},
    },
}
_LINK = {"Link": {"description": 'The next page, `rel="next"`', "schema": {"type": "string"}}}


def sparse_fields(model: type[schemas.Output]) -> tuple[Any, ...]:
    """What makes a parameter the choice among the fields of an object."""
    described = Field(
        description="Only these fields, separated by commas. The answer is then `" + SPARSE + "`."
    )
    return *one_of(*model.model_fields), described


def item(example: Example, *kinds: str) -> Responses:
    """The answers of an operation that gives one object, or the problem ``not-found``, or ``kinds``."""
    return _answers(example, "not-found", *kinds)


def listed(example: Example, *kinds: str) -> Responses:
    """The answers of an operation that gives pages of such objects, or problems of ``kinds``."""
    return _answers(examples.page(example), "invalid-cursor", *kinds, headers=_VALIDATORS | _LINK)


def _answers(example: Example, *kinds: str, headers: Any = _VALIDATORS) -> Responses:
    content = {JSON: {"example": example}, SPARSE: {"schema": {"type": "object"}}}
    return {
        200: {"description": "Found", "content": content, "headers": headers},
        304: {"description": "Unchanged since the `ETag` or the time that the request names"},
        **responses("invalid-parameter", *kinds, "unavailable"),
    }
