"""Drafts and their revisions: finding, holding, adding."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.bulletins import successors
from app.bulletins.document import BulletinDocument, content_hash
from app.bulletins.models import Tag
from app.editorial.images import missing
from app.editorial.models import Draft, Revision
from app.editorial.workflow import State
from app.ingest.checks import check
from app.ingest.report import Finding, ImportReport, Position, Severity
from app.kit.image_store import ImageStore

SHANGHAI = ZoneInfo("Asia/Shanghai")

_OF_THE_FILE = frozenset({"date.ambiguous", "link.local", "text.unrelated"})
"""Errors that only the imported file shows; once the document is edited they are warnings to its reviewer."""

_OF_PICTURES = frozenset({"picture.missing", "picture.unreadable", "picture.too-many", "picture.refused"})
"""What says that a picture is not kept."""


async def lock(session: AsyncSession, draft_id: UUID) -> Draft | None:
    """The draft, held until the transaction ends."""
    query = select(Draft).where(Draft.id == draft_id).with_for_update()
    return await session.scalar(query, execution_options={"populate_existing": True})


async def get(session: AsyncSession, draft: Draft, number: int) -> Revision | None:
    """The draft's revision of this number."""
    return (await session.scalars(_numbered(draft, number))).one_or_none()


async def latest(session: AsyncSession, draft: Draft) -> Revision:
    """The draft's latest revision."""
    return (await session.scalars(_numbered(draft, draft.latest_revision))).one()


def _numbered(draft: Draft, number: int) -> Select[Revision]:
    return select(Revision).where(Revision.draft_id == draft.id, Revision.number == number)


def document(revision: Revision) -> BulletinDocument:
    return BulletinDocument.model_validate(revision.document)


def report(revision: Revision) -> ImportReport:
    return ImportReport.model_validate(revision.report)


def errors(found: ImportReport) -> list[Finding]:
    """What refuses publication."""
    return [finding for finding in found.findings if finding.severity is Severity.error]


def etag(draft: Draft) -> str:
    """Changes with every revision and every move."""
    return f'"{draft.latest_revision}.{draft.moves}"'


async def add(
    session: AsyncSession,
    draft: Draft,
    content: BulletinDocument,
    findings: ImportReport,
    *,
    author: str,
    note: str,
    source_file: str | None = None,
) -> Revision:
    """Make the document the latest revision of a held draft."""
    draft.latest_revision += 1
    draft.title = content.title
    draft.author = author
    draft.updated_at = datetime.now(UTC)
    await session.flush()
    revision = Revision(
        draft_id=draft.id,
        number=draft.latest_revision,
        document=content.model_dump(mode="json"),
        report=findings.model_dump(mode="json"),
        source_file=source_file,
        author=author,
        note=note,
    )
    session.add(revision)
    await session.flush()
    return revision


def move(draft: Draft, state: State, *, publish_at: datetime | None = None, note: str = "") -> None:
    """Set a held draft's state, and when and with which note it goes out by itself."""
    if (draft.state, draft.publish_at, draft.publish_note) != (state, publish_at, note):
        draft.state, draft.publish_at, draft.publish_note = state, publish_at, note
        draft.moves += 1


async def checked(
    session: AsyncSession,
    content: BulletinDocument,
    before: ImportReport | None,
    images: ImageStore | None,
) -> ImportReport:
    """The report of a document as it stands at the desk.

    :param before: the report of the revision that it was made from.
    :param images: where its pictures are; None when they are those of before.
    """
    earlier = before.findings if before else ()
    kept = [
        finding.model_copy(update={"severity": Severity.warning})
        for finding in earlier
        if finding.code in _OF_THE_FILE
    ]
    pictures = (
        await missing(images, content)
        if images
        else [finding for finding in earlier if finding.code in _OF_PICTURES]
    )
    findings = [*kept, *check(content, today()), *pictures, *await _unknown_tags(session, content)]
    digest = content_hash(content).removeprefix("sha256:")
    return ImportReport(file="desk", format="desk", sha256=digest, findings=tuple(findings))


async def _unknown_tags(session: AsyncSession, content: BulletinDocument) -> list[Finding]:
    slugs = content.tag_slugs
    known = set(await session.scalars(select(Tag.slug).where(Tag.slug.in_(slugs)))) if slugs else set()
    known |= (await successors.of_tags(session)).keys()
    return [
        Finding(
            severity=Severity.error,
            code="tag.unknown",
            message=f"标签“{tag.slug}”不存在：请改用已有的标签，或先建立它。",
            position=Position(section=section.number),
        )
        for section in content.sections
        for tag in section.tags
        if tag.slug not in known
    ]


def today() -> date:
    """The day in Asia/Shanghai."""
    return datetime.now(SHANGHAI).date()


async def now(session: AsyncSession) -> datetime:
    """The database's clock, which all processes share."""
    moment = await session.scalar(select(func.clock_timestamp()))
    assert isinstance(moment, datetime)  # noqa: S101 - for the type checker
    return moment


def errors_of(revision: Revision) -> Sequence[str]:
    """The messages of what refuses the revision's publication."""
    return [finding.message for finding in errors(report(revision))]
