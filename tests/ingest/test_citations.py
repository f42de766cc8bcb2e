from datetime import date

import pytest

from app.bulletins.document import BulletinDocument, Citation, Paragraph, ReferenceItem, Section
from app.ingest.citations import suggest_citations


def document(sections: list[tuple[str, str]], *citations: Citation) -> BulletinDocument:
    return BulletinDocument(
        title="测试",
        date=date(2026, 6, 25),
        sections=tuple(
            Section(number=number, heading=heading, body=(Paragraph(text=text),))
            for number, (heading, text) in enumerate(sections, start=1)
        ),
        citations=citations,
    )


def citation(source: str, title: str, purpose: str = "", number: int = 1) -> Citation:
    reference = ReferenceItem(source=source, title=title, date=date(2026, 6, 24))
    return Citation(number=number, purpose=purpose, reference=reference)


STORIES = [
    ("国家数据局发布可信数据空间名单", "国家数据局6月24日公布可信数据空间创新发展试点名单，共63个项目入选。"),
    ("软银扩大对数据中心的投资", "彭博社6月23日报道，软银计划今年在美国新建三座数据中心。"),
    ("宁德时代发布钠离子电池", "宁德时代 6 月 24 日在福建发布新一代钠离子电池，能量密度提高两成。"),
]


@pytest.mark.parametrize(("number", "sections"), [(1, (1,)), (2, (1,)), (3, (2,)), (4, (3,)), (5, (4,))])
def test_each_reference_of_the_seed_finds_its_section(
    seed: BulletinDocument, number: int, sections: tuple[int, ...]
) -> None:
    found = suggest_citations(seed).citations[number - 1]
    assert (found.sections, found.inferred) == (sections, True)


def test_nothing_but_the_citations_changes(seed: BulletinDocument) -> None:
    suggested = suggest_citations(seed)
    assert suggested.model_copy(update={"citations": seed.citations}) == seed


def test_sections_that_are_already_named_stay_as_they_are() -> None:
    given = citation("国家数据局", "可信数据空间创新发展试点名单").model_copy(update={"sections": (3,)})
    found = suggest_citations(document(STORIES, given)).citations[0]
    assert (found.sections, found.inferred) == ((3,), False)


def test_english_title_meets_chinese_text_by_the_names_of_the_taxonomy() -> None:
    given = citation("Bloomberg", "SoftBank to build three data centers in the United States")
    assert suggest_citations(document(STORIES, given)).citations[0].sections == (2,)


def test_reference_that_shares_only_its_date_is_used_by_no_section() -> None:
    given = citation("Financial Times", "Olive oil prices fall after a wet spring", "用于油价分析。")
    found = suggest_citations(document(STORIES, given)).citations[0]
    assert (found.sections, found.inferred) == ((), False)


def test_words_that_every_section_has_do_not_decide() -> None:
    common = "全国企业创新发展与产业协同推进情况以及下一阶段重点任务安排的主要考虑"
    stories = [(f"{common}：{heading}", text) for heading, text in STORIES]
    given = citation("新华社", f"{common}：钠离子电池")
    assert suggest_citations(document(stories, given)).citations[0].sections == (3,)


def test_two_sections_on_the_same_matter_both_use_the_reference() -> None:
    twice = [*STORIES, (STORIES[2][0], STORIES[2][1])]
    given = citation("宁德时代", "宁德时代发布新一代钠离子电池")
    assert suggest_citations(document(twice, given)).citations[0].sections == (3, 4)


@pytest.mark.parametrize("written", ["6月24日", "6 月 24 日", "06月24日", "2026-06-24"])
def test_of_two_sections_alike_the_one_that_names_the_date_wins(written: str) -> None:
    def story(day: str) -> tuple[str, str]:
        return "工信部通报上半年算力建设", f"工信部{day}通报上半年算力建设。"

    given = citation("工信部", "上半年算力建设")
    stories = [story("6月23日"), story(written), ("农业", "夏粮丰收。"), ("航运", "港口繁忙。")]
    assert suggest_citations(document(stories, given)).citations[0].sections == (2,)


def test_another_month_that_ends_in_the_same_figure_is_another_date() -> None:
    stories = [(f"工信部通报算力建设{day}", "进展顺利。") for day in ("12月4日", "2月4日")]
    given = citation("工信部", "通报算力建设")
    given = given.model_copy(
        update={"reference": given.reference.model_copy(update={"date": date(2026, 2, 4)})}
    )
    assert suggest_citations(document(stories, given)).citations[0].sections == (2,)


def test_purpose_alone_can_place_a_reference() -> None:
    given = citation("新华社", "会议实录", "用于钠离子电池分析。")
    assert suggest_citations(document(STORIES, given)).citations[0].sections == (3,)


def test_source_alone_can_place_a_reference() -> None:
    given = citation("宁德时代", "会议实录")
    assert suggest_citations(document(STORIES, given)).citations[0].sections == (3,)


def test_bulletin_without_sections_leaves_its_citations_alone() -> None:
    given = document([], citation("国家数据局", "可信数据空间名单"))
    assert suggest_citations(given) == given


def test_reference_without_a_date_is_still_placed() -> None:
    given = citation("彭博社", "软银计划新建数据中心")
    given = given.model_copy(update={"reference": given.reference.model_copy(update={"date": None})})
    assert suggest_citations(document(STORIES, given)).citations[0].sections == (2,)
