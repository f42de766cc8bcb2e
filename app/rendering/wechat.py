"""A bulletin as the HTML that an article of a WeChat official account keeps.

WeChat drops style sheets, classes, ids, scripts and links to other sites, and shows only pictures that
were uploaded to it. So every style is inline (``wechat_theme.toml``), an address is printed, and the
caller says where each picture of :func:`pictures` has been uploaded to.
"""

import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from html import escape
from importlib.resources import files

from app.bulletins.document import (
    Block,
    BulletinDocument,
    Citation,
    Contact,
    Image,
    ListBlock,
    Paragraph,
    Section,
    Subheading,
    Table,
    is_web_address,
)
from app.rendering import layout

ELEMENTS: Mapping[str, frozenset[str]] = {
    "section": frozenset({"style"}),
    "p": frozenset({"style"}),
    "span": frozenset({"style"}),
    "strong": frozenset(),
    "br": frozenset(),
    "img": frozenset({"src", "alt", "style"}),
    "a": frozenset({"href", "style"}),
    "table": frozenset({"style"}),
    "tbody": frozenset(),
    "tr": frozenset(),
    "th": frozenset({"style"}),
    "td": frozenset({"style"}),
}
"""All elements that are ever written, with their attributes."""

QR = "qr:"
"""A picture so named is the QR code of the address behind it."""

_WEEKDAYS = "一二三四五六日"
_LIVE_HOST = "mp.weixin.qq.com"


def pictures(document: BulletinDocument) -> tuple[str, ...]:
    """The pictures that the article shows, each once: addresses, ``sha256:…``, and ``qr:`` addresses."""
    blocks = (block for section in document.sections for block in section.body)
    shown = [block.src for block in blocks if isinstance(block, Image)]
    codes = [f"{QR}{contact.url}" for contact in document.contacts if contact.url]
    return tuple(dict.fromkeys([*shown, *codes]))


def render_wechat(document: BulletinDocument, *, tags: Mapping[str, str], uploaded: Mapping[str, str]) -> str:
    """The article's HTML.

    :param tags: the names of the tags by slug; one that is not named is not shown.
    :param uploaded: where WeChat keeps the pictures; instead of one that is lacking, its description
        stands there, and a missing QR code is left out.
    """
    return _Article(document, tags, uploaded).html()


@cache
def theme() -> Mapping[str, str]:
    """The inline style of each part by its name."""
    source = files("app.rendering").joinpath("wechat_theme.toml").read_text("utf-8")
    return {part: str(style) for part, style in tomllib.loads(source).items()}


def _element(name: str, part: str, *inner: str, **attributes: str) -> str:
    """An element with the style of a part; ``inner`` is HTML."""
    written = "".join(f' {key}="{escape(value)}"' for key, value in attributes.items())
    start = f'<{name}{written} style="{escape(theme()[part])}">'
    return start if name == "img" else f"{start}{''.join(inner)}</{name}>"


def _text(text: str) -> str:
    return escape(text, quote=False).replace("\n", "<br>")


@dataclass(frozen=True, slots=True)
class _Article:
    document: BulletinDocument
    tags: Mapping[str, str]
    uploaded: Mapping[str, str]

    def html(self) -> str:
        parts: list[Callable[[], Iterator[str]]] = [
            self._banner,
            self._abstract,
            self._sections,
            self._references,
            self._contacts,
        ]
        return _element("section", "article", *(piece for part in parts for piece in part()))

    def _banner(self) -> Iterator[str]:
        document = self.document
        lines = [_element("p", "series", _text(document.series))]
        if title := layout.own_title(document):
            lines.append(_element("p", "title", _text(title)))
        if day := document.date:
            weekday = _WEEKDAYS[day.weekday()]
            date = f"{day.year} 年 {day.month} 月 {day.day} 日 星期{weekday}"
            lines.append(_element("p", "imprint", date))
        names = filter(None, (document.organisation, " & ".join(document.producers)))
        lines.extend(_element("p", "imprint", _text(line)) for line in names)
        yield _element("section", "banner", *lines)

    def _abstract(self) -> Iterator[str]:
        if self.document.abstract:
            yield _element("p", "label", layout.ABSTRACT)
            lines = self.document.abstract.split("\n")
            yield _element(
                "section",
                "abstract",
                *(_element("p", "abstract_text", _text(line)) for line in lines if line),
            )

    def _sections(self) -> Iterator[str]:
        for section in self.document.sections:
            yield from self._section(section)

    def _section(self, section: Section) -> Iterator[str]:
        yield _element("p", "heading", _text(layout.numbered_heading(section)))
        names = [self.tags[tag.slug] for tag in section.tags if tag.slug in self.tags]
        if names:
            yield _element("p", "tags", _text(" · ".join(names)))
        for block in section.body:
            yield from self._block(block)
        cited = [c.number for c in self.document.citations if section.number in c.sections]
        if cited:
            yield _element("p", "notes", f"参考文献 {' '.join(f'[{number}]' for number in cited)}")

    def _block(self, block: Block) -> Iterator[str]:
        match block:
            case Paragraph():
                yield _element("p", "paragraph", _text(block.text))
            case Subheading():
                yield _element("p", "subheading", _text(block.text))
            case ListBlock():  # WeChat breaks lists, nested ones above all.
                for number, item in enumerate(block.items, start=1):
                    mark = f"{number}." if block.ordered else "•"
                    yield _element("p", "item", f"{mark} {_text(item)}")
            case Table():
                yield _element("table", "table", "<tbody>", *_rows(block), "</tbody>")
            case Image():
                yield from self._image(block)

    def _image(self, image: Image) -> Iterator[str]:
        address = self.uploaded.get(image.src)
        shown = _element("img", "image", src=address, alt=image.alt) if address else ""
        words = image.alt if address else f"（图：{image.alt}）" if image.alt else "（图）"
        caption = _element("p", "caption", _text(words)) if words else ""
        yield _element("section", "figure", shown, caption)

    def _references(self) -> Iterator[str]:
        if self.document.citations:
            yield _element("p", "label", layout.REFERENCES)
            notes = (_element("p", "reference", *_reference(each)) for each in self.document.citations)
            yield _element("section", "references", *notes)

    def _contacts(self) -> Iterator[str]:
        if self.document.contacts:
            yield _element("p", "label", layout.CONTACTS)
        for contact in self.document.contacts:
            yield _element("section", "contact", *self._contact(contact))

    def _contact(self, contact: Contact) -> Iterator[str]:
        yield _element("p", "contact_name", _text(contact.name))
        if contact.description:
            yield _element("p", "contact_text", _text(contact.description))
        if contact.url:
            yield _element("p", "contact_text", _address(contact.url))
            if code := self.uploaded.get(f"{QR}{contact.url}"):
                yield _element("img", "qr", src=code, alt=f"{contact.name}二维码")


def _rows(table: Table) -> Iterator[str]:
    for place, row in enumerate(table.rows):
        head = table.header and place == 0
        name, part = ("th", "head_cell") if head else ("td", "cell")
        yield f"<tr>{''.join(_element(name, part, _text(cell)) for cell in row)}</tr>"


def _reference(citation: Citation) -> Iterator[str]:
    """Number, source, title and date; on lines of their own what it was used for, and its address."""
    reference = citation.reference
    source = f"{_text(reference.source)}，" if reference.source else ""
    date = f"，{reference.date.isoformat()}" if reference.date else ""
    yield f"<strong>[{citation.number}]</strong> {source}{_text(reference.title)}{date}"
    if citation.purpose:
        yield "<br>" + _element("span", "aside", _text(citation.purpose))
    if reference.url:
        yield "<br>" + _address(reference.url)


def _address(url: str) -> str:
    """A link where WeChat lets it work, else the address to be read."""
    if is_web_address(url) and url.startswith(f"https://{_LIVE_HOST}/"):
        return _element("a", "link", _text(url), href=url)
    return _element("span", "address", _text(url))
