"""What a file that comes to a draft is to it: known, or new beside work of the desk."""

from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.editorial.models import Draft, Revision
from app.ingest.report import Finding, ImportResult, Severity

SHANGHAI = ZoneInfo("Asia/Shanghai")


async def revision_of(session: AsyncSession, draft: Draft, sha256: str) -> int | None:
    """The number of the latest revision that the file with this digest is the source of."""
    numbers = select(Revision.number).where(Revision.draft_id == draft.id, Revision.source_file == sha256)
    return await session.scalar(numbers.order_by(Revision.number.desc()).limit(1))


def superseded(number: int, last: Revision) -> Finding:
    """The note for a file that is the source of an earlier revision than the latest one."""
    message = (
        f"这个文件已是修订 {number} 的来源，之后的内容（至修订 {last.number}）保持不变；"
        f"要回到文件的内容，请在编辑台恢复修订 {number}。"
    )
    return Finding(severity=Severity.note, code="import.superseded", message=message)


def over_edits(last: Revision) -> Finding:
    """The warning for a file that stands above a revision made at the desk."""
    time = f"{last.created_at.astimezone(SHANGHAI):%Y-%m-%d %H:%M}"
    message = (
        f"编辑台在上次导入之后有过修改（修订 {last.number}，{last.author}，{time}），本文件不包含它们："
        f"请对照补入，或在编辑台恢复修订 {last.number}。"
    )
    return Finding(severity=Severity.warning, code="import.over-edits", message=message)


def with_finding(result: ImportResult, finding: Finding) -> ImportResult:
    """The result with one more finding in its report."""
    report = result.report
    report = report.model_copy(update={"findings": (*report.findings, finding)})
    return result.model_copy(update={"report": report})
