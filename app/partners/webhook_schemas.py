"""What the operations on webhooks take and answer."""

import datetime as dt
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import (
    MISSING,
    AliasChoices,
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    model_validator,
)

from app.bulletins.filters import ContentFilters
from app.bulletins.schemas import Output
from app.kit.pagination import Page
from app.kit.parameters import Moment, Whole
from app.partners.messages import EVENTS

Event = Literal[
    "bulletin.published",
    "bulletin.corrected",
    "bulletin.withdrawn",
    "tags.curated",
    "tag.merged",
    "reference.merged",
    "endpoint.disabled",
    "topic.digest",
]
BIGGEST = 2**63 - 1

DeliveryKey = TypeAdapter(tuple[Annotated[int, Field(ge=1, le=BIGGEST)]])


class Input(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


Url = Annotated[
    str,
    Field(
        min_length=1,
        max_length=2_000,
        description="An `https://` address on the internet",
        examples=["https://example.org/nqpf"],
    ),
]
Description = Annotated[str, Field(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$", examples=["copy"])]
Events = Annotated[
    list[Event],
    Field(max_length=len(EVENTS), description="All, where none is named", examples=[EVENTS[:2]]),
]
Filters = Annotated[
    ContentFilters, Field(description="The filters of lists", examples=[{"tag": ["compute"]}])
]
SavedTopic = Annotated[UUID | None, Field(description="A saved topic, instead of filters", examples=[None])]


class NewEndpoint(Input):
    url: Url
    description: Description = ""
    events: Events = []
    filters: Filters = ContentFilters()
    topic: SavedTopic = None


class EndpointChange(Input):
    """What is left out stays as it is; filters are replaced as a whole, and `topic: null` takes it away."""

    url: Url | MISSING = MISSING
    description: Description | MISSING = MISSING
    events: Events | MISSING = MISSING
    filters: Filters | MISSING = MISSING
    topic: SavedTopic | MISSING = MISSING


class EndpointDetail(Output):
    id: UUID = Field(examples=["0197a3f2-6f3a-7c40-9a7e-1f2b3c4d5e6f"])
    url: str = Field(examples=["https://example.org/nqpf"])
    description: str = Field(examples=["copy"])
    events: list[str] = Field(description="All, where none is named", examples=[EVENTS[:2]])
    filters: dict[str, Any] = Field(examples=[{"tag": ["compute"]}])
    topic: UUID | None = Field(
        validation_alias=AliasChoices("topic", "topic_id"),
        description="The saved topic that chooses instead of filters",
        examples=["0197a3f2-6f3a-7c40-9a7e-1f2b3c4d5e6f"],
    )
    status: Literal["active", "paused", "disabled"] = Field(
        description="While it is paused, messages wait; while it is disabled, none are made",
        examples=["active"],
    )
    status_note: str = Field(description="Why it is disabled", examples=[""])
    failing_since: dt.datetime | None = Field(
        description="The first failure since the last success", examples=["2026-06-25T03:10:00Z"]
    )
    created_at: dt.datetime = Field(examples=["2026-06-25T03:10:00Z"])


class EndpointWithSecret(EndpointDetail):
    secret: str = Field(description="Shown this once", examples=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])


class EndpointList(Output):
    items: list[EndpointDetail] = Field(description="The oldest first", examples=[[]])


class AttemptDetail(Output):
    at: dt.datetime
    status: int | None = Field(description="Of the answer, if there was one")
    error: str
    answer: str = Field(description="Its beginning")
    milliseconds: int


class DeliveryDetail(Output):
    id: int
    message_id: str = Field(description="`webhook-id`: the same whenever the message is sent")
    event: str
    body: dict[str, Any]
    state: Literal["pending", "delivered", "failed"]
    due_at: dt.datetime | None = Field(description="When it is tried next, while it is pending")
    created_at: dt.datetime
    finished_at: dt.datetime | None
    attempts: list[AttemptDetail]


class Queued(Output):
    queued: int = Field(description="How many deliveries will be sent", examples=[12])


class Replay(Input):
    """One delivery, or all that were made from one moment to another."""

    delivery: Whole | None = Field(default=None, ge=1, le=BIGGEST, examples=[1_204])
    from_: Moment | None = Field(default=None, alias="from", examples=["2026-06-25T00:00:00Z"])
    to: Moment | None = Field(default=None, examples=["2026-06-26T00:00:00Z"])

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        ends = (self.from_ is not None) + (self.to is not None)
        if (self.delivery is None) == (ends == 0) or ends == 1:
            raise ValueError("name a delivery, or from and to")
        return self


DeliveryPage = Page[DeliveryDetail]
