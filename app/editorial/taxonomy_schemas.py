"""What the desk's API takes and answers about tags and references."""

from datetime import date, datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import (
    MISSING,
    AfterValidator,
    AliasChoices,
    ConfigDict,
    Field,
    field_validator,
    model_validator,
)

from app.bulletins.document import Words, normalised
from app.bulletins.filters import in_order
from app.bulletins.taxonomy import TagKind
from app.editorial.schemas import Input, Output, Remark
from app.kit.parameters import Day, Flag, Plain, Slug

Name = Annotated[Words, Field(max_length=100)]
Names = Annotated[tuple[Name, ...], Field(max_length=50)]
RESERVED = frozenset({"trending"})
"""Addresses below ``/v1/tags`` that are no tag's."""


def _free(slug: str) -> str:
    if slug in RESERVED:
        raise ValueError(f"/v1/tags/{slug} is another address")
    return slug


SlugField = Annotated[Slug, AfterValidator(_free), Field(examples=["low-altitude-economy"])]
Slugs = Annotated[tuple[Slug, ...], Field(max_length=20)]


class NewTag(Input):
    """A tag; its slug is for ever, and no name may belong to another tag."""

    slug: SlugField
    kind: Annotated[TagKind, Field(examples=["topic"])]
    name: Annotated[Name, Field(examples=["低空经济"])]
    name_en: Annotated[Name, Field(examples=["Low-altitude economy"])]
    aliases: Annotated[Names, Field(description="Also find the tag", examples=[["低空产业"]])] = ()
    lookalikes: Annotated[
        Names, Field(description="Longer words that contain one of its names by chance", examples=[[]])
    ] = ()
    parent: Annotated[Slug | None, Field(description="The broader tag", examples=["future-industries"])] = (
        None
    )


class TagChange(Input):
    """What is left out stays as it is; a list replaces the whole list, a parent of null removes it."""

    kind: TagKind | MISSING = Field(default=MISSING, examples=["topic"])
    name: Name | MISSING = Field(default=MISSING, examples=["低空经济"])
    name_en: Name | MISSING = Field(default=MISSING, examples=["Low-altitude economy"])
    aliases: Names | MISSING = Field(default=MISSING, examples=[["低空产业", "低空飞行"]])
    lookalikes: Names | MISSING = Field(default=MISSING, examples=[[]])
    parent: Slug | MISSING | None = Field(default=MISSING, examples=["future-industries"])


class TagMerge(Input):
    into: Annotated[Slug, Field(description="The tag that stands for both", examples=["compute"])]


class Tag(Output):
    slug: str = Field(examples=["low-altitude-economy"])
    kind: TagKind = Field(examples=["topic"])
    name: str = Field(examples=["低空经济"])
    name_en: str = Field(examples=["Low-altitude economy"])
    aliases: list[str] = Field(examples=[["低空产业"]])
    lookalikes: list[str] = Field(examples=[[]])
    parent: str | None = Field(examples=["future-industries"])
    edited: bool = Field(description="It is the editors': the curated file changes it no more")
    bulletin_count: int = Field(examples=[3])
    section_count: int = Field(examples=[4])


class ReferenceMerge(Input):
    into: Annotated[
        UUID,
        Field(
            description="The reference that is cited for both",
            examples=["0197a3f2-6f3a-7c40-9a7e-1f2b3c4d5e6f"],
        ),
    ]


class Reference(Output):
    id: UUID = Field(examples=["0197a3f2-6f3a-7c40-9a7e-1f2b3c4d5e6f"])
    source: str = Field(examples=["国家数据局"])
    title: str = Field(examples=["湖北省交通运输领域数据要素市场化配置改革实践与探索"])
    date: date | None
    url: str | None = Field(examples=[None])
    merged_into: UUID | None = Field(description="The one that is cited in its place", examples=[None])
    citation_count: int = Field(examples=[2])


class Duplicate(Output):
    """Two that may be the same, of which the one used less would be merged into the other."""

    merge: str = Field(description="Slug or id", examples=["suan-li"])
    into: str = Field(description="Slug or id", examples=["compute"])
    score: float = Field(description="How much alike, in percent", examples=[92.3])


class Duplicates(Output):
    """The most alike first, at most 100."""

    items: list[Duplicate]


class Where(Input):
    """Which public sections: all that is given must hold."""

    model_config = ConfigDict(frozen=True, extra="forbid", serialize_by_alias=True)

    tag: Annotated[Slugs, Field(description="Has every one of these tags", examples=[["compute"]])] = ()
    tag_not: Annotated[
        Slugs,
        Field(
            # Jobs asked for in former times are kept under the other name.
            validation_alias=AliasChoices("tag.not", "tag_not"),
            serialization_alias="tag.not",
            description="Has none of these tags",
            examples=[[]],
        ),
    ] = ()
    q: Annotated[Plain | None, Field(description="Contains each of these words", examples=["低空 飞行"])] = (
        None
    )
    from_: Annotated[Day | None, Field(alias="from", description="On this date or later")] = None
    to: Annotated[Day | None, Field(description="On this date or earlier")] = None

    _ordered = field_validator("to")(in_order)

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not (self.model_fields_set and any(self.model_dump().values())):
            raise ValueError("name at least one condition")
        if self.q is not None and not normalised(self.q):
            raise ValueError("there is no word in q")
        return self


class NewRetagging(Input):
    """Add tags to sections of public bulletins, or remove some; each bulletin changed is a correction."""

    where: Where
    add: Annotated[Slugs, Field(examples=[["low-altitude-economy"]])] = ()
    remove: Annotated[Slugs, Field(examples=[[]])] = ()
    note: Annotated[
        Remark, Field(description="Readers see it as 更正说明", examples=["统一标签“低空经济”。"])
    ]
    dry_run: Annotated[Flag, Field(description="Only say what would change")] = True

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        if not (self.add or self.remove):
            raise ValueError("name tags to add or to remove")
        if set(self.add) & set(self.remove):
            raise ValueError("a tag is to be added and to be removed")
        return self


class Retagging(Output):
    """A job; ``done`` of ``total`` bulletins have been looked at."""

    id: UUID = Field(examples=["0197a3f2-6f3a-7c40-9a7e-1f2b3c4d5e6f"])
    state: Literal["queued", "running", "done", "cancelled", "failed"] = Field(examples=["running"])
    dry_run: bool
    rule: NewRetagging
    author: str = Field(examples=["ada"])
    total: int = Field(description="Bulletins with such sections when it was asked for", examples=[120])
    done: int = Field(examples=[40])
    changed: int = Field(description="Bulletins that were changed, or would be", examples=[38])
    skipped: int = Field(description="Bulletins that cannot be changed now", examples=[2])
    created_at: datetime
    finished_at: datetime | None
    code: str | None = Field(description="Why it failed", examples=[None])
    message: str | None = Field(description="The same in Chinese", examples=[None])


class Retagged(Output):
    """What became of a bulletin, or would."""

    slug: str = Field(examples=["2026-06-25"])
    outcome: Literal["changed", "skipped"] = Field(examples=["changed"])
    sections: list[int] = Field(description="Numbers of the sections with other tags", examples=[[2, 4]])
    version: int | None = Field(description="The correction; null while nothing is changed", examples=[2])
    code: str | None = Field(description="Why it was skipped", examples=[None])
    message: str | None = Field(description="The same in Chinese", examples=[None])
