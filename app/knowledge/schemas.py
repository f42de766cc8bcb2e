"""What the archive knows of its topics, sources and references."""

from datetime import date, datetime
from typing import Literal

from pydantic import Field

from app.bulletins.schemas import Output, Reference, Source, TagName
from app.kit.pagination import Page

Interval = Literal["day", "week", "month"]


class TimelinePoint(Output):
    """An interval, its first and last day, and how much is published in it under the tag."""

    start: date
    end: date
    bulletins: int
    sections: int


class Timeline(Page[TimelinePoint]):
    """Intervals of equal kind without gaps, the latest first; a week begins on Monday."""

    tag: TagName
    interval: Interval
    first_seen: date | None = Field(description="Date of the first bulletin with the tag")
    last_seen: date | None = Field(description="Date of the last bulletin with the tag")


class Window(Output):
    """The days that were counted, both included; both null while nothing is published."""

    first_day: date | None
    last_day: date | None


class RelatedTag(Output):
    tag: TagName
    sections: int = Field(description="Sections with both")
    lift: float = Field(
        description="How many times more often than by chance they stand together", examples=[3.2]
    )


class RelatedTags(Window):
    """``sections`` have the tag, of ``all_sections`` in the window; ``total`` tags stand with it."""

    tag: TagName
    sections: int
    all_sections: int
    total: int
    items: list[RelatedTag]


class TrendingTag(Output):
    tag: TagName
    sections: int = Field(description="Sections in the window")
    expected: float = Field(description="Sections it would have as often as in the baseline", examples=[1.5])
    score: float = Field(
        description="(sections - expected) / √(expected + 1): what is new and often comes first",
        examples=[4.1],
    )


class TrendingTags(Window):
    """Tags more frequent in the window than in the baseline before it; ``total`` of them."""

    baseline_first_day: date | None
    total: int
    items: list[TrendingTag]


class RelatedSource(Output):
    source: Source
    bulletins: int = Field(description="Bulletins that cite both")
    lift: float = Field(description="How many times more often than by chance", examples=[1.7])


class SourceDetail(Source, Window):
    """A source in the graph of citations: what is cited of it lately, what for, and beside whom."""

    first_cited: date | None = Field(description="Date of the first bulletin that cites it")
    last_cited: date | None = Field(description="Date of the last bulletin that cites it")
    bulletins: int = Field(description="Bulletins in the window that cite it")
    sections: int = Field(description="Sections in the window that use it")
    tags: list[RelatedTag] = Field(description="The most frequent tags of these sections")
    sources: list[RelatedSource] = Field(description="The sources most often cited beside it")
    references: list[Reference] = Field(description="Its newest references; `/v1/references` lists all")


class RelatedReference(Output):
    reference: Reference
    bulletins: int = Field(description="Bulletins that cite both")


class TagUse(Output):
    tag: TagName
    sections: int


class RelatedReferences(Output):
    """What stands beside a reference in the ``bulletins`` that cite it, the latest 366 of them."""

    bulletins: int
    tags: list[TagUse] = Field(description="Tags of the sections that use it")
    items: list[RelatedReference]


class Totals(Output):
    bulletins: int
    sections: int
    citations: int
    references: int
    sources: int
    tags: int


class Growth(Output):
    """What a month has brought."""

    start: date = Field(description="Its first day")
    bulletins: int
    sections: int


class Stats(Output):
    """The archive in numbers."""

    totals: Totals
    growth: list[Growth] = Field(description="The twelve months up to the newest bulletin, it first")
    first_day: date | None = Field(description="Date of the first bulletin")
    last_day: date | None = Field(description="Date of the newest bulletin")
    updated_at: datetime | None = Field(description="When public content last changed")
