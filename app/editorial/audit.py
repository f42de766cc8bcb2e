"""The audit log: who did what, written in the transaction that does it."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.editorial.models import AuditEntry
from app.editorial.workflow import Role
from app.kit.db import new_id


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, and from where. ``id`` and ``token_id`` are None for the command line and the clock."""

    name: str
    role: Role
    ip: str = ""
    request_id: str = ""
    id: UUID | None = None
    token_id: UUID | None = None


def operator(name: str) -> Actor:
    """Somebody at the command line, who has the machine and therefore every right."""
    return Actor(name=f"cli:{name}", role=Role.administrator, request_id=str(new_id()))


CLOCK = Actor(name="clock", role=Role.reviewer)
"""What was scheduled is done by the clock."""


async def record(
    session: AsyncSession,
    actor: Actor,
    action: str,
    subject: str,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    """Append an entry; it stands exactly if the transaction commits.

    :param action: such as ``draft.approve``
    :param subject: the object's kind and name, such as ``draft:2026-06-25``
    """
    session.add(
        AuditEntry(
            actor=actor.name,
            action=action,
            object=subject,
            before=before,
            after=after,
            ip=actor.ip,
            request_id=actor.request_id,
        )
    )
    await session.flush()
