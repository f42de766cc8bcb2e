from datetime import date
from uuid import UUID

import pytest

from app.bulletins.taxonomy import curated
from app.editorial.duplicates import Item, TagNames, references, tags

SOURCE, OTHER = UUID(int=1), UUID(int=2)
TITLE = "关于组织参加 2026 年“数据要素 ×”大赛广东分赛的通知"


def item(
    number: int, title: str = TITLE, day: int | None = 24, cited: int = 1, source: UUID = SOURCE
) -> Item:
    return Item(UUID(int=number), source, title, date(2026, 6, day) if day else None, cited)


def pairs(*items: Item) -> list[tuple[int, int]]:
    return [(UUID(pair.merge).int, UUID(pair.into).int) for pair in references(items)]


@pytest.mark.parametrize(
    "title",
    [
        "关于组织参加2026年“数据要素×”大赛广东分赛的通知",
        "关于组织参加 2026 年「数据要素 ×」大赛广东分赛的通知（转发）",
        "关于组织参加２０２６年“数据要素 ×”大赛广东赛区的通知",
    ],
)
def test_the_same_title_written_otherwise_is_suggested(title: str) -> None:
    assert pairs(item(7), item(9, title)) == [(9, 7)]


@pytest.mark.parametrize(
    "other",
    [
        item(9, TITLE.replace("广东", "湖北").replace("大赛", "试点")),
        item(9, TITLE.replace("2026", "2025")),
        item(9, day=28),
        item(9, source=OTHER),
    ],
    ids=["another title", "another year", "another week", "another source"],
)
def test_what_only_looks_alike_is_not(other: Item) -> None:
    assert pairs(item(7), other) == []


def test_a_missing_date_may_be_any() -> None:
    assert pairs(item(7), item(9, day=None)) == [(9, 7)]
    assert pairs(item(7, day=None), item(9, day=None)) == [(9, 7)]


def test_the_one_cited_less_goes_into_the_other_and_the_older_stays() -> None:
    assert pairs(item(7, cited=1), item(9, cited=3)) == [(7, 9)]
    assert pairs(item(7), item(9)) == [(9, 7)]


def test_the_most_alike_come_first() -> None:
    found = references([item(1), item(2), item(3, TITLE + "转发")])
    assert [pair.score for pair in found] == sorted((pair.score for pair in found), reverse=True)
    assert found[0].score == 100
    assert len(found) == 3


def names(slug: str, *names: str, kind: str = "topic", sections: int = 0) -> TagNames:
    return TagNames(slug, kind, names, sections)


def test_tags_with_one_name_in_other_letters_are_suggested() -> None:
    (pair,) = tags([names("a", "AI 芯片", sections=2), names("b", "人工智能", "AI芯片")])
    assert (pair.merge, pair.into, pair.score) == ("b", "a", 100)


def test_tags_of_different_kinds_or_numbers_are_not() -> None:
    assert tags([names("a", "湖北省数据局"), names("b", "湖北省数据局", kind="organisation")]) == []
    assert tags([names("a", "第 14 个五年规划"), names("b", "第 15 个五年规划")]) == []


def test_few_curated_tags_look_alike() -> None:
    found = tags(names(tag.slug, *tag.names, kind=tag.kind) for tag in curated().tags)
    assert len(found) < 10
