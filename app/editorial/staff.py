"""The staff's accounts and logins."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.editorial import audit
from app.editorial.audit import Actor
from app.editorial.models import Staff, StaffToken
from app.editorial.refused import Refused
from app.editorial.workflow import Role
from app.kit import throttle
from app.kit.auth import hash_password, new_token, token_digest, verify_password
from app.kit.db import Database, new_id

TOKEN_LIFETIME = timedelta(hours=12)
WINDOW = timedelta(minutes=15)
MOST_ATTEMPTS = 5
"""Of one name from one address in a window; ten times as many of one name, or from one address."""

_FRESH = {"populate_existing": True}
_LOCK = 0x73746166  # "staf": one change of accounts at a time, so that an administrator is always left.


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """``token`` is shown this once."""

    staff: Staff
    row: StaffToken
    token: str


class TooManyAttemptsError(Exception):
    """``wait`` is the time until the next attempt counts."""

    def __init__(self, wait: timedelta) -> None:
        super().__init__(wait)
        self.wait = wait


async def count_attempt(database: Database, name: str, ip: str) -> None:
    """Count a try of a password before it is looked at; it stays counted when the password is wrong.

    :raises TooManyAttemptsError: not even the right password would be taken now.
    """
    limits = {
        _attempts(name, ip): MOST_ATTEMPTS,
        _attempts(name, "*"): 10 * MOST_ATTEMPTS,
        _attempts("*", ip): 10 * MOST_ATTEMPTS,
    }
    async with database.session() as session:
        waits = [await throttle.attempt(session, key, most, WINDOW) for key, most in sorted(limits.items())]
    if over := [wait for wait in waits if wait is not None]:
        raise TooManyAttemptsError(max(over))


async def log_in(
    session: AsyncSession, name: str, password: str, *, ip: str, user_agent: str
) -> LoggedIn | None:
    """A new login; None when name and password do not fit or the account is disabled."""
    staff = await session.scalar(select(Staff).where(Staff.name == name, ~Staff.disabled))
    if not await verify_password(password, staff.password_hash if staff else None):
        return None
    # Again, and held: meanwhile the account may have been disabled or its password reset.
    same = Staff.password_hash == (staff.password_hash if staff else None)
    held = select(Staff).where(Staff.name == name, same, ~Staff.disabled).with_for_update(read=True)
    staff = await session.scalar(held, execution_options=_FRESH)
    if staff is None:
        return None
    token = new_token("nqpf")
    row = StaffToken(
        id=new_id(),
        staff_id=staff.id,
        digest=token_digest(token),
        ip=ip,
        user_agent=user_agent[:200],
        expires_at=await _in(session, TOKEN_LIFETIME),
    )
    session.add(row)
    await session.flush()
    await session.refresh(row)
    await throttle.forgive(session, [_attempts(name, ip)])
    return LoggedIn(staff, row, token)


def _attempts(name: str, ip: str) -> str:
    return f"login:{name}@{ip}"


async def _in(session: AsyncSession, time: timedelta) -> datetime:
    moment = await session.scalar(select(func.now() + time))
    assert isinstance(moment, datetime)  # noqa: S101 - a time and an interval make one
    return moment


async def tokens(session: AsyncSession, staff_id: UUID) -> Sequence[StaffToken]:
    """The account's logins that have not expired, the newest first."""
    query = select(StaffToken).where(StaffToken.staff_id == staff_id, StaffToken.expires_at > func.now())
    return (await session.scalars(query.order_by(StaffToken.created_at.desc(), StaffToken.id.desc()))).all()


async def revoke(session: AsyncSession, actor: Actor, token_id: UUID) -> bool:
    """End one of the actor's own logins; False when there is none of this id."""
    query = delete(StaffToken).where(StaffToken.id == token_id, StaffToken.staff_id == actor.id)
    ended = await session.scalar(query.returning(StaffToken.id))
    if ended is not None:
        await audit.record(session, actor, "token.revoke", f"token:{token_id}")
    return ended is not None


async def change_password(session: AsyncSession, actor: Actor, current: str, new: str) -> None:
    """Set the actor's own password; all other logins end.

    :raises Refused: the current password is another one.
    """
    staff = await session.get_one(Staff, actor.id)
    if not await verify_password(current, staff.password_hash):
        raise Refused("password.wrong", "现在的密码不对。")
    staff.password_hash = await hash_password(new)
    others = delete(StaffToken).where(StaffToken.staff_id == actor.id, StaffToken.id != actor.token_id)
    await session.execute(others)
    await throttle.forgive(session, [_attempts(staff.name, actor.ip)])
    await audit.record(session, actor, "staff.password", f"staff:{staff.name}")


async def add(
    session: AsyncSession, actor: Actor, name: str, display_name: str, role: Role, password: str
) -> Staff:
    """Create an account.

    :raises Refused: the name is taken.
    """
    values = {"name": name, "display_name": display_name, "role": role.value}
    hashed = await hash_password(password)
    made = insert(Staff).values(id=new_id(), **values, password_hash=hashed).on_conflict_do_nothing()
    staff: Staff | None = await session.scalar(made.returning(Staff))
    if staff is None:
        raise Refused("name.taken", f"已有名为 {name} 的账号。")
    await audit.record(session, actor, "staff.add", f"staff:{name}", after=values)
    return staff


async def find(session: AsyncSession, name: str) -> Staff | None:
    """The account of this name."""
    return await session.scalar(select(Staff).where(Staff.name == name))


async def lock(session: AsyncSession, name: str) -> Staff | None:
    """The account of this name, held for a change."""
    await session.execute(select(func.pg_advisory_xact_lock(_LOCK)))
    query = select(Staff).where(Staff.name == name).with_for_update()
    return await session.scalar(query, execution_options=_FRESH)


async def change(
    session: AsyncSession,
    actor: Actor,
    staff: Staff,
    *,
    display_name: str | None = None,
    role: Role | None = None,
    disabled: bool | None = None,
) -> None:
    """Change what is not None of a locked account; disabling it ends its logins.

    :raises Refused: no administrator would be left.
    """
    before = {"display_name": staff.display_name, "role": staff.role, "disabled": staff.disabled}
    staff.display_name = staff.display_name if display_name is None else display_name
    staff.role = staff.role if role is None else role.value
    staff.disabled = staff.disabled if disabled is None else disabled
    await session.flush()
    was_administrator = before["role"] == Role.administrator and not before["disabled"]
    left = select(func.count()).where(Staff.role == Role.administrator, ~Staff.disabled)
    if was_administrator and not await session.scalar(left):
        raise Refused("administrator.last", "至少要留下一位管理员。")
    if staff.disabled:
        await session.execute(delete(StaffToken).where(StaffToken.staff_id == staff.id))
    after = {"display_name": staff.display_name, "role": staff.role, "disabled": staff.disabled}
    await audit.record(session, actor, "staff.change", f"staff:{staff.name}", before=before, after=after)


async def reset_password(session: AsyncSession, actor: Actor, staff: Staff, password: str) -> None:
    """Give a locked account a new password; all its logins end."""
    staff.password_hash = await hash_password(password)
    await session.execute(delete(StaffToken).where(StaffToken.staff_id == staff.id))
    await audit.record(session, actor, "staff.reset", f"staff:{staff.name}")


async def everybody(session: AsyncSession) -> Sequence[Staff]:
    """All accounts by name, the disabled ones too."""
    return (await session.scalars(select(Staff).order_by(Staff.name))).all()


async def forget_old(session: AsyncSession) -> None:
    """Delete logins that have expired."""
    await session.execute(delete(StaffToken).where(StaffToken.expires_at <= func.now()))
