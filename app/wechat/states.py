"""Where an article stands."""

from collections.abc import Mapping
from enum import StrEnum


class State(StrEnum):
    """What WeChat holds of a bulletin."""

    new = "new"
    drafted = "drafted"
    submitted = "submitted"
    published = "published"
    withdrawn = "withdrawn"


STATES: Mapping[str, str] = {
    State.new: "未开始",
    State.drafted: "草稿已建",
    State.submitted: "发布中",
    State.published: "已发布",
    State.withdrawn: "已撤下",
}
