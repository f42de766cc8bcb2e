"""What the OpenAPI description says of every reading operation."""

from typing import Any

from pydantic import Field

from app.bulletins import examples, schemas
from app.bulletins.examples import Example
from app.kit.caching import JSON, SPARSE
from app.kit.operations import Responses, reading
from app.kit.parameters import one_of


def sparse_fields(model: type[schemas.Output]) -> tuple[Any, ...]:
    """What makes a parameter the choice among the fields of an object."""
    described = Field(
        description="Only these fields, separated by commas. The answer is then `" + SPARSE + "`."
    )
    return *one_of(*model.model_fields), described


def item(example: Example, *kinds: str) -> Responses:
    """The answers of an operation that gives one object, or the problem ``not-found``, or ``kinds``."""
    return reading(_sparse(example), "not-found", *kinds)


def listed(example: Example, *kinds: str) -> Responses:
    """The answers of an operation that gives pages of such objects, or problems of ``kinds``."""
    return reading(_sparse(examples.page(example)), "invalid-cursor", *kinds)


def _sparse(example: Example) -> dict[str, Any]:
    return {JSON: {"example": example}, SPARSE: {"schema": {"type": "object"}}}
