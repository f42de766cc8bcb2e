"""The partners' operations on themselves."""

import datetime as dt
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi import Query as QueryParameters
from pydantic import Field, ValidationInfo, field_validator

from app.kit.caching import private
from app.kit.days import shifted
from app.kit.db import Database
from app.kit.parameters import Day, Query, once
from app.kit.problem_kinds import responses
from app.partners import schemas, usage
from app.partners.access import AnyKey
from app.partners.gate import Gate

MAX_DAYS = 92

router = APIRouter(prefix="/v1/partners", dependencies=[Depends(once)])


class UsageQuery(Query):
    from_: Annotated[
        Day | None,
        Field(
            alias="from", description="On this date or later; 30 days ago without it", examples=["2026-06-01"]
        ),
    ] = None
    to: Annotated[
        Day | None, Field(description="On this date or earlier; today without it", examples=["2026-06-30"])
    ] = None

    @field_validator("to")
    @classmethod
    def _ordered(cls, to: dt.date | None, info: ValidationInfo) -> dt.date | None:
        first = info.data.get("from_")
        if to and first and not 0 <= (to - first).days < MAX_DAYS:
            raise ValueError(f"it is earlier than from, or {MAX_DAYS} days later")
        return to


@router.get(
    "/usage",
    operation_id="getUsage",
    response_model=schemas.UsageReport,
    responses=responses("invalid-parameter", "unavailable"),
)
async def get_usage(
    request: Request, caller: AnyKey, query: Annotated[UsageQuery, QueryParameters()]
) -> Response:
    """What the partner's keys have asked for, by day, key and route; it may lag by some seconds."""
    gate: Gate = request.app.state.gate
    database: Database = request.app.state.database
    last = query.to or dt.datetime.now(usage.SHANGHAI).date()
    first = query.from_ or shifted(last, -30)
    await gate.tally.write()
    async with database.snapshot() as session:
        rows = await usage.between(session, caller.partner_id, first, last)
    items = [
        schemas.DailyUsage(
            day=row.day,
            key=prefix,
            route=row.route,
            requests=row.requests,
            unchanged=row.unchanged,
            refused=row.refused,
        )
        for row, prefix in rows
    ]
    quotas = [
        schemas.Quota(window=rate.name, seconds=rate.seconds, requests=rate.quota)
        for rate in gate.rates(caller.plan)
    ]
    report = schemas.UsageReport(partner=caller.partner, plan=caller.plan, quotas=quotas, items=items)
    return private(report)
