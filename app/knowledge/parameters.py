"""What can be asked of topics, sources and references."""

from typing import Annotated, Literal

from pydantic import Field, field_validator

from app.bulletins.filters import in_order
from app.bulletins.taxonomy import TagKind
from app.kit.pagination import Limit, PageQuery
from app.kit.parameters import Day, Digits, Query
from app.knowledge.schemas import Interval

First = Annotated[
    Day | None, Field(alias="from", description="On this date or later", examples=["2026-01-01"])
]
Last = Annotated[Day | None, Field(description="On this date or earlier", examples=["2026-06-30"])]


class _Ended(Query):
    """Ends that are in order."""

    from_: First = None
    to: Last = None

    _ordered = field_validator("to")(in_order)


class TimelineQuery(_Ended, PageQuery):
    interval: Annotated[Interval, Field(description="What is counted together")] = "month"


class WindowQuery(_Ended):
    """A window of at most 366 days; without ends the 366 days up to the last use."""


class RelatedQuery(WindowQuery):
    order: Annotated[
        Literal["-sections", "-lift"], Field(description="The most frequent or the most typical first")
    ] = "-sections"
    limit: Limit = 20


class TrendingQuery(Query):
    to: Annotated[Day | None, Field(description="Last day of the window; the newest bulletin's")] = None
    window: Annotated[int, Field(ge=1, le=90, description="Days of the window"), Digits] = 7
    baseline: Annotated[int, Field(ge=7, le=366, description="Days before the window"), Digits] = 90
    kind: Annotated[TagKind | None, Field(description="Only tags of this kind")] = None
    limit: Limit = 20
