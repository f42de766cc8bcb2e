from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree, html

from app.bulletins.document import BulletinDocument, Image, Paragraph, Section
from app.rendering.wechat import ELEMENTS, QR, pictures, render_wechat, theme
from tests.rendering.wechat_samples import (
    EVERYTHING,
    EVERYTHING_UPLOADED,
    GOLDEN,
    TAGS,
    WIDTH,
    Phone,
    articles,
    chromium,
    qr_data,
    seed,
)

BREAKS_IN_WECHAT = ("position", "float", "grid", "var(", "@", "url(", "white-space", "expression")


def elements(article: str) -> Iterator[etree._Element]:
    root = html.fragment_fromstring(article)
    assert root.tail is None, "one element holds the article"
    yield from root.iter()


@pytest.mark.parametrize("name", ["2026-06-25.html", "everything.html"])
def test_an_article_is_what_its_golden_file_says(name: str) -> None:
    golden = (GOLDEN / name).read_text("utf-8")
    assert articles()[name] == golden, (
        "run `python -m scripts.make_wechat_samples` and look at the difference"
    )


@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_whatever_a_bulletin_says_the_article_has_only_what_wechat_keeps(
    data: st.DataObject, markdown_documents: st.SearchStrategy[BulletinDocument]
) -> None:
    document = data.draw(markdown_documents)
    uploaded = {name: f"https://mmbiz.qpic.cn/{n}" for n, name in enumerate(pictures(document))}
    for element in elements(render_wechat(document, tags={}, uploaded=uploaded)):
        assert element.tag in ELEMENTS
        assert set(element.attrib) <= ELEMENTS[str(element.tag)]
        if element.tag == "img":
            assert element.get("src", "").startswith("https://mmbiz.qpic.cn/")


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_every_word_of_a_bulletin_stands_in_its_article(
    data: st.DataObject, markdown_documents: st.SearchStrategy[BulletinDocument]
) -> None:
    document = data.draw(markdown_documents)
    text = html.fragment_fromstring(render_wechat(document, tags={}, uploaded={})).text_content()
    for section in document.sections:
        assert section.heading in text
        for block in section.body:
            if isinstance(block, Paragraph):
                assert block.text in text
    assert all(citation.reference.title in text for citation in document.citations)


def test_the_theme_has_nothing_that_wechat_breaks() -> None:
    for part, style in theme().items():
        assert not [word for word in BREAKS_IN_WECHAT if word in style], part
        assert '"' not in style


def test_every_style_of_the_theme_is_used() -> None:
    everything = "".join(articles().values())
    assert [part for part, style in theme().items() if f'style="{style}"' not in everything] == []


def test_markup_in_a_text_is_text() -> None:
    article = articles()["everything.html"]
    assert "&lt;script&gt;" in article
    assert "<script" not in article
    assert "<b>" not in article


def test_only_links_that_wechat_lets_work_are_links_and_all_addresses_can_be_read() -> None:
    found = list(elements(articles()["everything.html"]))
    assert [element.get("href") for element in found if element.tag == "a"] == [
        "https://mp.weixin.qq.com/s?__biz=A&mid=1"
    ]
    text = html.fragment_fromstring(articles()["everything.html"]).text_content()
    assert "https://example.org/?a=1&b=2" in text
    assert "https://mp.weixin.qq.com/s?__biz=A&mid=1" in text


@pytest.mark.parametrize(
    "url",
    [
        "https://mp.weixin.qq.com.evil.cn/s",
        "http://mp.weixin.qq.com/s",
        "https://a@mp.weixin.qq.com:1/s",
        "https://[x",
    ],
)
def test_an_address_that_only_looks_like_wechat_is_no_link(url: str) -> None:
    contact = EVERYTHING.contacts[0].model_copy(update={"url": url})
    document = BulletinDocument(title="t", date=None, contacts=(contact,))
    assert "<a " not in render_wechat(document, tags={}, uploaded={})


def test_pictures_are_named_once_with_the_qr_codes_last() -> None:
    twice = Section(number=1, heading="图", body=(Image(src="sha256:a"), Image(src="sha256:a")))
    document = EVERYTHING.model_copy(update={"sections": (twice,)})
    assert pictures(document) == (
        "sha256:a",
        f"{QR}https://gyznsw.cn",
        f"{QR}https://example.org/没有码",
    )


def test_a_picture_that_was_not_uploaded_leaves_its_description() -> None:
    article = articles()["everything.html"]
    assert "（图：没有上传的图）" in article
    assert "（图）" in article
    assert "sha256" not in article


def test_the_article_is_the_same_each_time() -> None:
    once = render_wechat(EVERYTHING, tags=TAGS, uploaded=EVERYTHING_UPLOADED)
    assert once == render_wechat(EVERYTHING, tags=dict(reversed(TAGS.items())), uploaded=EVERYTHING_UPLOADED)


def test_the_real_bulletin_leaves_room_for_a_longer_one() -> None:
    assert len(articles()["2026-06-25.html"]) < 10_000, "WeChat takes less than 20,000 characters"


@pytest.mark.skipif(chromium() is None, reason="there is no Chromium")
def test_a_phone_shows_the_article_without_scrolling_sideways_or_small_letters(tmp_path: Path) -> None:
    phone = Phone(chromium() or "", tmp_path)
    article = render_wechat(seed(), tags=TAGS, uploaded={f"{QR}https://gyznsw.cn": qr_data()})
    seen = phone.look(article)
    assert seen["width"] == WIDTH
    assert seen["hidden"] == []
    assert seen["smallest"] >= 15
    assert seen["characters"] > 2_500
    wide = BulletinDocument(
        title="t",
        date=None,
        sections=(
            Section(number=1, heading="https://example.org/" + "a" * 250, body=EVERYTHING.sections[0].body),
        ),
    )
    assert phone.look(render_wechat(wide, tags={}, uploaded={}))["width"] == WIDTH
    photograph = tmp_path / "phone.png"
    phone.photograph(article, photograph, height=seen["height"])
    assert photograph.stat().st_size > 50_000, "there is something to be seen"
