"""What the WeChat routes answer."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from app.wechat.accounts import Mode
from app.wechat.states import ArticleState


class Output(BaseModel):
    model_config = ConfigDict(frozen=True)


class JsConfig(Output):
    """What ``wx.config`` takes, besides the list of interfaces."""

    app_id: str = Field(serialization_alias="appId", examples=["wxba5fad812f8e6fb9"])
    timestamp: int = Field(examples=[1414587457])
    nonce_str: str = Field(serialization_alias="nonceStr", examples=["Wm3WZYTPz0wzccnW"])
    signature: str = Field(examples=["0f9de62fce790f9a083d5c99e95740ceb90c27ed"])


class StepTaken(Output):
    """One call, with what WeChat answered."""

    at: datetime = Field(examples=["2026-06-25T08:00:01+08:00"])
    step: str = Field(examples=["add-draft"])
    outcome: str = Field(description="`done`, `refused` or `unknown`", examples=["done"])
    receipt: dict[str, object] = Field(examples=[{"media_id": "MEDIA_ID"}])


class ArticleStatus(Output):
    """Where a bulletin stands in an account."""

    account: str = Field(examples=["main"])
    slug: str = Field(examples=["2026-06-25"])
    state: ArticleState = Field(examples=["drafted"])
    state_name: str = Field(description="In Chinese, for people", examples=["草稿已建"])
    goal: Mode = Field(description="How far it is to go", examples=["draft"])
    version: int = Field(description="The version that is wanted; 0 for none yet", examples=[1])
    held_version: int = Field(description="The version that WeChat holds; 0 for none", examples=[1])
    article_url: str | None = Field(examples=["https://mp.weixin.qq.com/s/9ZKPfyKzOKTGXYgEJqkXcQ"])
    trouble_code: str | None = Field(examples=["wechat.preflight"])
    trouble: str | None = Field(
        description="What stands in the way, in Chinese", examples=["标题有 40 字，最多 32 字。"]
    )
    needs_human: bool = Field(
        description="Nothing more happens before somebody has seen to it", examples=[False]
    )
    due_at: datetime | None = Field(
        description="When it goes on by itself", examples=["2026-06-25T08:05:00+08:00"]
    )


class ArticleDetail(ArticleStatus):
    """An article with everything that was done for it, the earliest first."""

    steps: list[StepTaken]


class Publishing(BaseModel):
    """How a bulletin is to be published."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    mode: Literal[Mode.freepublish, Mode.sendall] | None = Field(
        default=None,
        description="The account's own way, if none is named, and `freepublish` where that ends at drafts",
        examples=["freepublish"],
    )


class Preview(Output):
    """The article as it would be sent, and all that WeChat would refuse."""

    title: str = Field(examples=["新质生产力每日动态 2026-06-25"])
    author: str = Field(examples=["博雅云创"])
    digest: str = Field(examples=["今日新质生产力动态集中在“规模化创新”……"])
    html: str = Field(examples=['<section style="…">…</section>'])
    findings: list[str] = Field(description="In Chinese", examples=[["标题有 40 字，最多 32 字。"]])


class RehearsedRequest(Output):
    """A request as it would be sent; ``body`` is None where it holds a picture."""

    method: str = Field(examples=["POST"])
    url: str = Field(examples=["https://api.weixin.qq.com/cgi-bin/draft/add?access_token=ACCESS_TOKEN"])
    content_type: str = Field(examples=["application/json; charset=utf-8"])
    size: int = Field(description="Bytes of the body", examples=[20480])
    body: str | None = Field(examples=['{"articles": […]}'])


class Rehearsal(Output):
    """The requests that would make an article of nothing; none while WeChat would refuse something."""

    findings: list[str] = Field(
        description="What would be refused, in Chinese", examples=[["标题有 40 字，最多 32 字。"]]
    )
    requests: list[RehearsedRequest]


class Asked(Output):
    """A question that readers ask."""

    text: str = Field(examples=["数据要素"])
    times: int = Field(examples=[12])
    found: bool = Field(description="Whether there was an answer each day", examples=[True])


class AskedList(Output):
    items: list[Asked]


class Difference(Output):
    """What was found to be different at WeChat, in Chinese."""

    slug: str = Field(examples=["2026-06-25"])
    message: str = Field(examples=["微信上的草稿不见了：可能已被手动发表或删除。要重建草稿请用 retry。"])


class DifferenceList(Output):
    items: list[Difference]
