"""Logging in and out, and one's own account."""

from typing import Annotated
from uuid import UUID

from fastapi import Path, Request, Response

from app.editorial import audit, schemas, staff
from app.editorial.access import Editor, Oneself, address, requested
from app.editorial.answers import desk_router
from app.editorial.audit import Actor
from app.editorial.models import Staff, StaffToken
from app.editorial.workflow import Role
from app.kit.auth import unauthenticated
from app.kit.caching import private
from app.kit.operations import PLAIN, operation
from app.kit.problems import Problem
from app.kit.transactions import Session

router = desk_router()


@router.post(
    "/tokens",
    response_model=schemas.LoggedIn,
    dependencies=PLAIN,
    **operation("logIn", "too-many-requests", "http", "too-large", status=201),
)
async def log_in(request: Request, session: Session, body: schemas.Login) -> Response:
    """Log in with name and password, for a bearer token of twelve hours.

    After five failures a name has to wait for a quarter of an hour. An `Idempotency-Key` is not taken:
    what it would keep is the token.
    """
    ip = address(request)
    await _count_attempt(request, body.name, ip)
    actor = Actor(name=body.name, role=Role.editor, ip=ip, request_id=requested(request))
    agent = request.headers.get("user-agent", "")
    found = await staff.log_in(session, body.name, body.password, ip=ip, user_agent=agent)
    if found is None:
        async with request.app.state.database.session() as lasting:
            await audit.record(lasting, actor, "token.refuse", f"staff:{body.name}")
        raise unauthenticated("名字或密码不对，或账号已停用。")
    await audit.record(session, actor, "token.create", f"token:{found.row.id}")
    shown = schemas.LoggedIn(
        token=found.token, login=_token(found.row, found.row.id), staff=_staff(found.staff)
    )
    return private(shown, status=201)


@router.get("/tokens", response_model=schemas.TokenList, dependencies=PLAIN, **operation("listTokens"))
async def list_tokens(session: Session, actor: Editor) -> Response:
    """One's own logins that have not expired, the newest first."""
    rows = await staff.tokens(session, _id(actor))
    return private(schemas.TokenList(items=[_token(row, actor.token_id) for row in rows]))


@router.delete("/tokens/current", dependencies=PLAIN, **operation("logOut", status=204))
async def log_out(session: Session, actor: Oneself) -> Response:
    """End the login of this request."""
    assert actor.token_id is not None  # noqa: S101 - it came with a token
    await staff.revoke(session, actor, actor.token_id)
    return private(None, status=204)


@router.delete("/tokens/{id}", dependencies=PLAIN, **operation("revokeToken", "not-found", status=204))
async def revoke_token(
    session: Session,
    actor: Oneself,
    token_id: Annotated[UUID, Path(alias="id", examples=["0197a3f2-6f3a-7c40-9a7e-1f2b3c4d5e6f"])],
) -> Response:
    """End one of one's own logins; when this has answered, nothing more is done in its name."""
    if not await staff.revoke(session, actor, token_id):
        raise Problem("not-found", f"您没有编号为 {token_id} 的登录。")
    return private(None, status=204)


@router.get("/me", response_model=schemas.StaffOut, dependencies=PLAIN, **operation("getMe"))
async def get_me(session: Session, actor: Editor) -> Response:
    """One's own account."""
    return private(_staff(await session.get_one(Staff, actor.id)))


@router.put(
    "/me/password",
    dependencies=PLAIN,
    **operation("changePassword", "refused", "too-many-requests", "http", "too-large", status=204),
)
async def change_password(
    request: Request, session: Session, actor: Oneself, body: schemas.NewPassword
) -> Response:
    """Set one's own password; all other logins end. Wrong ones count as failures to log in do."""
    await _count_attempt(request, actor.name, actor.ip)
    await staff.change_password(session, actor, body.current, body.new)
    return private(None, status=204)


async def _count_attempt(request: Request, name: str, ip: str) -> None:
    try:
        await staff.count_attempt(request.app.state.database, name, ip)
    except staff.TooManyAttemptsError as error:
        wait = {"Retry-After": str(int(error.wait.total_seconds()) + 1)}
        raise Problem("too-many-requests", "密码错误次数过多，请稍后再试。", headers=wait) from None


def _id(actor: Actor) -> UUID:
    assert actor.id is not None  # noqa: S101 - whoever has logged in has an account
    return actor.id


def _staff(row: Staff) -> schemas.StaffOut:
    return schemas.StaffOut.model_validate(row)


def _token(row: StaffToken, current: UUID | None) -> schemas.TokenOut:
    return schemas.TokenOut(
        id=row.id,
        ip=row.ip,
        user_agent=row.user_agent,
        created_at=row.created_at,
        expires_at=row.expires_at,
        current=row.id == current,
    )
