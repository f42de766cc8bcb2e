from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from app.bulletins.document import BulletinDocument, Section, block_text

Predicate = Callable[[set[str], set[str], str], bool]
"""Whether tags, names of sources and words pass."""

FILTERS: list[tuple[str, Predicate]] = [
    ("tag=energy", lambda tags, _, __: "energy" in tags),
    ("tag=energy&tag=compute", lambda tags, _, __: {"energy", "compute"} <= tags),
    ("tag=energy&tag=energy", lambda tags, _, __: "energy" in tags),
    ("tag=compute&tag=energy&tag=hubei", lambda tags, _, __: {"energy", "compute", "hubei"} <= tags),
    ("tag.any=energy&tag.any=softbank", lambda tags, _, __: bool({"energy", "softbank"} & tags)),
    ("tag.not=energy&tag.not=compute", lambda tags, _, __: not {"energy", "compute"} & tags),
    (
        "tag=energy&tag.any=compute&tag.any=robotics&tag.not=hubei",
        lambda tags, _, __: "energy" in tags and bool({"compute", "robotics"} & tags) and "hubei" not in tags,
    ),
    ("tag=5g", lambda *_: False),
    ("tag=energy&tag.not=energy", lambda *_: False),
    ("source=国家数据局", lambda _, sources, __: "国家数据局" in sources),
    ("source=guo-jia-shu-ju-ju", lambda _, sources, __: "国家数据局" in sources),
    ("source=reuters&source=国家数据局", lambda _, sources, __: {"Reuters", "国家数据局"} <= sources),
    ("source=100%25_%E7%BD%91", lambda _, sources, __: "100%_网" in sources),
    (
        "source=Ｃ５０ 论坛&tag=energy",
        lambda tags, named, _: "Ｃ５０ 论坛" in named and "energy" in tags,
    ),
    (
        "source=Reuters&tag.not=energy",
        lambda tags, named, _: "Reuters" in named and "energy" not in tags,
    ),
    ("q=增长", lambda *_: True),
    ("q=增长 7%25", lambda _, __, words: "7%" in words),
    ("q=%25", lambda _, __, words: "%" in words),
    ("q=_", lambda _, __, words: "_" in words),
    ("q=c:\\a_b", lambda _, __, words: "C:\\a_b" in words),
    ("q=AI", lambda _, __, words: "ＡＩ" in words),
    ("q=ａｉ", lambda _, __, words: "ＡＩ" in words),
    ("q=ＡＩ%E3%80%80芯片", lambda _, __, words: "ＡＩ 芯片" in words),
    ("q=芯片 AI", lambda _, __, words: "ＡＩ 芯片" in words),
    ("q=没有的词", lambda *_: False),
    ("q=%25%25", lambda *_: False),
    ("q='; DROP TABLE tag --", lambda *_: False),
    ("q=ai&tag=energy&source=Reuters", lambda t, s, w: "ＡＩ" in w and "energy" in t and "Reuters" in s),
]


def of_bulletin(bulletin: BulletinDocument) -> tuple[set[str], set[str], str]:
    sources = {citation.reference.source for citation in bulletin.citations}
    words = [text(section) for section in bulletin.sections]
    return set(bulletin.tag_slugs), sources, "\n".join([bulletin.title, bulletin.abstract, *words])


def of_section(bulletin: BulletinDocument, section: Section) -> tuple[set[str], set[str], str]:
    sources = {c.reference.source for c in bulletin.citations if section.number in c.sections}
    return {tag.slug for tag in section.tags}, sources, text(section)


def text(section: Section) -> str:
    return "\n".join([section.heading, *map(block_text, section.body)])


@pytest.mark.parametrize(("query", "passes"), FILTERS)
def test_bulletins_pass_all_filters(
    reading: httpx2.Client, shelf: list[BulletinDocument], query: str, passes: Predicate
) -> None:
    items = reading.get(f"/v1/bulletins?{query}&order=date&limit=200").json()["items"]
    assert [item["slug"] for item in items] == [b.slug for b in shelf if passes(*of_bulletin(b))]


@pytest.mark.parametrize(("query", "passes"), FILTERS)
def test_sections_pass_all_filters_themselves(
    reading: httpx2.Client, shelf: list[BulletinDocument], query: str, passes: Predicate
) -> None:
    items = reading.get(f"/v1/sections?{query}&order=date&limit=200").json()["items"]
    assert [(item["bulletin"]["slug"], item["number"]) for item in items] == [
        (b.slug, section.number) for b in shelf for section in b.sections if passes(*of_section(b, section))
    ]


@pytest.mark.parametrize(("query", "passes"), [case for case in FILTERS if "q=" not in case[0]])
def test_references_pass_by_their_source_and_by_the_tags_of_those_who_cite_them(
    reading: httpx2.Client, shelf: list[BulletinDocument], query: str, passes: Predicate
) -> None:
    items = reading.get(f"/v1/references?{query}&limit=200").json()["items"]
    tags: dict[str, set[str]] = {}
    alike: set[str] = set()
    for bulletin in shelf:
        for citation in bulletin.citations:
            title, source = citation.reference.title, citation.reference.source
            tags.setdefault(title, set()).update(bulletin.tag_slugs)
            if passes(tags[title], {source}, ""):
                alike.add(title)
            else:
                alike.discard(title)
    assert {item["title"] for item in items} == alike


@pytest.mark.parametrize(
    ("query", "titles"),
    [
        ("q=报道 17", ["报道 17"]),
        ("q=１７", ["报道 17"]),
        ("q=100%25_", ["共享 3"]),
        ("q=reuters 共享", ["共享 1"]),
        ("q=Ｃ５０&limit=200", [f"无日期 {index}" for index in range(0, 31, 5)]),
    ],
)
def test_references_are_found_by_words_of_title_and_source(
    reading: httpx2.Client, query: str, titles: list[str]
) -> None:
    items = reading.get(f"/v1/references?{query}").json()["items"]
    assert sorted(item["title"] for item in items) == sorted(titles)


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("q=数据局", ["国家数据局"]),
        ("q=REUT", ["Reuters"]),
        ("q=%25", ["100%_网"]),
        ("q=_", ["100%_网"]),
        ("q=c50", ["Ｃ５０ 论坛"]),
        ("q=Ｒｅｕ", ["Reuters"]),
        ("q=没有", []),
    ],
)
def test_sources_are_found_by_part_of_their_name(
    reading: httpx2.Client, query: str, names: list[str]
) -> None:
    assert [item["name"] for item in reading.get(f"/v1/sources?{query}").json()["items"]] == names


@pytest.mark.parametrize(
    ("query", "slug"),
    [
        ("q=数据要素", "data-elements"),
        ("q=data ELEMENTS", "data-elements"),
        ("q=ＤＡＴＡ", "data-elements"),
        ("q=发改委", "ndrc"),
        ("kind=person&q=孙正义", "masayoshi-son"),
        ("kind=region", "hubei"),
        ("parent=new-quality-productive-forces", "innovation-at-scale"),
    ],
)
def test_tags_are_found_by_name_alias_kind_and_parent(reading: httpx2.Client, query: str, slug: str) -> None:
    found: dict[str, Any] = {
        item["slug"]: item for item in reading.get(f"/v1/tags?{query}&limit=200").json()["items"]
    }
    assert slug in found
    if "kind=" in query:
        assert {item["kind"] for item in found.values()} == {found[slug]["kind"]}
    if "parent=" in query:
        assert {item["parent"] for item in found.values()} == {"new-quality-productive-forces"}


@pytest.mark.parametrize("query", ["kind=person&q=数据要素", "q=%25", "q=_", "parent=5g&kind=person"])
def test_tags_that_fail_one_filter_are_left_out(reading: httpx2.Client, query: str) -> None:
    assert reading.get(f"/v1/tags?{query}").json() == {"items": [], "next": None}
