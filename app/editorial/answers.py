"""What the operations of the desk share: their router, and that refusals are problems."""

from fastapi import APIRouter, Depends, FastAPI, Request, Response

from app.editorial.refused import Refused
from app.kit import problems
from app.kit.operations import refusal
from app.kit.parameters import once
from app.kit.transactions import Transactional


def desk_router() -> APIRouter:
    """A router of operations in one transaction each."""
    return APIRouter(prefix="/v1/editorial", route_class=Transactional, dependencies=[Depends(once)])


async def _on_refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)  # noqa: S101 - for the type checker
    return problems.answer(request, refusal("refused", error.reasons))


def install(app: FastAPI) -> None:
    """Answer refusals of all operations with problems."""
    app.add_exception_handler(Refused, _on_refused)
