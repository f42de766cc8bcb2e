"""The right that each partners' operation says once, as the type of a parameter."""

from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPBearer
from fastapi.security.base import SecurityBase

from app.kit import idempotency
from app.kit.auth import unauthenticated
from app.kit.problems import Problem
from app.kit.transactions import Session
from app.partners.keys import Caller, Scope


class Right(SecurityBase):
    """A dependency that lets in whoever has a key for ``scope``, or any key without one."""

    def __init__(self, scope: Scope | None = None) -> None:
        self.scope = scope
        self.scheme_name = "partner"
        self.model = HTTPBearer(description="A key, `nqpf_live_…`, that the operators gave").model

    async def __call__(self, request: Request) -> Caller:
        caller: Caller | None = getattr(request.state, "caller", None)
        if caller is None:
            raise unauthenticated("A partner's key is needed: `Authorization: Bearer nqpf_live_…`.")
        if self.scope and self.scope not in caller.scopes:
            raise Problem("forbidden", f"This key has not the scope {self.scope!r}.")
        return caller


async def _once(request: Request, session: Session, key: idempotency.Key = None) -> None:
    caller: Caller = request.state.caller
    await idempotency.once(session, request, f"partner:{caller.partner_id}", key)


AnyKey = Annotated[Caller, Depends(Right())]
SyncKey = Annotated[Caller, Depends(Right("sync"))]
WebhooksKey = Annotated[Caller, Depends(Right("webhooks"))]
TopicsKey = Annotated[Caller, Depends(Right("topics"))]
Once = Annotated[None, Depends(_once)]
"""On every POST whose answer is no secret, after the right: with an ``Idempotency-Key`` it is done once."""
