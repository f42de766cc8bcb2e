"""What the WeChat routes answer."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from app.wechat.accounts import Mode
from app.wechat.states import State


class Output(BaseModel):
    model_config = ConfigDict(frozen=True)


class JsConfig(Output):
    """What ``wx.config`` takes, besides the list of interfaces."""

    app_id: str = Field(serialization_alias="appId", examples=["wxba5fad812f8e6fb9"])
    timestamp: int = Field(examples=[1414587457])
    nonce_str: str = Field(serialization_alias="nonceStr", examples=["Wm3WZYTPz0wzccnW"])
    signature: str = Field(examples=["0f9de62fce790f9a083d5c99e95740ceb90c27ed"])


class StepTaken(Output):
    at: datetime
    step: str = Field(examples=["add-draft"])
    outcome: str = Field(examples=["done"])
    receipt: dict[str, object]


class ArticleStatus(Output):
    """Where a bulletin stands in an account."""

    account: str
    slug: str = Field(examples=["2026-06-25"])
    state: State
    state_name: str = Field(description="In Chinese, for people", examples=["草稿已建"])
    goal: Mode = Field(description="How far it is to go")
    version: int = Field(description="The version that is wanted")
    held_version: int = Field(description="The version that WeChat holds; 0 for none")
    article_url: str | None
    trouble_code: str | None = Field(examples=["wechat.preflight"])
    trouble: str | None = Field(description="What stands in the way, in Chinese")
    needs_human: bool = Field(description="Nothing more happens before somebody has seen to it")
    due_at: datetime | None = Field(description="When it goes on by itself")


class ArticleDetail(ArticleStatus):
    steps: list[StepTaken]


class Preview(Output):
    """The article as it would be sent, and all that WeChat would refuse."""

    title: str
    author: str
    digest: str
    html: str
    findings: list[str]


class Asked(Output):
    """A question that readers ask."""

    text: str = Field(examples=["数据要素"])
    times: int = Field(examples=[12])
    found: bool = Field(description="Whether there was an answer each day")


class Difference(Output):
    """What was found to be different at WeChat, in Chinese."""

    slug: str = Field(examples=["2026-06-25"])
    message: str
