import json
import re

import pytest
from justhtml import JustHTML

from app.rendering.html import render_content, render_html
from tests.rendering.editions import MEAN, PUBLISHED, SITE, bare, edition, expanded

SCHEMA = "https://schema.org/"


def page(which: str) -> JustHTML:
    made = edition() if which == "everything" else bare()
    return JustHTML(render_html(made, SITE), strict=True, sanitize=False)


def attributes(document: JustHTML, selector: str, name: str) -> list[str]:
    return [str((node.attrs or {}).get(name)) for node in document.query(selector)]


def texts(document: JustHTML, selector: str) -> list[str]:
    return [" ".join(node.to_text().split()) for node in document.query(selector)]


@pytest.mark.parametrize("which", ["everything", "bare"])
def test_a_page_is_html_without_any_parse_error(which: str) -> None:
    assert attributes(page(which), "html", "lang") == ["zh-CN"]


def test_a_fragment_is_html_without_any_parse_error() -> None:
    fragment = f"<!DOCTYPE html><title>x</title>{render_content(edition(), SITE)}"
    document = JustHTML(fragment, strict=True, sanitize=False)
    assert len(document.query("section")) == 3
    # In a feed reader the page's own address has to stand before an anchor.
    here = "https://example.org/base/v1/bulletins/2026-06-25.html"
    assert attributes(document, "p.citations a", "href") == [f"{here}#citation-1"]


def test_a_page_shows_every_part_and_every_kind_of_block() -> None:
    document = page("everything")
    assert texts(document, "h1") == [f"标题 {MEAN}"]
    assert texts(document, "h2") == ["摘要", "目录", f"一、上 {MEAN}", "下", "参考文献", "联系我们"]
    assert texts(document, "h3") == [f"小标题 {MEAN}"]
    assert texts(document, "#abstract p") == [f"第一段 {MEAN}", "第二段"]
    assert texts(document, "#section-1 ol li") == ["甲", MEAN]
    assert texts(document, "#section-1 ul li") == ["乙"]
    assert texts(document, "th") == ["年", MEAN]
    assert texts(document, "td") == ["2026", "", "无", "表头"]
    assert texts(document, "figcaption") == ["（图）"]
    assert texts(document, "p.tags") == ["标签：能源、湖北、软银"]
    assert attributes(document, "img", "alt") == [MEAN, "二维码"]
    assert attributes(document, "img", "src")[1] == "https://example.org/base/v1/images/00ff"
    assert attributes(document, "section", "id") == ["abstract", "section-1", "section-2", "references"]


def test_text_never_becomes_markup_and_only_web_addresses_become_links() -> None:
    document = page("everything")
    assert attributes(document, "script", "type") == ["application/ld+json"]
    addresses = attributes(document, "a, link", "href") + attributes(document, "img", "src")
    assert "https://example.org/?a=1&b=2" in addresses
    assert [address for address in addresses if not re.match(r"https://|#", address)] == []


def test_a_page_names_its_address_and_its_other_forms() -> None:
    document = page("everything")
    here = "https://example.org/base/v1"
    assert attributes(document, "link[rel=canonical]", "href") == [f"{here}/bulletins/2026-06-25.html"]
    others = "link[rel=alternate]"
    forms = zip(attributes(document, others, "type"), attributes(document, others, "href"), strict=True)
    assert dict(forms) == {
        "application/json": f"{here}/bulletins/2026-06-25",
        "text/markdown": f"{here}/bulletins/2026-06-25.md",
        "text/plain": f"{here}/bulletins/2026-06-25.txt",
        "application/atom+xml": f"{here}/feed.atom",
        "application/feed+json": f"{here}/feed.json",
    }


def test_a_corrected_page_says_so_and_a_first_version_does_not() -> None:
    assert "第 2 版，更正于" in render_html(edition(), SITE)
    assert "更正" not in render_html(bare(), SITE)


@pytest.mark.parametrize("which", ["everything", "bare"])
def test_the_page_s_json_ld_is_what_a_processor_understands_as_a_news_article(which: str) -> None:
    (script,) = page(which).query("script")
    node = expanded(json.loads(script.to_text()))
    assert node["@type"] == [f"{SCHEMA}NewsArticle"]
    assert node[f"{SCHEMA}datePublished"] == [{"@value": PUBLISHED.isoformat()}]
    assert all(name.startswith((SCHEMA, "@")) for name in node)


def test_json_ld_has_sections_subjects_and_citations_with_their_facts() -> None:
    (script,) = page("everything").query("script")
    node = expanded(json.loads(script.to_text()))

    def values(node: dict[str, object], *path: str) -> list[object]:
        nodes = [node]
        for name in path:
            nodes = [each for parent in nodes for each in parent.get(SCHEMA + name, [])]  # type: ignore[attr-defined]
        return [each.get("@value", each.get("@id")) for each in nodes]

    assert values(node, "headline") == [f"标题 {MEAN}"]
    assert values(node, "dateModified") == ["2026-06-25T01:30:00+00:00"]
    assert values(node, "publisher", "name") == [f"组织 {MEAN}"]
    assert values(node, "author", "name") == [f"甲 {MEAN}", "乙"]
    assert values(node, "hasPart", "headline") == [f"上 {MEAN}", "下"]
    assert values(node, "hasPart", "about", "identifier") == ["energy", "hubei", "softbank"]
    types = [each["@type"][0] for each in node[f"{SCHEMA}about"]]
    assert types == [f"{SCHEMA}{name}" for name in ("DefinedTerm", "Place", "Organization")]
    assert values(node, "citation", "name") == [MEAN, "坏地址"]
    assert values(node, "citation", "url") == ["https://example.org/?a=1&b=2"]
    assert values(node, "encoding", "encodingFormat") == ["application/json", "text/markdown", "text/plain"]
