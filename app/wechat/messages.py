"""What WeChat sends to the callback, and what it takes for an answer: small XML documents."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

LIMIT = 64 * 1024
"""A body may have so many bytes."""
TEXT_BYTES = 2_047
"""WeChat shows no more of a text."""

_DIGITS = re.compile(r"[0-9]{1,12}")


class MessageError(Exception):
    """The body is no message of WeChat."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message or an event. ``key`` is the same whenever WeChat sends it again."""

    account: str
    reader: str
    kind: str
    key: str
    text: str = ""
    event: str = ""
    event_key: str = ""
    report: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """A text, or with ``url`` a card; ``more`` is what 更多 shows afterwards.

    ``asked`` is the question to be counted, ``found`` whether there was something.
    """

    text: str
    title: str = ""
    url: str = ""
    more: str = ""
    asked: str = ""
    found: bool = True


def elements(body: bytes) -> Element:
    """The document, without anything that could make more of it than it is.

    :raises MessageError: it is no such document.
    """
    try:
        root = fromstring(body, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError):
        raise MessageError from None
    assert isinstance(root, Element)  # noqa: S101 - for the type checker
    return root


def parse(body: bytes) -> Message:
    """The message in a document.

    :raises MessageError: it is none.
    """
    root = elements(body)

    def value(name: str) -> str:
        return (root.findtext(name) or "").strip()[:2_048].replace("\x00", "")

    reader, created, kind = value("FromUserName"), value("CreateTime"), value("MsgType")
    if not (reader and value("ToUserName") and kind and _DIGITS.fullmatch(created)) or len(reader) > 128:
        raise MessageError
    event = value("Event")
    key = value("MsgId") or f"{reader} {created} {event} {value('EventKey')}"
    return Message(
        account=value("ToUserName")[:128],
        reader=reader,
        kind=kind,
        key=key,
        text=value("Content") if kind == "text" else "",
        event=event,
        event_key=value("EventKey"),
        report=_report(root, event),
    )


def _report(root: Element, event: str) -> dict[str, Any]:
    """What the end of a publication, or of a message to all, came to."""
    if event == "PUBLISHJOBFINISH":
        return {
            "publish_id": _text(root, "PublishEventInfo/publish_id"),
            "status": _text(root, "PublishEventInfo/publish_status"),
            "article_id": _text(root, "PublishEventInfo/article_id"),
            "urls": dict(_urls(root, "PublishEventInfo/article_detail/item", "idx", "article_url")),
        }
    if event == "MASSSENDJOBFINISH":
        return {
            "msg_id": _text(root, "MsgID") or _text(root, "MsgId"),
            "status": _text(root, "Status"),
            "urls": dict(_urls(root, "ArticleUrlResult/ResultList/item", "ArticleIdx", "ArticleUrl")),
        }
    return {}


def _urls(root: Element, path: str, place: str, url: str) -> Iterator[tuple[int, str]]:
    for item in root.findall(path)[:8]:
        if _DIGITS.fullmatch(number := _text(item, place)):
            yield int(number), _text(item, url)


def _text(root: Element, path: str) -> str:
    """Ids may hold a line break."""
    return "".join((root.findtext(path) or "").split())[:1_024].replace("\x00", "")


def reply(message: Message, answer: Answer, created: int) -> bytes:
    """The answer to a message, as XML."""
    fields = {
        "ToUserName": message.reader,
        "FromUserName": message.account,
        "CreateTime": str(created),
        "MsgType": "news" if answer.url else "text",
    }
    written = "".join(f"<{name}>{cdata(value)}</{name}>" for name, value in fields.items())
    if not answer.url:
        return f"<xml>{written}<Content>{cdata(fitted(answer.text))}</Content></xml>".encode()
    item = {"Title": answer.title, "Description": answer.text, "PicUrl": "", "Url": answer.url}
    shown = "".join(f"<{name}>{cdata(value)}</{name}>" for name, value in item.items())
    return (
        f"<xml>{written}<ArticleCount>1</ArticleCount><Articles><item>{shown}</item></Articles></xml>"
    ).encode()


def envelope(encrypted: str, signature: str, timestamp: str, nonce: str) -> bytes:
    """An encrypted reply."""
    return (
        f"<xml><Encrypt>{cdata(encrypted)}</Encrypt><MsgSignature>{cdata(signature)}</MsgSignature>"
        f"<TimeStamp>{timestamp}</TimeStamp><Nonce>{cdata(nonce)}</Nonce></xml>"
    ).encode()


def cdata(text: str) -> str:
    """Text that is taken as it stands; control characters, which XML cannot hold, are left out."""
    plain = re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]", "", text)
    return f"<![CDATA[{plain.replace(']]>', ']]]]><![CDATA[>')}]]>"


def fitted(text: str) -> str:
    """As many whole lines as WeChat shows; of a single line that is too long, as much as it shows."""
    if len(text.encode()) <= TEXT_BYTES:
        return text
    room = TEXT_BYTES - len("\n…".encode())
    cut = text.encode()[: room + 1].decode(errors="ignore")
    lines = cut[: cut.rfind("\n")] if "\n" in cut else text.encode()[:room].decode(errors="ignore")
    return f"{lines}\n…"
