import re
from datetime import UTC, datetime
from typing import Any

import pytest

from app.wechat.errors import UnreachableError
from app.wechat.schemas import StepTaken
from app.wechat.told import PARTS, told
from app.wechat.workflow import Step


def shown(step: str, outcome: str = "done", **receipt: Any) -> str:
    return told(StepTaken(at=datetime.now(UTC), step=step, outcome=outcome, receipt=receipt))


def test_a_lost_connection_is_said_in_chinese() -> None:
    error = UnreachableError("draft/add", detail="ConnectError")
    receipt = {"code": error.code, "message": error.message, "detail": error.detail}
    assert shown("add-draft", "refused", **receipt) == "新建草稿  未成功  连不上微信，稍后重试。"
    assert str(error) == "draft/add：连不上微信，稍后重试。"


@pytest.mark.parametrize("step", [*Step, "retry", "event"])
@pytest.mark.parametrize("outcome", ["done", "refused", "unknown"])
def test_every_step_and_every_end_has_a_chinese_name(step: str, outcome: str) -> None:
    assert not re.search("[A-Za-z]", shown(step, outcome, **dict.fromkeys(PARTS)))


def test_what_is_known_of_a_step_stands_behind_it() -> None:
    assert shown("submit", publish_id="7", msg_id=None) == "提交发布  完成  发布编号：7，群发编号：无"
    assert shown("compare", changed=["title"]) == "比对内容  完成  改动：title"
    assert shown("event", status="0", urls={"1": "https://a.cn/1"}) == (
        "收到微信通知  完成  状态：0，网址：https://a.cn/1"
    )
    assert shown("delete-article", already=True) == "删除文章  完成  此前已删除：是"
    assert shown("send", "refused", code="wechat.quota", message="额度已用完。") == (
        "群发  未成功  额度已用完。（wechat.quota）"
    )
