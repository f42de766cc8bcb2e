"""What WeChat is given besides the text (title, author, digest, source), and whether it will take it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from app.bulletins.document import BulletinDocument, block_text

TITLE, AUTHOR, DIGEST = 32, 16, 120
CONTENT = 20_000
CONTENT_BYTES = 1_000_000
"""The length of the text must stay below both: characters and bytes of UTF-8."""
SOURCE_URL_BYTES = 1_024
PICTURE_BYTES = 1_000_000
"""A picture inside the text must stay below this; WeChat says 1 MB, and this is the stricter reading."""
COVER_BYTES = 10_000_000

_SENTENCE_ENDS = "。！？!?"
_CLAUSE_ENDS = "；，;,"


@dataclass(frozen=True, slots=True)
class Article:
    """One article of a draft, without its cover."""

    title: str
    author: str
    digest: str
    content: str
    source_url: str


@dataclass(frozen=True, slots=True)
class Finding:
    """Something WeChat would refuse. ``code`` is stable, ``message`` Chinese."""

    code: str
    message: str


def author(document: BulletinDocument) -> str:
    """Who is named above the article: the producers that fit, else the organisation if it fits."""
    for names in range(len(document.producers), 0, -1):
        line = " & ".join(document.producers[:names])
        if len(line) <= AUTHOR:
            return line
    return document.organisation if len(document.organisation) <= AUTHOR else ""


def digest(document: BulletinDocument) -> str:
    """What followers see before they open it: the abstract's first sentences, else the headings."""
    text = " ".join(document.abstract.split("\n")) or "；".join(s.heading for s in document.sections)
    if len(text) <= DIGEST:
        return text
    sentences = max(map(text[:DIGEST].rfind, _SENTENCE_ENDS)) + 1
    if sentences > DIGEST // 2:
        return text[:sentences]
    clauses = max(map(text[: DIGEST - 1].rfind, _CLAUSE_ENDS))
    return text[: clauses if clauses > DIGEST // 2 else DIGEST - 1] + "…"


def check(document: BulletinDocument, article: Article) -> Iterator[Finding]:
    """Every limit that the article exceeds, with what to shorten and where."""
    for code, name, value, limit in (
        ("wechat.title", "标题", article.title, TITLE),
        ("wechat.author", "作者", article.author, AUTHOR),
        ("wechat.digest", "摘要", article.digest, DIGEST),
    ):
        if (over := len(value) - limit) > 0:
            message = f"{name}有 {len(value)} 字，最多 {limit} 字，请缩短 {over} 字：“{value}”。"
            yield Finding(code, message)
    if not article.title:
        yield Finding("wechat.title", "没有标题。")
    if (size := len(article.source_url.encode())) > SOURCE_URL_BYTES:
        yield Finding("wechat.source-url", f"原文链接有 {size} 字节，最多 {SOURCE_URL_BYTES} 字节。")
    yield from _check_content(document, article.content)


def _check_content(document: BulletinDocument, content: str) -> Iterator[Finding]:
    characters, size = len(content), len(content.encode())
    if characters < CONTENT and size < CONTENT_BYTES:
        return
    parts = [("参考文献", sum(len(c.reference.title) + len(c.purpose) for c in document.citations))]
    for section in document.sections:
        length = sum(len(block_text(block)) for block in section.body)
        parts.append((f"第 {section.number} 条“{section.heading}”", length))
    longest = sorted(parts, key=lambda part: -part[1])[:3]
    where = "，".join(f"{name}（{length:,} 字）" for name, length in longest)
    over = max(characters - CONTENT + 1, 0)
    need = f"请删去至少 {over:,} 个字符" if over else "请删减"
    yield Finding(
        "wechat.content",
        f"正文连同格式有 {characters:,} 个字符、{size:,} 字节，"
        f"须少于 {CONTENT:,} 个字符和 {CONTENT_BYTES:,} 字节。"
        f"{need}；最长的是{where}。",
    )


def check_pictures(content: Mapping[str, bytes | None]) -> Iterator[Finding]:
    """Every picture of the text that WeChat would refuse, by its name; None where there is no picture."""
    for name, picture in content.items():
        if picture is None:
            yield Finding("wechat.picture-missing", f"找不到图片 {name}。")
        elif picture_type(picture) not in {"png", "jpeg"}:
            yield Finding("wechat.picture-type", f"图片 {name} 不是 JPG 或 PNG，请转换格式。")
        elif len(picture) >= PICTURE_BYTES:
            yield Finding(
                "wechat.picture-size",
                f"图片 {name} 有 {len(picture):,} 字节，须小于 {PICTURE_BYTES:,} 字节，请压缩。",
            )


def check_cover(cover: bytes | None) -> Iterator[Finding]:
    if cover is None:
        yield Finding("wechat.cover-missing", "没有封面图片。")
    elif picture_type(cover) not in {"png", "jpeg", "gif", "bmp"}:
        yield Finding("wechat.cover-type", "封面不是 JPG、PNG、GIF 或 BMP 图片，请转换格式。")
    elif len(cover) > COVER_BYTES:
        yield Finding("wechat.cover-size", f"封面有 {len(cover):,} 字节，最多 {COVER_BYTES:,} 字节，请压缩。")


def picture_type(content: bytes) -> str | None:
    """The format by its first bytes: ``png``, ``jpeg``, ``gif``, ``bmp``; None for any other."""
    marks = {b"\x89PNG\r\n\x1a\n": "png", b"\xff\xd8\xff": "jpeg", b"GIF8": "gif", b"BM": "bmp"}
    return next((kind for mark, kind in marks.items() if content.startswith(mark)), None)
