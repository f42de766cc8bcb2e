"""What WeChat refuses in an article, a picture or a menu, and what it strips: from the facts we know."""

from typing import Any

from lxml import html

KEPT = {
    *("section", "p", "span", "strong", "em", "br", "img", "blockquote", "a"),
    *("table", "thead", "tbody", "tr", "th", "td", "h1", "h2", "h3", "ul", "ol", "li"),
}
ARTICLE = {
    *("article_type", "title", "author", "digest", "content", "content_source_url", "thumb_media_id"),
    *("need_open_comment", "only_fans_can_comment", "pic_crop_235_1", "pic_crop_1_1"),
}
BUTTON = {
    "click": "key",
    "view": "url",
    "media_id": "media_id",
    "article_id": "article_id",
    "miniprogram": "url",
}


class Refusal(Exception):  # noqa: N818 - it is an answer
    def __init__(self, code: int, message: str = "refused", **more: Any) -> None:
        super().__init__(code)
        self.code, self.message, self.more = code, message, more


def check_article(article: Any, materials: Any) -> None:
    """Raise the refusal that WeChat would answer with."""
    if (
        not isinstance(article, dict)
        or not set(article) <= ARTICLE
        or not isinstance(article.get("title"), str)
    ):
        raise Refusal(47001, "data format error")
    content = article.get("content", "")
    if not content:
        raise Refusal(44003, "empty news data")
    if len(content) >= 20_000 or len(content.encode()) >= 1_048_576:
        raise Refusal(45002, "content size out of limit")
    for code, name, size, limit in (
        (45003, "title", len(article["title"]), 32),
        (45110, "author", len(article.get("author", "")), 16),
        (45004, "description", len(article.get("digest", "")), 120),
        (45005, "url", len(article.get("content_source_url", "").encode()), 1_024),
    ):
        if size > limit or (name == "title" and not size):
            raise Refusal(code, f"{name} size out of limit")
    if "javascript:" in content:
        raise Refusal(45166, "invalid content")
    if article.get("thumb_media_id") not in materials:
        raise Refusal(40007, "invalid media_id")
    if not {article.get("need_open_comment", 0), article.get("only_fans_can_comment", 0)} <= {0, 1}:
        raise Refusal(47001, "data format error")


def stripped(content: str) -> str:
    """The text as WeChat keeps it: no scripts, styles, classes, foreign pictures or foreign links."""
    root = html.fragment_fromstring(content, create_parent="section")
    for element in list(root.iter()):
        if element is root:
            continue
        if element.tag in ("script", "style", "iframe") or (
            element.tag == "img" and not element.get("src", "").startswith("https://mmbiz.qpic.cn/")
        ):
            element.drop_tree()
        elif element.tag not in KEPT or (
            element.tag == "a" and not element.get("href", "").startswith("https://mp.weixin.qq.com/")
        ):
            element.drop_tag()
        for name in ("class", "id"):
            element.attrib.pop(name, None)
        if "src" in element.attrib:
            element.set("data-src", element.attrib.pop("src"))
    inner = root.text or ""
    return inner + "".join(html.tostring(child, encoding="unicode") for child in root)


def check_picture(content: bytes, *, cover: bool) -> None:
    kinds = [b"\x89PNG", b"\xff\xd8\xff", *([b"GIF8", b"BM"] if cover else [])]
    if not any(content.startswith(kind) for kind in kinds):
        raise Refusal(40005, "invalid file type")
    if len(content) > 10_485_760 or (not cover and len(content) >= 1_048_576):
        raise Refusal(40009, "invalid image size")


def check_menu(menu: Any) -> None:
    buttons = menu.get("button") if isinstance(menu, dict) else None
    if not isinstance(buttons, list) or not 1 <= len(buttons) <= 3:
        raise Refusal(40017, "invalid button size")
    for button in buttons:
        _check_button(button, 16)
        inner = button.get("sub_button", [])
        if len(inner) > 5:
            raise Refusal(40023, "invalid sub button size")
        for each in inner:
            _check_button(each, 60)


def _check_button(button: Any, limit: int) -> None:
    if not 1 <= len(str(button.get("name", "")).encode()) <= limit:
        raise Refusal(40018, "invalid button name size")
    if "sub_button" in button:
        return
    needs = BUTTON.get(button.get("type"))
    if needs is None or needs not in button:
        raise Refusal(40016, "invalid button type")
    if len(button.get("key", "").encode()) > 128 or len(button.get("url", "").encode()) > 1_024:
        raise Refusal(40019, "invalid button key size")
