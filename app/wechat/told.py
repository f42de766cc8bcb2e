"""What was done for an article, as editors read it."""

from collections.abc import Mapping

from app.wechat.schemas import StepTaken
from app.wechat.workflow import Step

STEPS: Mapping[str, str] = {
    Step.add_draft: "新建草稿",
    Step.update_draft: "更新草稿",
    Step.delete_draft: "删除草稿",
    Step.submit: "提交发布",
    Step.send: "群发",
    Step.poll: "查询发布结果",
    Step.delete_article: "删除文章",
    Step.find_out: "核对上次结果",
    Step.compare: "比对内容",
    "retry": "重新执行",
    "event": "收到微信通知",
}
OUTCOMES: Mapping[str, str] = {"done": "完成", "refused": "未成功", "unknown": "结果不明"}
PARTS: Mapping[str, str] = {
    "media_id": "草稿编号",
    "publish_id": "发布编号",
    "msg_id": "群发编号",
    "msg_data_id": "群发数据编号",
    "article_id": "文章编号",
    "article_url": "网址",
    "urls": "网址",
    "url": "网址",
    "index": "位置",
    "place": "位置",
    "status": "状态",
    "found": "找到的编号",
    "changed": "改动",
    "withdrawn": "已撤回",
    "already": "此前已删除",
    "code": "代码",
}
"""What receipts hold."""


def told(step: StepTaken) -> str:
    """A step, how it ended and what is known of it, on one line in Chinese."""
    name = STEPS.get(step.step, step.step)
    return "  ".join(filter(None, (name, OUTCOMES.get(step.outcome, step.outcome), _receipt(step.receipt))))


def _receipt(receipt: Mapping[str, object]) -> str:
    if "message" in receipt:
        code = receipt.get("code")
        return f"{receipt['message']}（{code}）" if code is not None else str(receipt["message"])
    return "，".join(f"{PARTS.get(name, name)}：{_value(value)}" for name, value in receipt.items())


def _value(value: object) -> str:
    match value:
        case None | [] | "":
            return "无"
        case bool():
            return "是" if value else "否"
        case list():
            return "、".join(map(_value, value))
        case dict():
            return "、".join(map(_value, value.values()))
    return str(value)
