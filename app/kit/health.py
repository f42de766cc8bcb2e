"""Whether the process lives, and whether it can serve."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Request, Response
from fastapi import Query as QueryParameters
from pydantic import BaseModel, Field
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from app.kit.db import Reader
from app.kit.parameters import Query
from app.kit.problems import Problem, responses


class Health(BaseModel):
    status: Literal["ok"] = Field(examples=["ok"])


async def _now(response: Response, _query: Annotated[Query, QueryParameters()]) -> None:
    """An answer is true for one moment, and takes no parameters."""
    response.headers["Cache-Control"] = "no-store"


router = APIRouter(prefix="/health", tags=["health"], dependencies=[Depends(_now)])


@router.get("/live", operation_id="isLive", responses=responses("invalid-parameter"))
async def live() -> Health:
    """The process answers; it says nothing of the database."""
    return Health(status="ok")


@router.get("/ready", operation_id="isReady", responses=responses("invalid-parameter", "unavailable"))
async def ready(request: Request, session: Reader) -> Health:
    """The database answers and is at the migration this version needs."""
    try:
        found = await session.scalar(text("SELECT version_num FROM alembic_version"))
    except ProgrammingError:  # There is no such table: nothing has been migrated.
        found = None
    if found != request.app.state.migration:
        detail = f"The database is at migration {found or 'none'}."
        raise Problem("unavailable", detail, headers={"Retry-After": "10"})
    return Health(status="ok")
