import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.bulletins.document import (
    BulletinDocument,
    Citation,
    ListBlock,
    Paragraph,
    ReferenceItem,
    Section,
    SectionTag,
    Table,
    block_text,
)
from app.bulletins.taxonomy import Tag, TagKind, Taxonomy, curated
from app.ingest.citations import suggest_citations
from app.ingest.tagging import folded, matcher, suggest_tags


def found(text: str, taxonomy: Taxonomy | None = None) -> list[tuple[str, str]]:
    """The tags in a text, each with the words as they stand in it."""
    matches = matcher(taxonomy or curated()).find(text)
    return [(match.slug, text[match.start : match.end]) for match in matches]


def slugs(text: str) -> set[str]:
    return {slug for slug, _ in found(text)}


def one_section(section: Section, *citations: Citation) -> BulletinDocument:
    return BulletinDocument(title="测试", date=None, sections=(section,), citations=citations)


def tag(slug: str, name: str, *, aliases: tuple[str, ...] = (), lookalikes: tuple[str, ...] = ()) -> Tag:
    return Tag(slug=slug, kind=TagKind.topic, name=name, name_en=slug, aliases=aliases, lookalikes=lookalikes)


@pytest.fixture(scope="module")
def tagged(seed: BulletinDocument) -> BulletinDocument:
    return suggest_tags(suggest_citations(seed), curated())


@pytest.mark.parametrize(
    ("number", "promised"),
    [
        (1, {"innovation-at-scale", "summer-davos", "li-qiang", "dalian"}),
        (2, {"data-elements", "transport", "hubei", "national-data-administration"}),
        (3, {"data-elements", "data-elements-x-competition", "guangdong", "zhanjiang"}),
        (4, {"compute", "data-centers", "energy", "robotics", "softbank", "ai-capex", "masayoshi-son"}),
        (5, {"new-quality-productive-forces", "data-elements", "compute"}),
    ],
)
def test_sections_of_the_seed_carry_their_tags(
    tagged: BulletinDocument, number: int, promised: set[str]
) -> None:
    assert promised <= {tag.slug for tag in tagged.sections[number - 1].tags}


def test_commission_of_a_province_is_not_the_national_one(tagged: BulletinDocument) -> None:
    assert "省发展改革委" in block_text(tagged.sections[1].body[0])
    assert "ndrc" not in {tag.slug for tag in tagged.sections[1].tags}


def test_tag_whose_words_stand_only_in_a_purpose_is_marked_so(tagged: BulletinDocument) -> None:
    (tag,) = [tag for tag in tagged.sections[3].tags if tag.slug == "ai-capex"]
    (evidence,) = tag.evidence
    purpose = tagged.citations[4].purpose
    assert (evidence.where, evidence.index, evidence.text) == ("purpose", 5, "AI 资本开支")
    assert purpose[evidence.start :].startswith(evidence.text)


def test_purpose_of_a_reference_that_the_section_does_not_use_is_no_evidence(seed: BulletinDocument) -> None:
    without_citations = suggest_tags(seed, curated())
    assert "ai-capex" not in without_citations.tag_slugs


def test_every_suggested_tag_shows_words_that_stand_where_it_says(tagged: BulletinDocument) -> None:
    purposes = {citation.number: citation.purpose for citation in tagged.citations}
    for section in tagged.sections:
        texts = {("heading", 0): section.heading}
        texts |= {("body", index): block_text(block) for index, block in enumerate(section.body)}
        texts |= {("purpose", number): purpose for number, purpose in purposes.items()}
        for tag in section.tags:
            assert tag.evidence
            for evidence in tag.evidence:
                text = texts[evidence.where, evidence.index]
                assert text[evidence.start : evidence.start + len(evidence.text)] == evidence.text


def test_tagging_again_changes_nothing(tagged: BulletinDocument) -> None:
    assert suggest_tags(tagged, curated()) == tagged


def test_editor_s_tags_stay_and_unfounded_suggestions_go() -> None:
    section = Section(
        number=1,
        heading="高通发布新芯片",
        tags=(
            SectionTag(slug="of-the-editor"),
            SectionTag(slug="qualcomm"),
            SectionTag.model_validate(
                {
                    "slug": "robotics",
                    "evidence": [{"where": "heading", "index": 0, "start": 0, "text": "机器人"}],
                }
            ),
        ),
    )
    tags = suggest_tags(one_section(section), curated()).sections[0].tags
    assert tags[:2] == section.tags[:2]
    assert [tag.slug for tag in tags[2:]] == ["semiconductors"]


def test_lists_and_tables_count_by_their_plain_text() -> None:
    body = (
        Paragraph(text="要点如下："),
        ListBlock(items=("推进算力建设", "湖北先行")),
        Table(rows=(("地区", "项目"), ("广东", "数据中心"))),
    )
    tags = suggest_tags(one_section(Section(number=1, heading="要点", body=body)), curated()).sections[0].tags
    places = {tag.slug: [(e.index, e.start, e.text) for e in tag.evidence] for tag in tags}
    assert places == {
        "compute": [(1, 2, "算力")],
        "hubei": [(1, 7, "湖北")],
        "guangdong": [(2, 6, "广东")],
        "data-centers": [(2, 9, "数据中心")],
    }


def test_names_do_not_reach_over_cells_and_items() -> None:
    body = (Table(rows=(("数据", "中心"), ("data", "centers"))), ListBlock(items=("湖", "北")))
    section = Section(number=1, heading="表", body=body)
    assert suggest_tags(one_section(section), curated()).sections[0].tags == ()


def test_heading_comes_first_then_body_then_purposes() -> None:
    section = Section(number=1, heading="湖北", body=(Paragraph(text="广东"),))
    reference = ReferenceItem(source="", title="甲", date=None)
    citation = Citation(number=1, purpose="用于浙江分析", sections=(1,), reference=reference)
    tags = suggest_tags(one_section(section, citation), curated()).sections[0].tags
    assert [tag.slug for tag in tags] == ["hubei", "guangdong", "zhejiang"]


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ("海关进一步提高通关效率", "qualcomm"),
        ("高通量测序平台投入使用", "qualcomm"),
        ("数据存储能力明显提升", "energy-storage"),
        ("各级科技部门", "most"),
        ("形成都市圈一小时通勤", "chengdu"),
        ("5G 大连接场景", "dalian"),
        ("复合肥价格回落", "hefei"),
        ("上线客服机器人", "robotics"),
        ("中央行动方案", "pboc"),
        ("欧洲央行维持利率", "pboc"),
        ("北京时间 20 时", "beijing"),
        ("核算力度加大", "compute"),
        ("人工智能体系", "ai-agents"),
        ("三星堆遗址", "samsung"),
        ("东京交通大学", "transport"),
        ("创新能源合作模式", "renewable-energy"),
    ],
)
def test_lookalikes_are_skipped(text: str, slug: str) -> None:
    assert slug not in slugs(text)


def test_lookalike_hides_only_its_own_tag() -> None:
    assert found("欧洲央行与日本央行") == [("japan", "日本")]


def test_name_beside_its_lookalike_still_counts() -> None:
    assert found("提高通关效率，高通参展") == [("qualcomm", "高通")]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("夏季达沃斯论坛", [("summer-davos", "夏季达沃斯论坛")]),
        ("达沃斯论坛", [("davos", "达沃斯论坛")]),
        ("人形机器人", [("humanoid-robots", "人形机器人")]),
        ("新能源汽车", [("new-energy-vehicles", "新能源汽车")]),
        ("OpenAI", [("openai", "OpenAI")]),
        ("全球 AI 资本开支", [("ai-capex", "AI 资本开支")]),
    ],
)
def test_name_inside_a_longer_name_does_not_count(text: str, names: list[tuple[str, str]]) -> None:
    assert found(text) == names


def test_name_inside_a_longer_one_counts_where_the_longer_is_a_lookalike() -> None:
    taxonomy = Taxonomy(tags=(tag("long", "甲乙丙", lookalikes=("甲乙丙丁",)), tag("short", "乙丙")))
    assert found("甲乙丙丁，甲乙丙", taxonomy) == [("short", "乙丙"), ("long", "甲乙丙")]


def test_names_that_overlap_without_containing_each_other_both_count() -> None:
    taxonomy = Taxonomy(tags=(tag("left", "甲乙"), tag("right", "乙丙")))
    assert found("甲乙丙", taxonomy) == [("left", "甲乙"), ("right", "乙丙")]


@pytest.mark.parametrize(
    "text",
    [
        "AI数据中心",
        "AI 数据中心",
        "ＡＩ数据中心",
        "ai\u3000数据中心",
        "Ａｉ 数据中心",
        "AI\u200b数据中心",
        "AI数据 中心",
    ],
)
def test_width_case_blanks_and_invisible_characters_make_no_difference(text: str) -> None:
    assert found(f"建设{text}。") == [("data-centers", text)]


@pytest.mark.parametrize("text", ["数据要素 ×”大赛", "数据要素×大赛", "数据要素 Ｘ”大赛", "数据要素×」大赛"])
def test_quotation_marks_inside_a_name_make_no_difference(text: str) -> None:
    assert found(f"“{text}") == [("data-elements-x-competition", text)]


@pytest.mark.parametrize("text", ["data   centers", "Data Centers", "DATA\u00a0CENTERS", "data centre"])
def test_blanks_between_latin_words_are_one(text: str) -> None:
    assert found(f"new {text} in Ohio") == [("data-centers", text)]


@pytest.mark.parametrize("text", ["RETAIL", "AIR", "datacentersX", "2026G", "metabolism", "AI4", "chipset"])
def test_latin_names_match_only_whole_words(text: str) -> None:
    assert found(text) == []


def test_latin_names_match_against_chinese_and_punctuation() -> None:
    assert [slug for slug, _ in found("让AI走进SoftBank's，6G/5G-A")] == [
        "artificial-intelligence",
        "softbank",
        "6g",
        "5g",
    ]


def test_typographic_apostrophe_is_the_plain_one() -> None:
    assert found("the People’s Bank of China") == [("pboc", "People’s Bank of China")]


def test_name_of_one_character_is_found() -> None:
    taxonomy = Taxonomy(tags=(tag("hubei", "湖北", aliases=("鄂",)),))
    assert found("鄂A牌照", taxonomy) == [("hubei", "鄂")]


PIECES = st.sampled_from(
    ["湖北", "ＡＩ", " ", "\u3000", "数据 中心", "提高通关", "ﬁ", "㎡", "\u200b", "é", "½", "GPT-5"]
)


@given(st.lists(PIECES | st.characters(exclude_categories=["Cs", "Cc"]), max_size=40).map("".join))
def test_offsets_point_into_any_text_as_it_was_written(text: str) -> None:
    by_slug = curated().by_slug
    for match in matcher(curated()).find(text):
        words = text[match.start : match.end]
        assert words == words.strip() != ""
        assert folded(words) in {folded(name) for name in by_slug[match.slug].names}
