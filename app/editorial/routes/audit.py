"""The audit log, for administrators."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Query as QueryParameters
from fastapi import Request, Response
from sqlalchemy import select
from starlette.responses import StreamingResponse

from app.editorial import queries, schemas
from app.editorial.access import Administrator
from app.editorial.answers import LINK, desk_router, operation
from app.editorial.models import AuditEntry
from app.kit.caching import private
from app.kit.db import Database
from app.kit.pagination import Page, next_link
from app.kit.transactions import Session

LINES = "application/x-ndjson"

router = desk_router()

Filters = Annotated[queries.AuditFilters, QueryParameters()]
PageFilters = Annotated[queries.AuditQuery, QueryParameters()]


@router.get(
    "/audit",
    response_model=Page[schemas.AuditEntry],
    **operation("listAudit", "invalid-cursor", headers=LINK),
)
async def list_audit(
    request: Request, session: Session, _actor: Administrator, query: PageFilters
) -> Response:
    """Who did what, the newest first. Filters combine."""
    rows, cursor = await queries.audit_page(session, query)
    items = [schemas.AuditEntry.model_validate(row) for row in rows]
    return private(Page[schemas.AuditEntry](items=items, next=cursor), headers=next_link(request, cursor))


@router.get(
    "/audit/export",
    response_class=StreamingResponse,
    **operation("exportAudit", content={LINES: {"type": "string"}}),
)
async def export_audit(
    request: Request, _session: Session, _actor: Administrator, query: Filters
) -> Response:
    """The log by these filters, the oldest entry first, as lines of JSON (`application/x-ndjson`)."""
    headers = {
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "Content-Disposition": 'attachment; filename="audit.ndjson"',
    }
    lines = _lines(request.app.state.database, query)
    return StreamingResponse(lines, headers=headers, media_type=LINES)


async def _lines(database: Database, query: queries.AuditFilters) -> AsyncIterator[bytes]:
    entries = select(AuditEntry).where(*queries.audit_conditions(query)).order_by(AuditEntry.id)
    async with database.snapshot() as session:
        async for row in await session.stream_scalars(entries.execution_options(yield_per=500)):
            yield schemas.AuditEntry.model_validate(row).model_dump_json().encode() + b"\n"
