"""What the desk's API takes and answers."""

import re
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from app.bulletins.document import MAX_CITATIONS, MAX_SECTIONS, BulletinDocument
from app.editorial.workflow import Action, Role, State
from app.ingest.report import Finding, ImportReport
from app.kit.parameters import Flag, Moment, Plain, Whole


class Input(BaseModel):
    """A body: what is not known is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Output(BaseModel):
    model_config = ConfigDict(frozen=True, from_attributes=True)


MAX_REVISION = 2**31 - 1
LATEST = datetime(9999, 1, 1, tzinfo=UTC)
"""No moment after it can be told in every time zone."""

_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")


def _printable(value: str) -> str:
    if _CONTROLS.search(value):
        raise ValueError("control characters are not text")
    return value.strip()


def _said(value: str) -> str:
    if not value:
        raise ValueError("it is empty")
    return value


Note = Annotated[str, Field(max_length=2_000, examples=["改正第二条的日期"]), AfterValidator(_printable)]
"""A remark, which may be empty."""
Remark = Annotated[Note, Field(min_length=1), AfterValidator(_said)]
"""A remark that says something."""
Name = Annotated[
    str,
    Field(pattern=r"^[a-z0-9][a-z0-9._-]*$", max_length=64, description="To log in", examples=["zhang.wei"]),
]
DisplayName = Annotated[Remark, Field(max_length=100, examples=["张伟"])]
Password = Annotated[str, Field(min_length=10, max_length=200, examples=["一个很长的好密码 2026"])]
RoleField = Annotated[Role, Field(examples=["reviewer"])]


class Login(Input):
    name: Annotated[Plain, Field(max_length=64, examples=["zhang.wei"])]
    password: Annotated[str, Field(max_length=200, examples=["一个很长的好密码 2026"])]


class NewPassword(Input):
    current: Annotated[str, Field(max_length=200, examples=["一个很长的好密码 2026"])]
    new: Password


class NewStaff(Input):
    name: Name
    display_name: DisplayName
    role: RoleField
    password: Password


class StaffChange(Input):
    """What is left out stays as it is."""

    display_name: DisplayName | None = Field(default=None, examples=["张伟"])
    role: Role | None = Field(default=None, examples=["reviewer"])
    disabled: Flag | None = Field(default=None, examples=[False])


class PasswordReset(Input):
    password: Password


class StaffOut(Output):
    name: str = Field(examples=["zhang.wei"])
    display_name: str = Field(examples=["张伟"])
    role: Role = Field(examples=["reviewer"])
    disabled: bool = Field(examples=[False])
    created_at: AwareDatetime = Field(examples=["2026-06-24T09:00:00Z"])


class StaffList(Output):
    items: list[StaffOut]


class TokenOut(Output):
    id: UUID = Field(examples=["0197a3f2-6f3a-7c40-9a7e-1f2b3c4d5e6f"])
    ip: str = Field(description="Where one logged in from", examples=["192.0.2.7"])
    user_agent: str = Field(examples=["Mozilla/5.0"])
    created_at: datetime = Field(examples=["2026-06-25T00:30:00Z"])
    expires_at: datetime = Field(examples=["2026-06-25T12:30:00Z"])
    current: bool = Field(description="Whether it is the one of this request", examples=[True])


class TokenList(Output):
    items: list[TokenOut]


class LoggedIn(Output):
    token: str = Field(
        description="To be sent as `Authorization: Bearer …`; it is shown this once",
        examples=["nqpf_pK0Vv3Yk0r2Qm3vYqg3o1l7d1y5m2xwz4s8t6u9v0wA"],
    )
    login: TokenOut
    staff: StaffOut


class DraftItem(Output):
    """A draft as lists show it. ``revision`` is the latest one's number, ``author`` who wrote it."""

    id: UUID = Field(examples=["0197a3f2-6f3a-7c40-9a7e-1f2b3c4d5e6f"])
    slug: str | None = Field(description="None while the date is unknown", examples=["2026-06-25"])
    title: str = Field(examples=["新质生产力每日动态 2026-06-25"])
    state: State = Field(examples=["in_review"])
    author: str = Field(examples=["zhang.wei"])
    revision: int = Field(examples=[3])
    version: int = Field(description="The public version, 0 before the first", examples=[0])
    is_public: bool = Field(description="Whether readers see a version of it now", examples=[False])
    publish_at: datetime | None = Field(examples=["2026-06-25T07:00:00+08:00"])
    created_at: datetime = Field(examples=["2026-06-25T00:30:00Z"])
    updated_at: datetime = Field(examples=["2026-06-25T01:30:00Z"])


class ReasonOut(Output):
    code: str = Field(examples=["report.errors"])
    message: str = Field(examples=["有错误，请先改正：没有日期。"])


class ActionOut(Output):
    """What may be done with a draft now; ``missing`` says in Chinese why it may not."""

    action: Action = Field(examples=["approve"])
    name: str = Field(examples=["批准"])
    allowed: bool = Field(examples=[True])
    missing: list[ReasonOut] = Field(examples=[[]])


class Draft(DraftItem):
    """A draft with its latest document and what the checks say of it."""

    document: BulletinDocument
    findings: list[Finding]
    note: str = Field(description="The latest revision's", examples=["改正第二条的日期"])
    actions: list[ActionOut]


class NewDraft(Input):
    document: BulletinDocument
    note: Note = ""


class Order(Input):
    """Numbers as they are now, in the order that is wanted; what is left out is removed, but never all."""

    order: list[Annotated[Whole, Field(ge=1, le=MAX_CITATIONS)]] = Field(
        min_length=1, max_length=MAX_CITATIONS, examples=[[2, 1, 3]]
    )


class Restore(Input):
    revision: Annotated[Whole, Field(ge=1, le=MAX_REVISION, examples=[2])]
    note: Note = ""


class RevisionItem(Output):
    id: UUID = Field(examples=["0197a3f2-6f3a-7c40-9a7e-1f2b3c4d5e6f"])
    number: int = Field(examples=[3])
    author: str = Field(examples=["zhang.wei"])
    note: str = Field(examples=["改正第二条的日期"])
    created_at: datetime = Field(examples=["2026-06-25T01:30:00Z"])
    source: str | None = Field(description="Name of the imported file", examples=["2026-06-25.docx"])


class Revision(RevisionItem):
    document: BulletinDocument
    findings: list[Finding]


class NewPreview(Input):
    revision: Annotated[
        Whole | None,
        Field(ge=1, le=MAX_REVISION, description="None for the latest one at any time", examples=[3]),
    ] = None
    hours: Annotated[Whole, Field(ge=1, le=720, description="How long it shows the draft", examples=[72])] = (
        72
    )


class PreviewLink(Output):
    url: str = Field(description="The page", examples=["https://example.org/v1/previews/gAAAAABqa2Vu….html"])
    json_url: str = Field(examples=["https://example.org/v1/previews/gAAAAABqa2Vu…"])
    revision: int | None = Field(examples=[3])
    expires_at: datetime = Field(examples=["2026-06-28T01:30:00Z"])


class NewComment(Input):
    text: Annotated[Remark, Field(examples=["第二段的数字请再核对。"])]
    section: Annotated[
        Whole | None, Field(ge=1, le=MAX_SECTIONS, description="None for the whole draft", examples=[2])
    ] = None


class Comment(Output):
    id: UUID = Field(examples=["0197a3f2-6f3a-7c40-9a7e-1f2b3c4d5e6f"])
    revision: int = Field(description="The latest one when it was written", examples=[3])
    section: int | None = Field(description="Follows the section when its number changes", examples=[2])
    text: str = Field(examples=["第二段的数字请再核对。"])
    author: str = Field(examples=["li.na"])
    created_at: datetime = Field(examples=["2026-06-25T01:30:00Z"])
    resolved_at: datetime | None = Field(examples=[None])
    resolved_by: str | None = Field(examples=[None])


class Step(Input):
    note: Annotated[Note, Field(description="Why; public with a correction or a withdrawal (更正说明)")] = ""


class ScheduleStep(Step):
    publish_at: Moment = Field(
        lt=LATEST, description="When it goes out by itself", examples=["2026-06-25T07:00:00+08:00"]
    )


class Imported(Output):
    """What became of a file: ``formerly`` is the date that the draft had until now."""

    outcome: Literal["created", "revised", "unchanged"] = Field(examples=["created"])
    formerly: str | None = Field(examples=[None])
    report: ImportReport
    draft: Draft


class AuditEntry(Output):
    id: int = Field(examples=[1])
    at: datetime = Field(examples=["2026-06-25T01:30:00Z"])
    actor: str = Field(examples=["li.na"])
    action: str = Field(examples=["draft.approve"])
    object: str = Field(examples=["draft:2026-06-25"])
    before: dict[str, Any] | None = Field(examples=[{"state": "in_review", "revision": 3}])
    after: dict[str, Any] | None = Field(examples=[{"state": "approved", "revision": 3}])
    ip: str = Field(examples=["192.0.2.7"])
    request_id: str = Field(examples=["0197a3f2-6f3a-7c40-9a7e-1f2b3c4d5e6f"])


class Queue(Output):
    """What waits for the one who asks."""

    to_write: list[DraftItem] = Field(description="Drafts whose latest revision is one's own")
    to_review: list[DraftItem] = Field(description="In review, and one may approve them")
    to_publish: list[DraftItem] = Field(description="Approved, and one may publish them")


class CalendarDay(Output):
    date: date
    state: State | Literal["missing"] = Field(examples=["published"])
    draft: DraftItem | None


class Calendar(Output):
    """Days with a draft, and those until today without one, which are missing."""

    items: list[CalendarDay]


class Counts(Output):
    """How many drafts stand in each state."""

    draft: int = Field(examples=[2])
    in_review: int = Field(examples=[1])
    approved: int = Field(examples=[0])
    scheduled: int = Field(examples=[1])
    published: int = Field(examples=[176])
    corrected: int = Field(examples=[3])
    withdrawn: int = Field(examples=[0])
