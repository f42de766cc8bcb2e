"""The staff's accounts, for administrators."""

import hashlib
from typing import Annotated

from fastapi import Path, Response

from app.editorial import schemas, staff
from app.editorial.access import Administrator, AdministratorAlone, Once
from app.editorial.answers import desk_router
from app.editorial.models import Staff
from app.kit.caching import private
from app.kit.conditional import IfMatch, demand_match
from app.kit.operations import ETAG, LOCATION, PLAIN, POSTS, WRITES, operation
from app.kit.parameters import Plain
from app.kit.problems import Problem
from app.kit.transactions import Session

StaffName = Annotated[Plain, Path(alias="name", max_length=64, examples=["zhang.wei"])]

router = desk_router()


@router.get("/staff", response_model=schemas.StaffList, dependencies=PLAIN, **operation("listStaff"))
async def list_staff(session: Session, _actor: Administrator) -> Response:
    """All accounts by name, the disabled ones too."""
    rows = await staff.everybody(session)
    return private(schemas.StaffList(items=[schemas.StaffOut.model_validate(row) for row in rows]))


@router.get(
    "/staff/{name}",
    response_model=schemas.StaffOut,
    dependencies=PLAIN,
    **operation("getStaff", "not-found", headers=ETAG),
)
async def get_staff(session: Session, _actor: Administrator, name: StaffName) -> Response:
    """One account."""
    return _shown(await staff.find(session, name), name)


@router.post(
    "/staff",
    response_model=schemas.StaffOut,
    dependencies=PLAIN,
    **operation("addStaff", "refused", *POSTS, status=201, headers=ETAG | LOCATION),
)
async def add_staff(session: Session, actor: Administrator, _once: Once, body: schemas.NewStaff) -> Response:
    """Create an account."""
    row = await staff.add(session, actor, body.name, body.display_name, body.role, body.password)
    return _shown(row, body.name, status=201)


@router.patch(
    "/staff/{name}",
    response_model=schemas.StaffOut,
    dependencies=PLAIN,
    **operation("changeStaff", "not-found", "http", "too-large", *WRITES, headers=ETAG),
)
async def change_staff(
    session: Session,
    actor: AdministratorAlone,
    name: StaffName,
    body: schemas.StaffChange,
    if_match: IfMatch = None,
) -> Response:
    """Change name, role or state of an account; a disabled one is logged out everywhere."""
    row = await _locked(session, name, if_match)
    await staff.change(
        session, actor, row, display_name=body.display_name, role=body.role, disabled=body.disabled
    )
    return _shown(row, name)


@router.put(
    "/staff/{name}/password",
    dependencies=PLAIN,
    **operation("resetPassword", "not-found", "http", "too-large", *WRITES, status=204),
)
async def reset_password(
    session: Session,
    actor: AdministratorAlone,
    name: StaffName,
    body: schemas.PasswordReset,
    if_match: IfMatch = None,
) -> Response:
    """Give an account a new password; it is logged out everywhere."""
    await staff.reset_password(session, actor, await _locked(session, name, if_match), body.password)
    return private(None, status=204)


async def _locked(session: Session, name: str, if_match: str | None) -> Staff:
    row = await staff.lock(session, name)
    if row is None:
        raise _missing(name)
    demand_match(if_match, _etag(row))
    return row


def _shown(row: Staff | None, name: str, status: int = 200) -> Response:
    if row is None:
        raise _missing(name)
    headers = {"ETag": _etag(row)} | ({"Location": f"/v1/editorial/staff/{name}"} if status == 201 else {})
    return private(schemas.StaffOut.model_validate(row), status=status, headers=headers)


def _etag(row: Staff) -> str:
    state = f"{row.display_name}\n{row.role}\n{row.disabled}\n{row.password_hash}"
    return f'"{hashlib.sha256(state.encode()).hexdigest()[:32]}"'


def _missing(name: str) -> Problem:
    return Problem("not-found", f"没有名为 {name} 的账号。")
