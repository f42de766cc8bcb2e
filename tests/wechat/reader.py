"""A reader who writes to the official account, and the WeChat between the two (wechatpy encrypts)."""

import itertools
import time
import warnings
from dataclasses import dataclass, field
from typing import Any, Literal
from xml.etree.ElementTree import Element, fromstring

import httpx2

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from wechatpy.crypto import WeChatCrypto
    from wechatpy.utils import WeChatSigner

TOKEN, KEY, APPID = "AAAAA", "A" * 43, "wxba5fad812f8e6fb9"
MODES = ("plain", "compatible", "safe")
Mode = Literal["plain", "compatible", "safe"]

_numbers = itertools.count(23_000_000)


def signed(*parts: str) -> str:
    signer = WeChatSigner()
    signer.add_data(TOKEN, *parts)
    return str(signer.signature)


def query(timestamp: int | None = None, nonce: str | None = None) -> dict[str, str]:
    at, once = str(int(time.time()) if timestamp is None else timestamp), nonce or str(next(_numbers))
    return {"timestamp": at, "nonce": once, "signature": signed(at, once)}


@dataclass
class Reader:
    """``openid`` writes in a mode; answers come back as XML, None where WeChat shows nothing."""

    api: httpx2.Client
    mode: Mode = "safe"
    openid: str = "oReader-1"
    path: str = "/wechat/callback"
    key: str = KEY
    sent: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    written: list[str] = field(default_factory=list)

    def xml(self, kind: str, inner: str, msg_id: str = "") -> str:
        number = f"<MsgId>{msg_id or next(_numbers)}</MsgId>" if kind == "text" else ""
        return (
            f"<xml><ToUserName><![CDATA[gh_1]]></ToUserName><FromUserName><![CDATA[{self.openid}]]>"
            f"</FromUserName><CreateTime>{int(time.time())}</CreateTime><MsgType><![CDATA[{kind}]]></MsgType>"
            f"{inner}{number}</xml>"
        )

    def say(self, text: str, msg_id: str = "") -> Element:
        answer = self.post(self.xml("text", f"<Content><![CDATA[{text}]]></Content>", msg_id))
        assert answer is not None
        return answer

    def text(self, text: str) -> str:
        """The text that is answered."""
        return self.say(text).findtext("Content") or ""

    def event(self, event: str, inner: str = "") -> Element | None:
        return self.post(self.xml("event", f"<Event><![CDATA[{event}]]></Event>{inner}"))

    def post(self, xml: str, params: dict[str, str] | None = None) -> Element | None:
        params = params or query()
        self.written.append(xml)
        body = xml.encode()
        if self.mode != "plain":
            sealed = WeChatCrypto(TOKEN, self.key, APPID).encrypt_message(
                xml, params["nonce"], params["timestamp"]
            )
            encrypted = fromstring(sealed).findtext("Encrypt") or ""  # noqa: S314
            open_part = xml.removesuffix("</xml>") if self.mode == "compatible" else "<xml>"
            body = f"{open_part}<Encrypt><![CDATA[{encrypted}]]></Encrypt></xml>".encode()
            params = params | {
                "encrypt_type": "aes",
                "msg_signature": signed(params["timestamp"], params["nonce"], encrypted),
            }
        self.sent.append((params, body))
        return self.again()

    def again(self) -> Element | None:
        """Send the last request once more, as WeChat does when it has heard nothing."""
        params, body = self.sent[-1]
        response = self.api.post(self.path, params=params, content=body)
        assert response.status_code == 200, response.text
        return self.opened(response)

    def opened(self, response: httpx2.Response) -> Element | None:
        if response.content == b"success":
            return None
        if self.mode == "plain":
            return fromstring(response.content)  # noqa: S314
        sealed = fromstring(response.content)  # noqa: S314
        given = {name: sealed.findtext(name) or "" for name in ("MsgSignature", "TimeStamp", "Nonce")}
        crypto = WeChatCrypto(TOKEN, self.key, APPID)
        opened: Any = crypto.decrypt_message(
            response.text, given["MsgSignature"], given["TimeStamp"], given["Nonce"]
        )
        return fromstring(opened)  # noqa: S314
