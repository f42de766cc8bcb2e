"""What an import has to say: findings with a severity, a stable code, a Chinese message and a position."""

from enum import StrEnum

from pydantic import Field

from app.bulletins.document import BulletinDocument, Line, Value, Words

MAX_BYTES = 20 * 2**20
"""A file that is longer is no bulletin."""


class Severity(StrEnum):
    """An error refuses publication, a warning does not, a note informs."""

    error = "error"
    warning = "warning"
    note = "note"


class Position(Value):
    """Where: a line of the file from 1, a page, a section or a citation by number; all may be unknown."""

    line: int | None = None
    page: int | None = None
    section: int | None = None
    citation: int | None = None


class Finding(Value):
    """``code`` is stable and English (``date.missing``), ``message`` is Chinese and for editors."""

    severity: Severity
    code: Words
    message: Words
    position: Position = Position()


class ImportReport(Value):
    """Everything noticed while reading one file, in the order of the file."""

    file: Words
    format: Line
    sha256: Words
    findings: tuple[Finding, ...] = ()

    @property
    def refuses_publication(self) -> bool:
        return any(finding.severity is Severity.error for finding in self.findings)


class ImportResult(Value):
    """``pictures`` are the files of the document's pictures by their ``src``, as far as they could be had."""

    document: BulletinDocument
    report: ImportReport
    pictures: dict[str, bytes] = Field(default={}, repr=False)


class UnreadableFileError(Exception):
    """The file gives no document at all. ``code`` is stable, ``message`` Chinese and names the file."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
