"""A request that is sent again is answered as the first time and done once.

The key is claimed in the transaction that does the work, so both are kept or neither: a second request
with the same key waits for the first one's end.
"""

import hashlib
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import FastAPI, Header, Request, Response
from sqlalchemy import delete, func
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.db import Base
from app.kit.problems import Problem

KEPT = timedelta(hours=24)

Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        pattern=r"^[\x21-\x7e]{1,200}$",
        description="Makes it safe to send the request again: for 24 hours the same key and the same body "
        "get the first answer, with `Idempotency-Replayed: true`",
        examples=["0197a3f2-6f3a-7c40-9a7e-1f2b3c4d5e6f"],
    ),
]


class FinishedRequest(Base):
    """A request done under a key of its owner, with its answer."""

    __tablename__ = "finished_request"

    owner: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    fingerprint: Mapped[str]
    status: Mapped[int | None]
    headers: Mapped[list[list[str]] | None] = mapped_column(JSONB(none_as_null=True))
    body: Mapped[bytes | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now(), index=True)


class Replay(Exception):  # noqa: N818 - it carries an answer
    """The request has been answered before; ``response`` is the answer."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status_code)
        self.response = response


def fingerprint(request: Request, body: bytes) -> str:
    """What makes two requests the same: method, address and body."""
    digest = hashlib.sha256(f"{request.method} {request.url.path}?{request.url.query}\n".encode())
    digest.update(body)
    return digest.hexdigest()


async def once(session: AsyncSession, request: Request, owner: str, key: str | None) -> None:
    """Do the request once, where its owner has given it a key: :func:`claim` with its own fingerprint."""
    if key is not None:
        await claim(session, request, owner, key, fingerprint(request, await request.body()))


async def claim(session: AsyncSession, request: Request, owner: str, key: str, print_: str) -> None:
    """Take the key for this request, whose answer :func:`keep` stores; waits while another holds it.

    :raises Replay: it has been answered.
    :raises Problem: the key belongs to another request.
    """
    taken = insert(FinishedRequest).values(owner=owner, key=key, fingerprint=print_)
    new = await session.scalar(taken.on_conflict_do_nothing().returning(FinishedRequest.key))
    row = await session.get_one(FinishedRequest, (owner, key))
    if new is not None:
        request.state.claimed = row
        return
    if row.fingerprint != print_:
        raise Problem("idempotency-mismatch", f"Idempotency-Key {key} was used for another request.")
    response = Response(row.body, status_code=row.status or 200)
    response.raw_headers = [(name.encode(), value.encode()) for name, value in row.headers or ()]
    response.headers["Idempotency-Replayed"] = "true"
    raise Replay(response)


async def keep(session: AsyncSession, request: Request, response: Response) -> None:
    """Store the answer under the key that the request has claimed, if it has."""
    row: FinishedRequest | None = getattr(request.state, "claimed", None)
    if row is not None:
        row.status, row.body = response.status_code, bytes(response.body)
        row.headers = [[name.decode(), value.decode()] for name, value in response.raw_headers]
        await session.flush()


async def forget_old(session: AsyncSession) -> None:
    """Delete answers whose time is over."""
    await session.execute(delete(FinishedRequest).where(FinishedRequest.created_at < func.now() - KEPT))


async def _on_replay(request: Request, error: Exception) -> Response:  # noqa: ARG001 - a handler
    assert isinstance(error, Replay)  # noqa: S101 - for the type checker
    return error.response


def install(app: FastAPI) -> None:
    """Let ``app`` answer with what was answered before."""
    app.add_exception_handler(Replay, _on_replay)
