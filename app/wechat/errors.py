"""What can go wrong with WeChat, by error code, and what helps."""

import re
from collections.abc import Mapping
from typing import Any


class WechatError(Exception):
    """WeChat did not do it. ``code`` is WeChat's, ``message`` Chinese, and neither holds a secret."""

    remedy = "微信返回了未知的错误，请查阅微信文档。"

    def __init__(
        self, call: str, code: int | None = None, detail: str = "", remedy: str | None = None
    ) -> None:
        self.call = call
        self.code = code
        self.detail = detail
        self.answer: Mapping[str, Any] = {}
        self.message = remedy or self.remedy
        shown = f"{call}：{self.message}"
        # Without a code the detail is what happened to the connection, which is for the log alone.
        super().__init__(shown + (f"（{code} {detail}）" if code is not None else ""))


class UnreachableError(WechatError):
    """The request was never sent: it may be sent again."""

    remedy = "连不上微信，稍后重试。"


class UnknownOutcomeError(WechatError):
    """The request may have been carried out or not: find out before anything is sent again."""

    remedy = "微信没有给出结果，可能已经执行：先核对，再决定是否重发。"


class BusyError(WechatError):
    """WeChat is busy; a read may be repeated."""

    remedy = "微信繁忙，稍后重试。"


class StaleTokenError(WechatError):
    """The access token is no longer valid, not even a new one."""

    remedy = "微信不接受新取的 access_token，请检查是否有别的程序在用旧方式刷新它。"


class WrongCredentialsError(WechatError):
    """AppID or AppSecret are wrong: nothing helps but other ones."""

    remedy = "AppID 或 AppSecret 不正确，请检查账号配置。"


class NotWhitelistedError(WechatError):
    """Our address is not on the account's list; ``detail`` names it."""

    remedy = "本机 IP 不在公众号的白名单里，请在“设置与开发—基本配置”中加入。"


class QuotaSpentError(WechatError):
    """The quota of calls or messages is spent until it is renewed."""

    remedy = "额度已用完，等额度恢复后再试。"


class NotAuthorisedError(WechatError):
    """The account may not use this interface."""

    remedy = "该账号没有此接口的权限。"


class RefusedContentError(WechatError):
    """WeChat does not take the content as it is."""

    remedy = "微信不接受这些内容，请修改后重试。"


class MissingError(WechatError):
    """What the call names does not exist, or no more."""

    remedy = "微信上没有这个素材、草稿或文章。"


class NeedsHumanError(WechatError):
    """Only a person can go on, at mp.weixin.qq.com."""

    remedy = "请到公众平台手动处理。"


class AlreadySentError(WechatError):
    """A message with this clientmsgid has been sent; ``answer`` holds its msg_id."""

    remedy = "这条群发已经发送过。"


STALE = frozenset({40001, 40014, 42001})
"""The access token is no longer valid: a new one may help."""

CODES: Mapping[int, tuple[type[WechatError], str | None]] = {
    -1: (BusyError, None),
    40001: (StaleTokenError, None),
    40014: (StaleTokenError, None),
    42001: (StaleTokenError, None),
    40013: (WrongCredentialsError, "AppID 不正确，请检查账号配置。"),
    40125: (WrongCredentialsError, "AppSecret 不正确，请检查账号配置。"),
    40164: (NotWhitelistedError, None),
    45009: (QuotaSpentError, "接口调用次数已达上限，等次日恢复，或用 clear_quota 清零。"),
    45028: (QuotaSpentError, "群发额度已用完，等额度恢复后再试。"),
    48006: (QuotaSpentError, "本月的清零次数（10 次）已用完。"),
    48001: (
        NotAuthorisedError,
        "该账号没有发布接口的权限（需已认证的企业主体）：只能建草稿，请在公众平台手动发表。",
    ),
    40005: (RefusedContentError, "图片格式不支持：正文图片只收 JPG、PNG。"),
    40009: (RefusedContentError, "图片太大：正文图片须小于 1 MB。"),
    40007: (MissingError, "素材、草稿或封面的 media_id 无效，可能已被删除。"),
    44003: (RefusedContentError, "图文内容为空。"),
    45002: (RefusedContentError, "正文超过 20,000 字符或 1 MB，请删减。"),
    45003: (RefusedContentError, "标题超过 32 字，请缩短。"),
    45004: (RefusedContentError, "摘要超过 120 字，请缩短。"),
    45166: (RefusedContentError, "正文含有微信不接受的内容（如外链或不支持的标签）。"),
    47001: (RefusedContentError, "请求格式有误，请把记录交给开发人员。"),
    53503: (NeedsHumanError, "草稿未通过发布检查，请到公众平台查看原因。"),
    53504: (NeedsHumanError, "该草稿须在公众平台官网上发布。"),
    53505: (NeedsHumanError, "请先在公众平台手动保存该草稿，再发布。"),
    53600: (MissingError, "微信上没有这篇文章。"),
    45065: (AlreadySentError, None),
}
"""The class and the remedy of each code; other codes are plain :class:`WechatError`."""

_SECRETS = re.compile(r"(access_token|secret|ticket)([=\"': ]+)[^&\s\"']+", re.IGNORECASE)


def redacted(text: str, *secrets: str) -> str:
    """Text without these secrets and without what looks like one."""
    for secret in filter(None, secrets):
        text = text.replace(secret, "***")
    return _SECRETS.sub(r"\1\2***", text)


def error(call: str, code: int, errmsg: str) -> WechatError:
    """The error that WeChat's code means."""
    kind, remedy = CODES.get(code, (WechatError, None))
    return kind(call, code, errmsg[:200], remedy)
