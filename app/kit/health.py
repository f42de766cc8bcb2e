"""Whether the process lives, and whether it can serve."""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Annotated, Literal

import structlog
from fastapi import APIRouter, Depends, Request, Response
from fastapi import Query as QueryParameters
from pydantic import MISSING, BaseModel, Field
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from app.kit.asking import Asking
from app.kit.connections import PATIENCE
from app.kit.db import Database
from app.kit.parameters import Query
from app.kit.problem_kinds import responses
from app.kit.problems import Problem

log = structlog.get_logger(__name__)

Check = Callable[[], Awaitable[str | None]]
"""Says in one line what is wrong with a part that another stands in for; None while nothing is."""


class Health(BaseModel):
    status: Literal["ok"] = Field(examples=["ok"])


class Readiness(BaseModel):
    status: Literal["ok", "degraded"] = Field(
        description="`degraded`: all is served, but not by the parts that should", examples=["ok"]
    )
    degraded: list[str] | MISSING = Field(
        default=MISSING, description="Which parts fail; the log says why", examples=[["search"]]
    )


async def _now(response: Response, _query: Annotated[Query, QueryParameters()]) -> None:
    """An answer is true for one moment, and takes no parameters."""
    response.headers["Cache-Control"] = "no-store"


router = APIRouter(prefix="/health", tags=["health"], dependencies=[Depends(_now)])


@router.get("/live", operation_id="isLive", responses=responses("invalid-parameter"))
async def live() -> Health:
    """The process answers; it says nothing of the database."""
    return Health(status="ok")


@router.get("/ready", operation_id="isReady", responses=responses("invalid-parameter", "unavailable"))
async def ready(request: Request) -> Readiness:
    """The database answers and is at the migration this version needs."""
    asking: Asking[str, str] = request.app.state.asking
    try:
        found = await asking.answer("migration", partial(_migration, request.app.state.database), PATIENCE)
        detail = f"The database is at migration {found or 'none'}."
    except TimeoutError:
        found, detail = None, "The database does not answer."
    if found != request.app.state.migration:
        raise Problem("unavailable", detail, headers={"Retry-After": "10"})
    degraded = await _degraded(request.app.state.checks)
    return Readiness(status="degraded", degraded=degraded) if degraded else Readiness(status="ok")


async def _migration(database: Database) -> str:
    try:
        async with database.snapshot(public=True) as session:
            rows = await session.scalars(text("SELECT version_num FROM alembic_version ORDER BY 1"))
            return " and ".join(rows)
    except ProgrammingError:  # There is no such table: nothing has been migrated.
        return ""


async def _degraded(checks: Mapping[str, Check]) -> list[str]:
    failing = []
    for name, check in checks.items():
        if trouble := await check():
            log.warning("health.degraded", part=name, trouble=trouble)
            failing.append(name)
    return failing
