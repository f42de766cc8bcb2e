from collections import Counter

import pytest
from pydantic import ValidationError

from app.bulletins.document import normalised
from app.bulletins.taxonomy import Tag, TagKind, Taxonomy, curated


def test_tags_of_every_kind_are_curated() -> None:
    kinds = Counter(tag.kind for tag in curated().tags)
    assert kinds.total() >= 60
    assert all(kinds[kind] >= 10 for kind in TagKind)


@pytest.mark.parametrize(
    ("slug", "kind", "name"),
    [
        ("data-elements", "topic", "数据要素"),
        ("compute", "topic", "算力"),
        ("ai-capex", "topic", "AI 资本开支"),
        ("innovation-at-scale", "topic", "规模化创新"),
        ("data-centers", "topic", "数据中心"),
        ("robotics", "topic", "机器人"),
        ("energy", "topic", "能源"),
        ("transport", "topic", "交通运输"),
        ("hubei", "region", "湖北"),
        ("guangdong", "region", "广东"),
        ("summer-davos", "event", "夏季达沃斯论坛"),
        ("softbank", "organisation", "软银"),
        ("national-data-administration", "organisation", "国家数据局"),
        ("li-qiang", "person", "李强"),
    ],
)
def test_promised_tag_has_its_name(slug: str, kind: str, name: str) -> None:
    tag = curated().by_slug[slug]
    assert (tag.kind, tag.name) == (TagKind(kind), name)


@pytest.mark.parametrize(
    ("alias", "slug"),
    [
        ("电力", "energy"),
        ("AI资本支出", "ai-capex"),
        ("AI capex", "ai-capex"),
        ("人工智能资本开支", "ai-capex"),
        ("发改委", "ndrc"),
        ("工信部", "miit"),
        ("科技部", "most"),
        ("WAIC", "waic"),
        ("Masayoshi Son", "masayoshi-son"),
    ],
)
def test_words_that_people_type_find_the_tag(alias: str, slug: str) -> None:
    owners = [tag.slug for tag in curated().tags if alias in tag.names]
    assert owners == [slug]


def test_blanks_and_quotation_marks_do_not_make_two_tags_of_one_name() -> None:
    owners: dict[str, set[str]] = {}
    for tag in curated().tags:
        for name in tag.names:
            plain = "".join(normalised(name).translate(dict.fromkeys(map(ord, "“”"))).split())
            owners.setdefault(plain, set()).add(tag.slug)
    assert {name: slugs for name, slugs in owners.items() if len(slugs) > 1} == {}


def test_every_lookalike_contains_a_name_of_its_tag_without_being_one() -> None:
    for tag in curated().tags:
        names = [normalised(name) for name in tag.names]
        for lookalike in map(normalised, tag.lookalikes):
            assert lookalike not in names
            assert any(name in lookalike for name in names), lookalike


def test_names_are_long_enough_to_mean_something_and_given_once() -> None:
    for tag in curated().tags:
        assert all(len(name) >= 2 for name in tag.names), tag.slug
        assert len(set(tag.aliases)) == len(tag.aliases), tag.slug
        assert not {tag.name, tag.name_en} & set(tag.aliases), tag.slug


def test_parents_are_of_the_same_kind() -> None:
    by_slug = curated().by_slug
    for tag in curated().tags:
        if tag.parent:
            assert by_slug[tag.parent].kind is tag.kind


def tag(slug: str, name: str, *, parent: str | None = None) -> Tag:
    return Tag(slug=slug, kind=TagKind.topic, name=name, name_en=slug, parent=parent)


@pytest.mark.parametrize(
    ("tags", "complaint"),
    [
        ((tag("a", "甲"), tag("a", "乙")), "a slug is used twice"),
        ((tag("a", "ＡＢ"), tag("b", "ab")), "belongs to both a and b"),
        ((tag("a", "甲", parent="b"),), "unknown parent b"),
        ((tag("a", "甲", parent="b"), tag("b", "乙", parent="a")), "its own ancestor"),
    ],
)
def test_inconsistent_taxonomy_is_refused(tags: tuple[Tag, ...], complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        Taxonomy(tags=tags)
