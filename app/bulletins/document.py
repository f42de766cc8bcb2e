"""A whole bulletin as one immutable value.

Ingest makes it, revisions store it, publishing copies it into the live tables,
renderers and search read it. This module imports nothing but Pydantic.
"""

import hashlib
import json
import re
import unicodedata
from datetime import date
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

SERIES = "新质生产力每日动态"

MAX_SECTIONS = 200
MAX_BLOCKS = 1_000
MAX_CITATIONS = 1_000
MAX_TEXT = 50_000
MAX_TITLE = 300
MAX_NAME = 200
MAX_REMARK = 2_000
MAX_PAGE = 9_999
MAX_OFFSET = 2**31 - 1

_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")


_NO_ADDRESS = re.compile(r"[\s<>\"|\\^`{}]")


def _printable(value: str) -> str:
    if found := _CONTROLS.search(value):
        raise ValueError(f"character U+{ord(found.group()):04X} is not text")
    if value != value.strip():
        raise ValueError("text begins or ends with white space")
    return value


def _one_line(value: str) -> str:
    if "\n" in value or "\t" in value:
        raise ValueError("a line break or a tab stands where one line is expected")
    return value


Text = Annotated[str, AfterValidator(_printable), Field(max_length=MAX_TEXT)]
"""Printable text without surrounding white space; paragraphs are separated by ``\\n``."""
Line = Annotated[Text, AfterValidator(_one_line)]
"""Text on one line; may be empty."""
Words = Annotated[Line, Field(min_length=1)]
"""A line that says something."""
Title = Annotated[Words, Field(max_length=MAX_TITLE)]
"""What stands above a text."""
Name = Annotated[Words, Field(max_length=MAX_NAME)]
Remark = Annotated[Line, Field(max_length=MAX_REMARK)]
"""A sentence or a few on one line; may be empty."""
Language = Annotated[str, Field(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$", max_length=35)]
"""A tag of BCP 47 such as ``zh-CN``."""


class Value(BaseModel):
    """An immutable value that refuses what it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Paragraph(Value):
    type: Literal["paragraph"] = "paragraph"
    text: Words


class Subheading(Value):
    """A heading below a section's own, such as （一）."""

    type: Literal["heading"] = "heading"
    text: Title


class ListBlock(Value):
    type: Literal["list"] = "list"
    ordered: bool = False
    items: Annotated[tuple[Words, ...], Field(min_length=1)]


class Table(Value):
    """Rows of cells, all rows equally long; ``header`` says whether the first one names the columns."""

    type: Literal["table"] = "table"
    header: bool = True
    rows: Annotated[tuple[tuple[Line, ...], ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _rectangular(self) -> Self:
        if len({len(row) for row in self.rows}) != 1 or not self.rows[0]:
            raise ValueError("the rows of a table must be equally long")
        return self


class Image(Value):
    """A picture: ``src`` is a URL, or ``sha256:…`` of bytes inside the imported file."""

    type: Literal["image"] = "image"
    src: Words
    alt: Line = ""


Block = Annotated[Paragraph | Subheading | ListBlock | Table | Image, Field(discriminator="type")]


class Evidence(Value):
    """The words that earned a section its tag.

    ``where`` names the place; ``index`` counts from 0 the body's block, or gives the number of the
    citation whose purpose holds the words; ``start`` is the offset in characters there.
    """

    where: Literal["heading", "body", "purpose"]
    index: int = Field(ge=0, le=max(MAX_BLOCKS, MAX_CITATIONS))
    start: int = Field(ge=0, le=MAX_OFFSET)
    text: Words


class SectionTag(Value):
    """A tag on a section; without evidence it was set by an editor."""

    slug: Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=80)]
    evidence: tuple[Evidence, ...] = ()


class Section(Value):
    """A numbered part. ``number`` is its place from 1, ``numeral`` what the editors wrote (一)."""

    number: int = Field(ge=1)
    numeral: Annotated[Line, Field(max_length=MAX_NAME)] = ""
    heading: Title
    page: int | None = Field(default=None, ge=1, le=MAX_PAGE)
    body: Annotated[tuple[Block, ...], Field(max_length=MAX_BLOCKS)] = ()
    tags: tuple[SectionTag, ...] = ()


class ReferenceItem(Value):
    """A published source item; ``date`` is None where the file gives none that can be read."""

    source: Annotated[Line, Field(max_length=MAX_NAME)]
    title: Annotated[Words, Field(max_length=1_000)]
    date: date | None
    url: Annotated[Line, Field(max_length=2_000)] | None = None


class Citation(Value):
    """The bulletin's use of a reference; ``inferred`` when the sections were guessed on import."""

    number: int = Field(ge=1)
    purpose: Remark
    sections: tuple[int, ...] = ()
    inferred: bool = False
    reference: ReferenceItem


class Contact(Value):
    name: Name
    description: Remark = ""
    url: Annotated[Line, Field(max_length=2_000)] | None = None


class BulletinDocument(Value):
    """One issue of the bulletin.

    ``date`` is the issue's date in Asia/Shanghai, None only while a draft still lacks it.
    ``unplaced`` keeps lines of the imported file that found no place; it is never public.
    """

    series: Name = SERIES
    title: Title
    date: date | None
    language: Language = "zh-CN"
    organisation: Annotated[Line, Field(max_length=MAX_NAME)] = ""
    producers: tuple[Name, ...] = ()
    abstract: Text = ""
    sections: Annotated[tuple[Section, ...], Field(max_length=MAX_SECTIONS)] = ()
    citations: Annotated[tuple[Citation, ...], Field(max_length=MAX_CITATIONS)] = ()
    contacts: tuple[Contact, ...] = ()
    unplaced: tuple[Line, ...] = ()

    @model_validator(mode="after")
    def _numbered(self) -> Self:
        if [s.number for s in self.sections] != list(range(1, len(self.sections) + 1)):
            raise ValueError("sections must be numbered 1, 2, 3 … in their order")
        if [c.number for c in self.citations] != list(range(1, len(self.citations) + 1)):
            raise ValueError("citations must be numbered 1, 2, 3 … in their order")
        for citation in self.citations:
            if list(citation.sections) != sorted(set(citation.sections)):
                raise ValueError("a citation's sections must be in order and named once")
            if citation.sections and citation.sections[-1] > len(self.sections):
                raise ValueError(f"citation {citation.number} names a section that does not exist")
            if citation.sections and citation.sections[0] < 1:
                raise ValueError("sections are counted from 1")
        for section in self.sections:
            if len({tag.slug for tag in section.tags}) != len(section.tags):
                raise ValueError(f"section {section.number} carries a tag twice")
        return self

    @property
    def slug(self) -> str:
        """The public name, which is the date.

        :raises ValueError: the document has no date yet.
        """
        if self.date is None:
            raise ValueError("a bulletin without a date has no slug")
        return self.date.isoformat()

    @property
    def tag_slugs(self) -> list[str]:
        """The tags of all sections, each once, in the order of their first use."""
        return list(dict.fromkeys(tag.slug for s in self.sections for tag in s.tags))


def default_title(series: str, day: date | None) -> str:
    """The title of an issue that gives none of its own: the series with the date."""
    return f"{series} {day.isoformat()}" if day else series


def block_text(block: Block) -> str:
    """A block's words as plain text: a list's items and a table's rows on lines, cells by tabs."""
    match block:
        case Paragraph() | Subheading():
            return block.text
        case ListBlock():
            return "\n".join(block.items)
        case Table():
            return "\n".join("\t".join(row) for row in block.rows)
        case Image():
            return block.alt


def canonical_content(document: BulletinDocument) -> dict[str, Any]:
    """What the content hash covers, built so that a reader can take it from the public JSON.

    The public object's series, title, date, language, organisation, producers, abstract, sections,
    citations and contacts, with each section's tags as slugs and without its anchor and citations,
    and each citation's reference without its id.
    """
    content = document.model_dump(mode="json", exclude={"unplaced"})
    for section in content["sections"]:
        section["tags"] = [tag["slug"] for tag in section["tags"]]
    return content


def canonical_json(content: dict[str, Any]) -> bytes:
    """JSON as RFC 8785 (JCS) writes it, for objects whose keys are ASCII and numbers integers."""
    return json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def content_hash(document: BulletinDocument) -> str:
    """``sha256:`` and the hexadecimal digest of the canonical JSON."""
    return f"sha256:{hashlib.sha256(canonical_json(canonical_content(document))).hexdigest()}"


def is_web_address(text: str | None) -> bool:
    """Whether it is an address of the web, which may become a link: ``javascript:`` and the like may not."""
    try:
        parts = urlsplit(text or "")
        _ = parts.port  # Reading it checks it.
    except ValueError:
        return False
    names = (parts.hostname or "").removesuffix(".").split(".")
    return parts.scheme in {"http", "https"} and all(names) and not _NO_ADDRESS.search(text or "")


def section_text(section: Section) -> str:
    """A section's words as plain text: its heading and its blocks."""
    return "\n".join([section.heading, *map(block_text, section.body)])


def normalised(text: str) -> str:
    """Text as it is compared: compatibility forms folded (NFKC), lower case, white space as one blank."""
    return " ".join(unicodedata.normalize("NFKC", text).lower().split())
