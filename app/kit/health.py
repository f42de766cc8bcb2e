"""Whether the process lives, and whether it can serve."""

from typing import Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel
from sqlalchemy import text

from app.kit.db import Reader
from app.kit.problems import Problem, responses

router = APIRouter(prefix="/health", tags=["health"])


class Health(BaseModel):
    status: Literal["ok"]


@router.get("/live", operation_id="isLive")
async def live() -> Health:
    """The process answers; it says nothing of the database."""
    return Health(status="ok")


@router.get("/ready", operation_id="isReady", responses=responses())
async def ready(request: Request, session: Reader) -> Health:
    """The database answers and is at the migration this version needs."""
    found = await session.scalar(text("SELECT version_num FROM alembic_version"))
    if found != request.app.state.migration:
        raise Problem("unavailable", f"The database is at migration {found}.", headers={"Retry-After": "10"})
    return Health(status="ok")
