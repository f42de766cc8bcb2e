"""Where an article stands."""

from collections.abc import Mapping
from enum import StrEnum


class ArticleState(StrEnum):
    """What WeChat holds of a bulletin."""

    new = "new"
    drafted = "drafted"
    submitted = "submitted"
    published = "published"
    withdrawn = "withdrawn"


STATES: Mapping[str, str] = {
    ArticleState.new: "未开始",
    ArticleState.drafted: "草稿已建",
    ArticleState.submitted: "发布中",
    ArticleState.published: "已发布",
    ArticleState.withdrawn: "已撤下",
}
