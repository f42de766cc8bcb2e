import pytest

from app.bulletins.document import BulletinDocument, Paragraph, Section
from app.rendering.wechat_article import (
    AUTHOR,
    CONTENT,
    DIGEST,
    PICTURE_BYTES,
    Article,
    author,
    check,
    check_cover,
    check_pictures,
    digest,
)
from tests.rendering.wechat_samples import seed

PNG = b"\x89PNG\r\n\x1a\n"
FITTING = Article(
    title="标题", author="作者", digest="摘要", content="<p>正文</p>", source_url="https://a.cn"
)
DOCUMENT = BulletinDocument(
    title="t",
    date=None,
    sections=(
        Section(number=1, heading="短的", body=(Paragraph(text="字"),)),
        Section(number=2, heading="长的", body=(Paragraph(text="字" * 9_000),)),
    ),
)


def codes(article: Article) -> list[str]:
    return [finding.code for finding in check(DOCUMENT, article)]


def changed(**values: str) -> Article:
    return Article(**{name: values.get(name, getattr(FITTING, name)) for name in Article.__slots__})


@pytest.mark.parametrize(
    ("field", "fits", "too_long", "code"),
    [
        ("title", "题" * 32, "题" * 33, "wechat.title"),
        ("author", "人" * 16, "人" * 17, "wechat.author"),
        ("digest", "摘" * 120, "摘" * 121, "wechat.digest"),
        ("content", "文" * 19_999, "文" * 20_000, "wechat.content"),
        ("source_url", "u" * 1_024, "u" * 1_025, "wechat.source-url"),
    ],
)
def test_a_limit_is_kept_to_the_character(field: str, fits: str, too_long: str, code: str) -> None:
    assert codes(changed(**{field: fits})) == []
    assert codes(changed(**{field: too_long})) == [code]


def test_what_is_too_long_is_said_in_chinese_with_how_much_and_where() -> None:
    (title,) = check(DOCUMENT, changed(title="题" * 40))
    assert "标题有 40 字，最多 32 字，请缩短 8 字" in title.message
    (content,) = check(DOCUMENT, changed(content="文" * (CONTENT + 100)))
    assert "请删去至少 101 个字符" in content.message
    assert content.message.index("第 2 条“长的”（9,000 字）") < content.message.index("第 1 条“短的”")


def test_an_article_without_a_title_is_refused() -> None:
    assert codes(changed(title="")) == ["wechat.title"]


def test_the_digest_of_the_real_bulletin_ends_where_a_thought_ends() -> None:
    made = digest(seed())
    assert made.endswith("全球合作和中国经济新空间…")
    assert len(made) <= DIGEST


@pytest.mark.parametrize(
    ("abstract", "expected"),
    [
        ("短。", "短。"),
        ("一行。\n二行。", "一行。 二行。"),
        ("句" * 79 + "。" + "后" * 90, "句" * 79 + "。"),
        ("句。" + "子" * 80 + "，" + "后" * 90, "句。" + "子" * 80 + "…"),
        ("字" * 300, "字" * 119 + "…"),
        ("", "短的；长的"),
    ],
)
def test_a_digest_is_cut_at_a_sentence_else_at_a_clause_else_at_the_limit(
    abstract: str, expected: str
) -> None:
    assert digest(DOCUMENT.model_copy(update={"abstract": abstract})) == expected


@pytest.mark.parametrize(
    ("producers", "organisation", "expected"),
    [
        (("博雅云创", "中科创新驱动"), "会", "博雅云创 & 中科创新驱动"),
        (("甲" * 10, "乙" * 10), "会", "甲" * 10),
        (("甲" * 17,), "会", "会"),
        ((), "会" * 17, ""),
    ],
)
def test_the_author_is_as_many_producers_as_fit(
    producers: tuple[str, ...], organisation: str, expected: str
) -> None:
    document = DOCUMENT.model_copy(update={"producers": producers, "organisation": organisation})
    assert author(document) == expected
    assert len(expected) <= AUTHOR


def test_pictures_are_checked_by_what_they_are_not_by_their_names() -> None:
    pictures = {
        "good.gif": PNG,
        "good.jpg": b"\xff\xd8\xff\xe0",
        "webp.png": b"RIFF0000WEBP",
        "gif.png": b"GIF89a",
        "large.png": PNG + b"0" * PICTURE_BYTES,
        "none.png": None,
    }
    found = [(finding.code, finding.message) for finding in check_pictures(pictures)]
    assert [code for code, _ in found] == [
        "wechat.picture-type",
        "wechat.picture-type",
        "wechat.picture-size",
        "wechat.picture-missing",
    ]
    assert "webp.png" in found[0][1]


def test_a_cover_may_be_larger_but_must_be_there() -> None:
    assert list(check_cover(PNG + b"0" * PICTURE_BYTES)) == []
    assert [f.code for f in check_cover(None)] == ["wechat.cover-missing"]
    assert [f.code for f in check_cover(b"RIFF0000WEBP")] == ["wechat.cover-type"]
    assert [f.code for f in check_cover(PNG + b"0" * 10_000_000)] == ["wechat.cover-size"]
