"""What the public API answers. Field names are fixed: readers depend on them."""

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from pydantic import MISSING, BaseModel, ConfigDict, Field

from app.bulletins.diff import DocumentDiff
from app.bulletins.document import Block, Contact
from app.bulletins.taxonomy import TagKind
from app.kit.pagination import Page


class Output(BaseModel):
    model_config = ConfigDict(frozen=True)


class TagName(Output):
    slug: str = Field(examples=["data-elements"])
    name: str = Field(examples=["数据要素"])
    name_en: str = Field(examples=["Data elements"])
    kind: TagKind


class BulletinName(Output):
    slug: str = Field(examples=["2026-06-25"])
    title: str = Field(examples=["新质生产力每日动态 2026-06-25"])
    date: date


class SectionInBulletin(Output):
    """A numbered part; ``citations`` are the numbers of the bulletin's citations it uses."""

    number: int = Field(examples=[1])
    numeral: str = Field(examples=["一"])
    heading: str
    anchor: str = Field(examples=["section-1"])
    page: int | None
    body: list[Block]
    tags: list[TagName]
    citations: list[int]


class Section(SectionInBulletin):
    """A section with the bulletin it stands in."""

    bulletin: BulletinName


class ReferenceInCitation(Output):
    id: UUID
    source: str = Field(examples=["国家数据局"])
    title: str
    date: date | None
    url: str | None


class CitationInBulletin(Output):
    """A use of a reference; ``inferred`` when its sections were suggested by the import."""

    number: int
    purpose: str
    sections: list[int]
    inferred: bool
    reference: ReferenceInCitation


class BulletinHead(Output):
    """What every form of a bulletin says about itself."""

    slug: str = Field(examples=["2026-06-25"])
    series: str = Field(examples=["新质生产力每日动态"])
    title: str = Field(examples=["新质生产力每日动态 2026-06-25"])
    date: date
    language: str = Field(examples=["zh-CN"])
    organisation: str
    producers: list[str]
    abstract: str


class BulletinTail(Output):
    tags: list[TagName]
    version: int = Field(description="1 at first publication, one more with each correction")
    content_hash: str = Field(
        description="sha256 of the canonical JSON (RFC 8785) of the content; see the README",
        examples=["sha256:4f5c…"],
    )
    published_at: datetime
    updated_at: datetime
    previous: str | None = Field(description="Slug of the bulletin before this one")
    next: str | None = Field(description="Slug of the bulletin after this one")


class Bulletin(BulletinTail, BulletinHead):
    sections: list[SectionInBulletin]
    citations: list[CitationInBulletin]
    contacts: list[Contact]


class BulletinItem(BulletinTail, BulletinHead):
    """A bulletin in a list; ``include`` adds sections, citations and contacts."""

    sections: list[SectionInBulletin] | MISSING = MISSING
    citations: list[CitationInBulletin] | MISSING = MISSING
    contacts: list[Contact] | MISSING = MISSING


class Revision(Output):
    """A version that was made public, or a withdrawal."""

    version: int
    kind: Literal["published", "corrected", "withdrawn"]
    at: datetime
    note: str = Field(
        description="What the editors say of it: 更正说明, 撤回说明", examples=["更正了赛道的数目。"]
    )
    content_hash: str | None = Field(description="Null for a withdrawal")
    withdrawn: bool = Field(description="Its content cannot be read any more")


class BulletinDiff(Output):
    """The way from one version to another; `changes` names nothing that is the same in both."""

    slug: str = Field(examples=["2026-06-25"])
    old: Revision
    new: Revision
    changes: DocumentDiff


class Tag(TagName):
    """A tag with what else it is called and how much is published under it."""

    aliases: list[str]
    parent: str | None = Field(description="Slug of the broader tag")
    bulletin_count: int
    section_count: int


class TagDetail(Tag):
    children: list[TagName]


class Source(Output):
    slug: str = Field(examples=["guo-jia-shu-ju-ju"])
    name: str = Field(examples=["国家数据局"])
    reference_count: int


class Reference(ReferenceInCitation):
    source_slug: str
    citation_count: int = Field(description="How many published bulletins cite it")


class CitingSection(Output):
    number: int
    heading: str
    anchor: str


class CitedBy(Output):
    """A bulletin that cites the reference, what for, and where."""

    bulletin: BulletinName
    number: int = Field(description="Number of the citation in that bulletin")
    purpose: str
    inferred: bool
    sections: list[CitingSection]


class ReferenceDetail(Reference):
    cited_by: list[CitedBy]


BulletinPage = Page[BulletinItem]
SectionPage = Page[Section]
TagPage = Page[Tag]
SourcePage = Page[Source]
ReferencePage = Page[Reference]
RevisionPage = Page[Revision]
