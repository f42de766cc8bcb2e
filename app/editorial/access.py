"""Who is asking, and the right that each operation says once, as the type of a parameter."""

import re
from typing import Annotated
from uuid import UUID

import structlog
from fastapi import Depends, Request
from fastapi.security import HTTPBearer
from fastapi.security.base import SecurityBase
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.editorial.audit import Actor
from app.editorial.models import Staff, StaffToken
from app.editorial.workflow import ROLE_NAMES, Role
from app.kit import idempotency
from app.kit.auth import bearer_token, token_digest, unauthenticated
from app.kit.db import new_id
from app.kit.problems import Problem
from app.kit.transactions import Session

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,100}")


class Right(SecurityBase):
    """A dependency that lets in whoever has the role, and gives the actor.

    A write holds the login and the account until it has committed: a login revoked or a role taken
    away before that waits, and once it is done, nothing more is written in its name.

    :param between: in a transaction of its own, for what takes long before it writes and asks again then.
    :param alone: for what changes the actor's own login or account: no two of those at once.
    """

    def __init__(self, role: Role, *, alone: bool = False, between: bool = False) -> None:
        self.role = role
        self.between = between
        self.alone = alone
        self.scheme_name = "staff"
        self.model = HTTPBearer(description="The token that `logIn` gave").model

    async def __call__(self, request: Request, session: Session) -> Actor:
        if self.between:
            async with request.app.state.database.snapshot() as own:
                actor = await authenticate(request, own, held=False)
        else:
            actor = await authenticate(request, session, held=request.method != "GET", alone=self.alone)
        if not actor.role.includes(self.role):
            raise Problem("forbidden", f"须由{ROLE_NAMES[self.role]}来做。")
        request.state.actor = actor
        return actor


async def authenticate(request: Request, session: AsyncSession, *, held: bool, alone: bool = False) -> Actor:
    """The owner of the request's token.

    :param held: keep login and account as they are until the transaction ends.
    :raises Problem: there is no such login, it has expired, or the account is disabled.
    """
    digest = token_digest(bearer_token(request))
    query = select(StaffToken.id, Staff).join(Staff, Staff.id == StaffToken.staff_id)
    query = query.where(StaffToken.digest == digest, StaffToken.expires_at > func.now(), ~Staff.disabled)
    if held:
        query = query.with_for_update(read=not alone)
    found: tuple[UUID, Staff] | None = (await session.execute(query)).one_or_none()
    if found is None:
        raise unauthenticated("This login is unknown, has expired or was revoked.")
    token_id, staff = found
    request_id = requested(request)
    structlog.contextvars.bind_contextvars(request_id=request_id, actor=staff.name)
    return Actor(
        name=staff.name,
        role=Role(staff.role),
        ip=address(request),
        request_id=request_id,
        id=staff.id,
        token_id=token_id,
    )


def requested(request: Request) -> str:
    """The request's name for logs: the plain one that a proxy or the client gave, else a new one."""
    given = request.headers.get("x-request-id", "")
    return given if _REQUEST_ID.fullmatch(given) else str(new_id())


def address(request: Request) -> str:
    """Where the request came from; uvicorn reads a trusted proxy's headers."""
    return request.client.host if request.client else ""


async def _once(request: Request, session: Session, key: idempotency.Key = None) -> None:
    actor: Actor = request.state.actor
    await idempotency.once(session, request, f"staff:{actor.id}", key)


Editor = Annotated[Actor, Depends(Right(Role.editor))]
Reviewer = Annotated[Actor, Depends(Right(Role.reviewer))]
Administrator = Annotated[Actor, Depends(Right(Role.administrator))]
EditorBetween = Annotated[Actor, Depends(Right(Role.editor, between=True))]
AdministratorAlone = Annotated[Actor, Depends(Right(Role.administrator, alone=True))]
"""An administrator who changes accounts, the own one perhaps."""
Oneself = Annotated[Actor, Depends(Right(Role.editor, alone=True))]
"""Anybody, for what changes the own login or account."""
Once = Annotated[None, Depends(_once)]
"""On every POST, after the right: with an ``Idempotency-Key`` the request is done once."""
