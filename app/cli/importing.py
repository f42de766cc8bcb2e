"""Taking one file into the database."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from app.bulletins.curate import taxonomy
from app.bulletins.taxonomy import Taxonomy
from app.editorial.commands import Imported, Published, import_file, publish
from app.editorial.images import keep_pictures
from app.editorial.refused import Refused, undated
from app.ingest.reader import content, read_bytes
from app.ingest.report import ImportReport, ImportResult, UnreadableFileError
from app.kit.db import Database
from app.kit.image_store import ImageStore
from app.wiring import changes


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a file was not taken or not published; ``code`` is stable, ``message`` Chinese."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class FileOutcome:
    """What became of one file. A refusal may stand beside ``imported``: taken, but not published.

    ``same_as`` is how the file was named before on the same command line; then nothing is done again.
    """

    file: str
    imported: Imported | None = None
    report: ImportReport | None = None
    published: Published | None = None
    refusal: Refusal | None = None
    same_as: str | None = None

    def as_json(self) -> dict[str, Any]:
        findings = self.report.findings if self.report else ()
        return {
            "file": self.file,
            "same_as": self.same_as,
            "slug": self.imported.slug if self.imported else None,
            "formerly": self.imported.formerly if self.imported else None,
            "outcome": self.imported.outcome if self.imported else None,
            "revision": self.imported.revision if self.imported else None,
            "version": self.published.version if self.published else None,
            "error": {"code": self.refusal.code, "message": self.refusal.message} if self.refusal else None,
            "findings": [finding.model_dump(mode="json") for finding in findings],
        }


async def import_path(
    database: Database, images: ImageStore, path: Path, *, note: str | None, author: str
) -> FileOutcome:
    """Read the file, make it a revision and publish that with its note; a refused file leaves no trace.

    :param note: the public note of the publication, which may be empty; None publishes nothing.
    """
    try:
        async with database.snapshot() as between:
            tags = await taxonomy(between)
        result, source = _read(path, tags)
    except UnreadableFileError as error:
        return FileOutcome(str(path), refusal=Refusal(error.code, error.message))
    result = await keep_pictures(images, result)
    try:
        async with database.session() as session:
            imported = await import_file(session, result, source, author=author)
    except Refused as error:
        return FileOutcome(str(path), report=result.report, refusal=Refusal(error.code, error.message))
    if note is None:
        return FileOutcome(str(path), imported, imported.report)
    try:
        async with database.session() as session:
            published = await publish(session, changes, _publishable(imported), note=note)
    except Refused as error:
        refusal = Refusal(error.code, error.message)
        return FileOutcome(str(path), imported, imported.report, refusal=refusal)
    return FileOutcome(str(path), imported, imported.report, published)


def _publishable(imported: Imported) -> str:
    """The slug of what may be published with the file.

    :raises Refused: it has no date, or what would be published is not the file's.
    """
    if imported.slug is None:
        raise undated()
    if imported.superseded and imported.draft.published_revision != imported.revision:
        message = f"这个文件之后另有未发布的修订 {imported.revision}：请在编辑台审核并发布。"
        raise Refused("import.superseded", message)
    return imported.slug


def _read(path: Path, tags: Taxonomy) -> tuple[ImportResult, bytes]:
    today = datetime.now(ZoneInfo("Asia/Shanghai")).date()
    if not path.name:  # "." and "/": the reader names files by their name.
        raise UnreadableFileError("file.not-a-file", f"{path}：不是文件，而是文件夹或设备。")
    source = content(path)
    return read_bytes(path.name, source, tags, today), source
