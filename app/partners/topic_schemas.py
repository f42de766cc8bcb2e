"""What the operations on saved topics take and answer."""

import datetime as dt
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from app.bulletins.schemas import Output
from app.kit.parameters import Plain
from app.partners.topics import TopicQuery


class NewTopic(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[Plain, Field(examples=["湖北的数据要素"])]
    query: TopicQuery = Field(examples=[{"tag": ["data-elements"], "q": "湖北"}])


class TopicDetail(Output):
    id: UUID = Field(examples=["0197a3f2-6f3a-7c40-9a7e-1f2b3c4d5e6f"])
    name: str = Field(examples=["湖北的数据要素"])
    query: dict[str, Any] = Field(examples=[{"tag": ["data-elements"], "q": "湖北"}])
    created_at: dt.datetime = Field(examples=["2026-06-25T03:10:00Z"])


class TopicList(Output):
    items: list[TopicDetail] = Field(description="The oldest first", examples=[[]])


class TopicItem(Output):
    slug: str = Field(examples=["2026-06-25"])
    title: str = Field(examples=["新质生产力每日动态 2026-06-25"])
    date: dt.date
    version: int
    url: str = Field(examples=["/v1/bulletins/2026-06-25"])
    at: dt.datetime = Field(description="When it entered the topic, or last changed in it")


class Digest(Output):
    """What entered a topic or changed in it on one day (Asia/Shanghai)."""

    topic: UUID = Field(examples=["0197a3f2-6f3a-7c40-9a7e-1f2b3c4d5e6f"])
    name: str = Field(examples=["湖北的数据要素"])
    day: dt.date = Field(examples=["2026-06-25"])
    items: list[TopicItem] = Field(description="Changed last first; 50 at most", examples=[[]])


class TopicFinds(Output):
    topic: UUID = Field(examples=["0197a3f2-6f3a-7c40-9a7e-1f2b3c4d5e6f"])
    name: str = Field(examples=["湖北的数据要素"])
    items: list[TopicItem] = Field(description="Changed last first; 50 at most", examples=[[]])
