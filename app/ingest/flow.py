"""What every format is read into before structure is looked for: a flow of lines, tables and images."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from app.ingest.report import Finding


@dataclass(frozen=True, slots=True)
class TextLine:
    """A line of text (a paragraph in Word), already without control characters or outer white space.

    ``text`` may be empty: a blank line. ``line`` counts from 1 in the file (or paragraph in Word),
    ``page`` from 1 where the format has pages. ``heading`` is the level of a heading style or of
    Markdown's ``#`` (1 is the document's title), ``item`` says that the format itself marks a list
    item, ``ordered`` that it is a numbered one. ``indented`` is true for a line that the file begins
    with Chinese paragraph indentation (two full-width blanks): such a line is never a heading.
    ``soft`` is true where the break after the line is only a page's or a layout's, so that the
    sentence may go on in the next one. ``closing`` is true for a blank line that the format itself
    defines as a paragraph's end, so that no sentence goes on behind it.
    """

    text: str
    line: int
    page: int | None = None
    heading: int | None = None
    item: bool = False
    ordered: bool = False
    indented: bool = False
    soft: bool = False
    closing: bool = False


@dataclass(frozen=True, slots=True)
class TableRows:
    rows: tuple[tuple[str, ...], ...]
    header: bool
    line: int
    page: int | None = None


@dataclass(frozen=True, slots=True)
class Picture:
    """``src`` as in :class:`app.bulletins.document.Image`; ``content`` is the file it names, if it is had."""

    src: str
    alt: str
    line: int
    page: int | None = None
    content: bytes = field(default=b"", repr=False)


Element = TextLine | TableRows | Picture


@dataclass(frozen=True, slots=True)
class Flow:
    """A file's elements in reading order, with what the format's reader noticed."""

    elements: Sequence[Element]
    findings: Iterable[Finding] = field(default=())
