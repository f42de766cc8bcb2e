"""The contact block: names, descriptions, addresses."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from app.bulletins.document import Contact
from app.ingest.flow import Element, TextLine
from app.ingest.lines import ends_sentence, is_cut, joined, key, one_line

_ADDRESS = re.compile(
    r"<?(?P<url>https?://[^\s<>]+|(?:[a-z0-9-]+\.)+[a-z]{2,}(?::\d+)?(?:/[^\s<>]*)?)>?", re.IGNORECASE
)
_SITE = re.compile(r"(?:网站|网站地址|网址|官网|官方网站|站点|链接|website|site|url)", re.IGNORECASE)
_DESCRIBED = re.compile(r"(?P<name>[^：:]{1,40}?)\s*(?:：|:(?!//))\s*(?P<text>.*)")
_CAPTION = re.compile(
    r"(?:微信)?(?:官方)?(?:微信)?(?:公众号|服务号|订阅号|视频号|小程序|网站|微博)?(?:二维码)?|"
    r"(?:请)?(?:扫码|扫描二维码|扫一扫|长按识别二维码)(?:关注)?(?:我们)?"
)


@dataclass(slots=True)
class _Draft:
    name: str
    description: str = ""
    url: str | None = None


@dataclass(slots=True)
class _Block:
    drafts: list[_Draft] = field(default_factory=list)
    last: _Draft | None = None
    soft: bool = False  # only a page's end broke the line before

    def named(self, name: str) -> _Draft:
        """The contact of this name, which may have been introduced before."""
        for draft in self.drafts:
            if key(draft.name) == key(name):
                return draft
        self.drafts.append(_Draft(name))
        return self.drafts[-1]


def read_contacts(elements: Iterable[Element]) -> tuple[list[Contact], list[Element]]:
    """Contacts in the order of their first mention, and what is none.

    ``名称：说明`` describes a contact; an address belongs to the contact before it, a bare domain gets
    ``https://``. The captions of QR codes (官方公众号) are no contacts and are passed over.
    """
    block = _Block()
    others: list[Element] = []
    for element in elements:
        if not isinstance(element, TextLine):
            others.append(element)
        elif element.text and not _CAPTION.fullmatch(element.text):
            if not _take(block, one_line(element.text)):
                others.append(element)
            block.soft = element.soft
    return [Contact(name=d.name, description=d.description, url=d.url) for d in block.drafts], others


def site_address(text: str) -> str | None:
    """The address if the text is one and nothing else; a bare domain gets ``https://``."""
    match = _ADDRESS.fullmatch(text)
    if not match:
        return None
    url = match["url"]
    return url if re.match("https?://", url, re.IGNORECASE) else f"https://{url}"


def _take(block: _Block, text: str) -> bool:
    described = _DESCRIBED.fullmatch(text)
    if url := site_address(described["text"] if described else text):
        if described and not _SITE.fullmatch(described["name"]):
            block.last = block.named(described["name"])
        if block.last is None:
            block.last = block.named(described["name"] if described else text)
        block.last.url = block.last.url or url
        return block.last.url == url
    if described:
        block.last = block.named(described["name"])
        return _describe(block.last, described["text"])
    if block.soft and block.last and is_cut(block.last.description):
        block.last.description = joined(block.last.description, text)
        return True
    if ends_sentence(text) or len(text) > 40:
        return False
    block.last = block.named(text)
    return True


def _describe(draft: _Draft, text: str) -> bool:
    if draft.description and text:
        return False
    draft.description = draft.description or text
    return True
