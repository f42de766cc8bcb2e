"""The only writer of content: importing files, publishing revisions."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter, ValidationError
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.bulletins import successors
from app.bulletins.curate import curate
from app.bulletins.document import BulletinDocument, Text
from app.bulletins.events import BulletinCorrected, BulletinPublished, BulletinWithdrawn
from app.bulletins.live import UnknownTagError
from app.bulletins.schedule import plan
from app.bulletins.taxonomy import Taxonomy
from app.editorial import revisions, taxonomy
from app.editorial.models import Draft, Revision, SourceFile
from app.editorial.provenance import over_edits, revision_of, superseded, with_finding
from app.editorial.refused import NO_REASON, NOT_PUBLIC, Refused, date_published, unknown_tags, with_errors
from app.editorial.sameness import paragraphs, same_text, unrelated
from app.editorial.workflow import STATE_NAMES, State
from app.ingest.report import Finding, ImportReport, ImportResult, Severity
from app.kit.changes import ChangeLog

RECENT = 50
"""A corrected date is looked for among so many drafts, those saved last."""

_LOCK = 0x6E717069
"""Imports wait for each other: which draft a file belongs to depends on all of them."""

MAX_NOTE = 2_000

_NOTE: TypeAdapter[str] = TypeAdapter(Annotated[Text, Field(max_length=MAX_NOTE)])


@dataclass(frozen=True, slots=True)
class Imported:
    """``revision`` is the draft's latest number; ``slug`` is None where its date is unknown.

    ``report`` is that of the file, with what its draft makes of it; ``formerly`` is the slug that the draft
    had until now, when its date was corrected. ``superseded`` says that the file is the source of an
    earlier revision, and the later ones stand.
    """

    draft: Draft
    outcome: Literal["created", "revised", "unchanged"]
    report: ImportReport
    formerly: str | None = None
    superseded: bool = False

    @property
    def slug(self) -> str | None:
        return self.draft.slug

    @property
    def revision(self) -> int:
        return self.draft.latest_revision


@dataclass(frozen=True, slots=True)
class Published:
    slug: str
    version: int
    outcome: Literal["published", "unchanged"]


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """``version`` is the withdrawal's own number."""

    slug: str
    version: int


async def import_file(
    session: AsyncSession, result: ImportResult, source: bytes, *, author: str, note: str = ""
) -> Imported:
    """Make the imported document the latest revision of its bulletin's draft.

    The bulletin is known by its date; one whose date is new or missing, by the file or its text (see
    :mod:`app.editorial.sameness`). The same file or document again changes nothing, unless other findings
    refuse its publication now; a file that has been revised since never does.
    """
    document = result.document
    slug = document.slug if document.date else None
    await one_at_a_time(session)
    draft = await _draft(session, slug, document, result.report.sha256)
    if draft:
        compared = await _compared(session, draft, result)
        if isinstance(compared, Imported):
            return compared
        result = compared
    report = result.report
    outcome: Literal["created", "revised"] = "revised" if draft else "created"
    if draft is None:
        draft = Draft(slug=slug, latest_revision=0, version=0, state=State.draft)
        session.add(draft)
    elif draft.state in (State.approved, State.scheduled):
        raise Refused(
            "state.wrong", f"这一期的稿件{STATE_NAMES[State(draft.state)]}，不能再导入；请先在编辑台退回。"
        )
    elif draft.state != State.in_review:
        revisions.move(draft, State.draft)
    formerly = draft.slug
    if slug and not draft.version:
        draft.slug = slug
    await session.execute(
        insert(SourceFile)
        .values(sha256=report.sha256, name=report.file, content=source)
        .on_conflict_do_nothing()
    )
    await revisions.add(session, draft, document, report, author=author, note=note, source_file=report.sha256)
    formerly = formerly if formerly != draft.slug else None
    return Imported(draft=draft, outcome=outcome, report=report, formerly=formerly)


async def one_at_a_time(session: AsyncSession) -> None:
    """Wait for imports, and let them wait, until the transaction ends; comes before a draft is held."""
    await session.execute(select(func.pg_advisory_xact_lock(_LOCK)))


async def _draft(
    session: AsyncSession, slug: str | None, document: BulletinDocument, sha256: str
) -> Draft | None:
    locked = select(Draft).with_for_update()
    if slug is not None and (draft := await session.scalar(locked.where(Draft.slug == slug))):
        return draft
    # A withdrawn bulletin has left its date to others: the same text on a new date is a new bulletin.
    standing = (Draft.version == 0) | Draft.published_revision.is_not(None)
    same_file = select(Revision.draft_id).where(Revision.source_file == sha256)
    if draft := await session.scalar(locked.where(standing, Draft.id.in_(same_file)).limit(1)):
        return draft
    latest = (Revision.draft_id == Draft.id) & (Revision.number == Draft.latest_revision)
    candidates = select(Draft.id, Revision.document).join(Revision, latest).where(standing)
    recent = await session.execute(candidates.order_by(Revision.id.desc()).limit(RECENT))
    text = paragraphs(document)
    for draft_id, other in recent:
        if same_text(text, paragraphs(BulletinDocument.model_validate(other))):
            return await session.scalar(locked.where(Draft.id == draft_id))
    return None


async def _placed(session: AsyncSession, draft: Draft, result: ImportResult) -> ImportResult:
    """The result with a finding where the file's date and text do not belong to one issue."""
    document, slug = result.document, draft.slug
    public = draft.published_revision is not None
    number = draft.published_revision or draft.latest_revision
    revision = await revisions.get(session, draft, number)
    assert revision is not None  # noqa: S101 - the draft names it
    known = revisions.document(revision)
    if document.date and slug and document.slug != slug and public:
        refused = date_published(slug, document)
        finding = Finding(severity=Severity.error, code=refused.code, message=refused.message)
    elif document.date and document.slug == slug and unrelated(paragraphs(document), paragraphs(known)):
        severity = Severity.error if public else Severity.warning
        advice = "该期已经发布：确要整期替换，请先撤下。" if public else ""
        message = f"{slug} 期已有稿件，与本文件的正文几乎没有相同之处：请核对日期。{advice}"
        finding = Finding(severity=severity, code="text.unrelated", message=message)
    else:
        return result
    return with_finding(result, finding)


async def _compared(session: AsyncSession, draft: Draft, result: ImportResult) -> ImportResult | Imported:
    """What the draft makes of the result: nothing new, or findings besides."""
    last, sha256 = await revisions.latest(session, draft), result.report.sha256
    number = await revision_of(session, draft, sha256)
    if number is not None and last.source_file != sha256:
        report = with_finding(result, superseded(number, last)).report
        return Imported(draft=draft, outcome="unchanged", report=report, superseded=True)
    result = await _placed(session, draft, result)
    document = await successors.current(session, revisions.document(last))
    same_errors = revisions.errors(revisions.report(last)) == revisions.errors(result.report)
    if same_errors and (number is not None or document == result.document):
        return Imported(draft=draft, outcome="unchanged", report=result.report)
    return with_finding(result, over_edits(last)) if last.source_file is None else result


async def publish(session: AsyncSession, changes: ChangeLog, slug: str, *, note: str = "") -> Published:
    """Make the draft's latest revision public: live tables, change log and jobs in this transaction.

    :param note: what the public is told of this version, such as what it corrects (更正说明).
    :raises Refused: there is no such draft, its report has errors, a tag is unknown, or the note is no text.
    """
    note = _public_note(note)
    draft = await _draft_of(session, slug)
    # The draft's lock comes before the log's everywhere, so no two writers wait for each other.
    at = await changes.begin(session)
    revision = await revisions.latest(session, draft)
    document = await successors.current(session, revisions.document(revision))
    if draft.published_revision is not None:
        public = await revisions.get(session, draft, draft.published_revision)
        if public and await successors.current(session, revisions.document(public)) == document:
            revisions.move(draft, State.corrected if draft.version > 1 else State.published)
            await plan(session, draft.id, None)
            return Published(slug=slug, version=draft.version, outcome="unchanged")
    if document.date and document.slug != slug:
        raise date_published(slug, document)
    if messages := revisions.errors_of(revision):
        raise with_errors(messages)
    event = BulletinPublished if draft.published_revision is None else BulletinCorrected
    revisions.move(draft, State.published if draft.published_revision is None else State.corrected)
    draft.published_revision = revision.number
    draft.version += 1
    await plan(session, draft.id, None)
    try:
        await changes.record(session, event(document=document, version=draft.version, at=at, note=note))
    except UnknownTagError as error:
        raise unknown_tags(*error.slugs) from None
    return Published(slug=slug, version=draft.version, outcome="published")


async def withdraw(session: AsyncSession, changes: ChangeLog, slug: str, note: str) -> Withdrawn:
    """Take a bulletin from the public, all its versions; published again, it has a newer version.

    :param note: what the public is told instead of it (撤回说明).
    :raises Refused: there is no such draft, it is not public, or the note is empty or no text.
    """
    note = _public_note(note)
    if not note:
        raise Refused(*NO_REASON)
    draft = await _draft_of(session, slug)
    if draft.published_revision is None:
        raise Refused(*NOT_PUBLIC)
    at = await changes.begin(session)
    revisions.move(draft, State.withdrawn)
    draft.published_revision = None
    draft.version += 1
    await plan(session, draft.id, None)
    await changes.record(session, BulletinWithdrawn(slug=slug, version=draft.version, note=note, at=at))
    return Withdrawn(slug=slug, version=draft.version)


async def _draft_of(session: AsyncSession, slug: str) -> Draft:
    draft = await session.scalar(select(Draft).where(Draft.slug == slug).with_for_update())
    if draft is None:
        raise Refused("draft.missing", f"没有日期为 {slug} 的稿件。")
    return draft


def _public_note(note: str) -> str:
    try:
        return _NOTE.validate_python(note.replace("\r\n", "\n").strip())
    except ValidationError:
        raise Refused("note.invalid", f"说明不能超过 {MAX_NOTE} 字，也不能有控制字符。") from None


async def curate_tags(session: AsyncSession, changes: ChangeLog, curated: Taxonomy) -> set[str]:
    """Bring the tags to the taxonomy, as one public change; the slugs of those that it changed."""
    at = await changes.begin(session)
    slugs = await curate(session, curated)
    if slugs:
        await changes.record(session, await taxonomy.changed(session, slugs, at))
    return slugs
