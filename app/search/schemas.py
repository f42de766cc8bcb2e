"""What the search answers. Field names are fixed: readers depend on them."""

from typing import Literal

from pydantic import MISSING, Field

from app.bulletins.schemas import BulletinName, Output, TagName


class FoundSection(Output):
    """A section of a bulletin; number 0 is its abstract, whose heading is the bulletin's title."""

    number: int = Field(ge=0, examples=[1])
    heading: str
    anchor: str = Field(
        examples=["section-1"], description="Fragment on the website, `abstract` for number 0"
    )


class Highlight(Output):
    """HTML: what was found stands in `<mark>`, everything else is escaped; there is no other element."""

    heading: str = Field(examples=["国家数据局发布湖北交通运输案例，<mark>数据要素</mark>改革向行业场景下沉"])
    body: str = Field(
        description="A sentence or clause around the match; `…` stands where a sentence was cut. "
        "Empty when the section has no text."
    )


class Hit(Output):
    bulletin: BulletinName
    section: FoundSection
    highlight: Highlight
    tags: list[TagName]
    score: float = Field(
        description="0 to 1, the higher the better; comparable within one answer only", examples=[0.93]
    )


Counts = dict[str, int]


class Facets(Output):
    """How many hits have each value, most first; only what `facets` asked for."""

    tag: Counts | MISSING = Field(default=MISSING, description="By slug of the tag")
    source: Counts | MISSING = Field(default=MISSING, description="By name of the source")
    kind: Counts | MISSING = Field(default=MISSING, description="By kind of the tags")
    month: Counts | MISSING = Field(default=MISSING, description="By month of the bulletin, `2026-06`")


class SearchPage(Output):
    """A page of hits; `total`, `facets` and `relaxed` are about all pages."""

    engine: str = Field(description="Which engine answered", examples=["postgres"])
    total: int = Field(ge=0, description="Sections found, or bulletins with `group=bulletin`")
    total_is: Literal["exact", "estimated"] = Field(
        description="`estimated`: there may be more than `total` and the counts of `facets` say"
    )
    relaxed: bool = Field(
        description="True when nothing has every word: hits have some of them, and the rarest count most"
    )
    took_ms: int = Field(ge=0, description="How long it took to find the answer; the `ETag` leaves it out")
    facets: Facets
    items: list[Hit]
    next: str | None


class Suggestion(Output):
    """Something that can be searched for or gone to."""

    kind: Literal["tag", "source", "heading"]
    text: str = Field(description="Name of the tag or source, or the heading", examples=["数据要素"])
    slug: str = Field(
        description="Of the tag or source; of the bulletin, for a heading", examples=["data-elements"]
    )
    section: int | None = Field(description="Number of the section under the heading")


class Suggestions(Output):
    """Tags, then sources, then headings; of each kind those that begin with what was typed come first."""

    items: list[Suggestion]
