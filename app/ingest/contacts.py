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
_DETAIL = re.compile(
    r"(?:联系|咨询|服务|办公|电子|官方|通讯|通信)?"
    r"(?:电话|手机|手机号|座机|热线|传真|邮箱|邮件|邮编|邮政编码|地址|微信|微信号|QQ)|"
    r"tel|telephone|phone|mobile|fax|e-?mail|mail|address|wechat",
    re.IGNORECASE,
)
_PERSON = re.compile(
    r"(?:业务|商务|媒体|投稿|会务|项目)?(?:联系人|联络人|负责人)(?:姓名)?|contact(?: person)?", re.IGNORECASE
)
_PARTS = re.compile(
    rf"[\s，,；;、|｜（(【\[）)】\]]+"
    rf"(?=(?:{_SITE.pattern}|{_DETAIL.pattern}|{_PERSON.pattern})\s*[：:（(+\d]|[\w.+-]+@|https?://|www\.)",
    re.IGNORECASE,
)
_NAME = re.compile(r"(?P<name>.*?)(?:[（(【\[；;|｜]+|(?=\+?\d[\d -]{4,})|$)(?P<rest>.*)")
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
    details: list[str] = field(default_factory=list)

    def contact(self) -> Contact:
        described = [text for text in (self.description, *self.details) if text]
        whole = "".join(
            text if index == len(described) - 1 or ends_sentence(text) else f"{text}；"
            for index, text in enumerate(described)
        )
        return Contact(name=self.name, description=whole, url=self.url)


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

    ``名称：说明`` describes a contact, ``联系人：张三（电话：…）`` a person. An address belongs to the
    contact before it, a bare domain gets ``https://``, and so do a telephone number and the like, as part
    of its description; with no contact before them they are none. The captions of QR codes (官方公众号)
    are no contacts and are passed over.
    """
    block = _Block()
    others: list[Element] = []
    for element in elements:
        if not isinstance(element, TextLine):
            others.append(element)
        elif element.text and not _CAPTION.fullmatch(element.text):
            text = one_line(element.text)
            taken = [_take_part(block, part) for part in _person_parts(text)] or [_take(block, text)]
            if not all(taken):
                others.append(element)
            block.soft = element.soft
    return [draft.contact() for draft in block.drafts], others


def site_address(text: str) -> str | None:
    """The address if the text is one and nothing else; a bare domain gets ``https://``."""
    match = _ADDRESS.fullmatch(text)
    if not match:
        return None
    url = match["url"]
    return url if re.match("https?://", url, re.IGNORECASE) else f"https://{url}"


def _take(block: _Block, text: str) -> bool:
    described = _DESCRIBED.fullmatch(text)
    label = described["name"].strip() if described else ""
    is_site = bool(_SITE.fullmatch(label))
    no_site = is_site and described and (block.last is None or not site_address(described["text"]))
    if described and (no_site or _DETAIL.fullmatch(label)):
        return _detail(block, described["text"] and text)
    if url := site_address(described["text"] if described else text):
        if described and not is_site:
            block.last = block.named(described["name"])
        if block.last is None:
            block.last = block.named(text)
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


def _person_parts(text: str) -> list[str]:
    """The parts of a line about a person, ``联系人：张三`` first; none if it is about something else."""
    parts = [_unbracketed(part) for part in _PARTS.split(text)]
    if all(_person(part) is None for part in parts):
        return []
    return parts if _person(parts[0]) else sorted(parts, key=lambda part: _person(part) is None)


def _person(part: str) -> str | None:
    """Who is named behind 联系人, which may be nobody; None where that label is not."""
    described = _DESCRIBED.fullmatch(part)
    return described["text"] if described and _PERSON.fullmatch(described["name"].strip()) else None


def _take_part(block: _Block, part: str) -> bool:
    rest = part
    if (who := _person(part)) is not None and (person := _NAME.fullmatch(who)):
        name = person["name"].strip(" ，,、")
        if not name:
            return _detail(block, who and part)
        block.last = block.named(name)
        rest = _unbracketed(person["rest"].strip())
    if not rest or _CAPTION.fullmatch(rest):
        return True
    described = _DESCRIBED.fullmatch(rest)
    url = site_address(
        described["text"] if described and _SITE.fullmatch(described["name"].strip()) else rest
    )
    if url and block.last and not block.last.url:
        block.last.url = url
        return True
    return _detail(block, rest)


def _unbracketed(text: str) -> str:
    """Without a closing bracket whose opening one was cut off."""
    return text if re.search(r"[（(【\[]", text) else text.rstrip("）)】] ")


def _detail(block: _Block, text: str) -> bool:
    if block.last is None or not text:
        return False
    block.last.details.append(text)
    return True


def _describe(draft: _Draft, text: str) -> bool:
    if draft.description and text:
        return False
    draft.description = draft.description or text
    return True
