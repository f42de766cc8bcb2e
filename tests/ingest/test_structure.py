from datetime import date
from itertools import count
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.bulletins.document import (
    BulletinDocument,
    Contact,
    Image,
    ListBlock,
    Paragraph,
    Subheading,
    Table,
    block_text,
)
from app.ingest.flow import Flow, TextLine
from app.ingest.markdown import read_markdown
from app.ingest.report import Finding, Severity, UnreadableFileError
from app.ingest.structure import build
from app.ingest.text import read_text

SAMPLES = Path(__file__).parents[1] / "samples"


def read(name: str) -> tuple[BulletinDocument, list[Finding]]:
    text = (SAMPLES / name).read_bytes().decode()
    return build(read_markdown(text) if name.endswith(".md") else read_text(text))


def outline(document: BulletinDocument) -> list[tuple[str, str, int | None]]:
    return [(section.numeral, section.heading, section.page) for section in document.sections]


def body(document: BulletinDocument, number: int) -> list[tuple[str, str]]:
    return [(block.type, block_text(block)) for block in document.sections[number - 1].body]


def codes(findings: list[Finding]) -> list[str]:
    return [finding.code for finding in findings if finding.severity is not Severity.note]


def test_the_real_bulletin_gives_its_title_block_exactly() -> None:
    document, findings = read("2026-06-25.txt")
    assert document.series == "新质生产力每日动态"
    assert document.title == "新质生产力每日动态 2026-06-25"
    assert document.date == date(2026, 6, 25)
    assert document.organisation == "中国高技术产业发展促进会新质生产力工作委员会"
    assert document.producers == ("博雅云创", "中科创新驱动")
    assert document.abstract.startswith("今日新质生产力动态集中在“规模化创新”")
    assert document.abstract.endswith("算力基础设施和资源组织能力。")
    assert document.unplaced == ()
    assert codes(findings) == []


def test_the_real_bulletin_gives_five_sections_of_two_paragraphs() -> None:
    document, _ = read("2026-06-25.txt")
    assert outline(document) == [
        ("一", "李强出席夏季达沃斯开幕式，“规模化创新”成为新质生产力关键词", 2),
        ("二", "国家数据局发布湖北交通运输案例，数据要素改革向行业场景下沉", 2),
        ("三", "广东“数据要素 ×”分赛进入申报，17 个赛道体现应用牵引", 3),
        ("四", "软银继续押注 AI 与数据中心，全球资本围绕算力和电力重组", 3),
        ("五", "从政策到应用，新质生产力进入“组织能力竞争”阶段", 4),
    ]
    assert [[block.type for block in section.body] for section in document.sections] == [
        ["paragraph"] * 2
    ] * 5


def test_a_sentence_cut_by_a_page_break_is_one_paragraph_and_a_note_says_so() -> None:
    document, findings = read("2026-06-25.txt")
    assert "AI 基础设施竞争已不只是芯片和模型竞争，而是资本、数据中心" in body(document, 4)[1][1]
    assert [(f.code, f.severity, f.position.line) for f in findings] == [
        ("paragraph.joined", Severity.note, 49)
    ]


def test_the_real_bulletin_gives_five_references() -> None:
    document, _ = read("2026-06-25.txt")
    assert [(c.number, c.reference.source, c.purpose) for c in document.citations] == [
        (1, "中国驻外机构转载", "用于规模化创新与官方论述分析。"),
        (2, "中国驻外机构转载", "用于政策表述核验。"),
        (3, "国家数据局", "用于地方数据要素案例分析。"),
        (4, "湛江市人民政府", "用于广东分赛和 17 个赛道分析。"),
        (5, "Reuters", "用于全球 AI 资本开支、数据中心与能源联动分析。"),
    ]
    assert {c.reference.date for c in document.citations} == {date(2026, 6, 24)}
    assert {c.reference.url for c in document.citations} == {None}
    assert (
        document.citations[4].reference.title
        == "Talk of a bubble is 'blasphemy against AI' says SoftBank's Son"
    )


def test_the_real_bulletin_gives_two_contacts_and_the_site() -> None:
    document, _ = read("2026-06-25.txt")
    committee, site = document.contacts
    assert (committee.name, committee.url) == ("新质生产力工作委员会", None)
    assert committee.description.startswith("中国高技术产业发展促进会新质生产力工作委员会，专注于")
    assert (site.name, site.url) == ("工业智能算网", "https://gyznsw.cn")
    assert site.description.endswith("推动工业智能化转型。")


def test_the_same_bulletin_as_markdown_is_the_same_document() -> None:
    assert read("2026-06-25.md")[0] == read("2026-06-25.txt")[0]


def test_bracketed_numerals_labels_and_a_lead_in_front_are_understood() -> None:
    document, findings = read("habits/bracketed-numerals.txt")
    assert document.title == "低空经济专刊：从试点走向规模运营"
    assert document.date == date(2026, 7, 3)
    assert document.producers == ("博雅云创", "中科创新驱动", "京津冀智算")
    assert document.abstract == "低空经济从试点走向规模运营，三地公布航线与补贴办法。"
    assert outline(document) == [("（一）", "低空航线首批商业运营", 1), ("（二）", "适航审定提速", 2)]
    assert [kind for kind, _ in body(document, 1)] == [
        "paragraph",
        "list",
        "paragraph",
        "heading",
        "paragraph",
    ]
    first, second = document.citations
    assert (first.reference.source, first.reference.url) == ("民航局", "https://www.caac.example.cn/a?id=1")
    assert (second.reference.date, second.purpose) == (date(2026, 7, 1), "供补贴标准对照。")
    assert document.contacts[0].url == "https://www.nqpf.example.cn"
    assert codes(findings) == []


def test_chapters_are_sections_and_articles_below_them_are_subheadings() -> None:
    document, _ = read("habits/chapters.txt")
    assert document.date == date(2026, 8, 12)
    assert document.producers == ("星火出品",)
    assert outline(document) == [
        ("第一章", "算力互联公共服务平台上线", None),
        ("第二章", "智算中心能耗新规", None),
    ]
    assert body(document, 1) == [
        ("heading", "第一节 平台定位"),
        (
            "paragraph",
            "平台面向全国提供算力登记、调度与结算，首批接入三十一个节点并将在年内扩展到边缘节点。",
        ),
        ("paragraph", "第一节内容到此为止。"),
    ]


def test_a_bulletin_without_abstract_and_contents_is_divided_by_its_first_numbers() -> None:
    document, _ = read("habits/arabic-no-abstract.txt")
    assert document.abstract == ""
    assert outline(document) == [("1", "工业机器人密度再创新高", None), ("2", "氢能重卡进入干线物流", None)]
    assert Subheading(text="（1）汽车行业") in document.sections[0].body
    assert [(c.reference.date, c.reference.url, c.purpose) for c in document.citations] == [
        (None, None, ""),
        (None, "https://news.example.cn/h2", ""),
    ]


def test_indented_lines_are_paragraphs_and_short_lines_between_them_subheadings() -> None:
    document, _ = read("habits/indented-own-title.txt")
    assert document.title == "数据要素专题：授权运营的三种模式"
    assert document.abstract == "授权运营从地方探索走向统一规则。\n三种模式各有边界。"
    assert body(document, 1) == [
        ("paragraph", "由一家机构统一运营，好处是标准一致，坏处是缺少竞争。"),
        ("heading", "主要做法"),
        ("paragraph", "一、这一段以编号开头，但缩进表明它是正文。"),
        ("paragraph", "- 这一段以短横开头，也是正文。"),
    ]
    assert len(document.sections[1].body) == 2


def test_contents_and_a_sentence_go_on_over_page_breaks_and_page_numbers_are_kept_apart() -> None:
    document, _ = read("habits/form-feeds.txt")
    assert outline(document) == [("一", "脑机接口进入临床", 2), ("二", "量子计算上云", 2)]
    assert body(document, 1) == [
        ("paragraph", "首例植入者已能用意念控制机械臂完成抓取、移动和放置三个动作。")
    ]
    assert document.citations[0].reference.date == date(2026, 11, 30)
    assert document.contacts == (Contact(name="长三角科技创新促进会"),)
    assert document.unplaced == ("- 1 -", "第 2 页")


def test_heading_styles_tables_lists_and_pictures_of_markdown_find_their_place() -> None:
    document, findings = read("habits/heading-styles.md")
    assert outline(document) == [("", "人形机器人进厂", 2), ("", "工业大模型招标", 3)]
    assert document.sections[0].body == (
        Paragraph(text="首批 500 台 进入总装线，见公告 <https://a.example.cn/n_1>。"),
        Subheading(text="装配环节"),
        ListBlock(items=("上料", "拧紧与复检")),
        ListBlock(ordered=True, items=("先试点", "再推广")),
        Table(rows=(("企业", "台数"), ("甲|乙", "300"))),
        Image(src="https://a.example.cn/p.png", alt="产线照片"),
        Paragraph(text="<b>注</b>：数据截至 1 月 14 日。"),
    )
    assert document.citations[0].reference.title == "机器人量产公告"
    assert document.citations[0].reference.url == "https://a.example.cn/n_1"
    assert codes(findings) == []


def test_faults_that_need_the_file_are_reported_with_their_lines() -> None:
    document, findings = read("habits/faults.txt")
    assert [(f.code, f.severity.value, f.position.line) for f in findings] == [
        ("date.ambiguous", "error", 4),
        ("contents.mismatch", "warning", 13),
        ("contents.mismatch", "warning", 17),
        ("contents.mismatch", "warning", 19),
        ("reference.date-invalid", "warning", 24),
        ("text.unplaced", "warning", 24),
        ("text.unplaced", "warning", 28),
    ]
    assert "二、储能招标规模扩大" in findings[2].message
    assert "二、储能招标扩大" in findings[2].message
    assert document.unplaced == ("2026-02-30", "这句话不知道属于哪里，前面空了一行也没有列表符号。")


def test_a_section_beyond_the_limit_is_refused_with_one_clear_error() -> None:
    text = "\n".join(f"{number}. 标题\n正文。" for number in range(1, 10_001))
    with pytest.raises(UnreadableFileError, match="10000 个条目"):
        build(read_text(text))


def test_a_paragraph_beyond_the_limit_is_refused_with_one_clear_error() -> None:
    with pytest.raises(UnreadableFileError) as caught:
        build(read_text("一、甲\n" + "长" * 50_001))
    assert caught.value.code == "file.too-complex"
    assert f"段落“{'长' * 60}…”有 50001 字，最多 50000 字" in caught.value.message


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f"# 题\n\n## {'长' * 301}\n\n正文。", f"条目标题“{'长' * 60}…”有 301 字，最多 300 字"),
        (
            f"# 题\n\n## 甲\n\n正文。\n\n## 参考文献\n\n- {'源' * 201} | 题 | 2026-06-24 | 用于 x",
            "参考文献的来源“",
        ),
        (
            f"# 题\n\n## 甲\n\n正文。\n\n## 参考文献\n\n- 源 | {'题' * 1001} | 2026-06-24 | 用于 x",
            "参考文献的标题“",
        ),
        (
            f"# 题\n\n## 甲\n\n正文。\n\n## 参考文献\n\n- 源 | 题 | 2026-06-24 | {'用' * 2_001}",
            "参考文献的用途“",
        ),
        (f"# 题\n\n## 甲\n\n正文。\n\n## 联系方式\n\n名：{'说' * 2_001}", "联系方式的说明“"),
        ("# 题\n\n## 甲\n\n" + "段。\n\n" * 1_001, "有的条目超过 1000 段"),
    ],
    ids=["heading", "source", "title", "purpose", "contact", "blocks"],
)
def test_what_is_longer_than_allowed_is_named(text: str, told: str) -> None:
    with pytest.raises(UnreadableFileError) as caught:
        build(read_markdown(text))
    assert told in caught.value.message


def test_a_subheading_as_long_as_a_text_is_a_paragraph() -> None:
    document, _ = build(read_markdown(f"# 题\n\n## 一、甲\n\n### {'长' * 301}\n\n正文。"))
    assert [block.type for block in document.sections[0].body] == ["paragraph", "paragraph"]


def test_without_any_structure_nothing_typed_is_lost() -> None:
    document, _ = build(Flow([TextLine("随便写的一行", 1), TextLine("又一行，没有结构", 2)]))
    assert document.title == "随便写的一行"
    assert document.unplaced == ("又一行，没有结构",)


BEGINNINGS = st.sampled_from(
    [
        "",
        "　　",
        "一、",
        "二、",
        "（一）",
        "1. ",
        "- ",
        "• ",
        "## ",
        "# ",
        "摘要：",
        "主办：",
        "联系人：",
        "[1] ",
        "第一章 ",
    ]
)
ENDINGS = st.sampled_from(
    ["", "。", "，", "\t2", " …… 3", " | 甲 | 2026-06-24", "｜用于", " & 乙", "：说明", "委员会"]
)
BREAKS = st.sampled_from(
    ["\n", "\n\n", "\n", "\n摘要\n", "\n目录\n", "\n参考文献\n", "\n联系我们\n", "\n\f", "\n2026年6月25日\n"]
)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(BEGINNINGS, ENDINGS, BREAKS), max_size=15), st.booleans())
def test_no_word_of_any_file_is_lost(parts: list[tuple[str, str, str]], markdown: bool) -> None:
    numbers = count(1)
    words = [f"词{next(numbers)}尾" for _ in parts]
    text = "".join(
        f"{begin}{word}{end}{after}" for word, (begin, end, after) in zip(words, parts, strict=True)
    )
    document, findings = build(read_markdown(text) if markdown else read_text(text))
    kept = document.model_dump_json() + "".join(finding.message for finding in findings)
    assert [word for word in words if word not in kept] == [], repr(text)


def test_a_blank_line_of_markdown_ends_a_paragraph_that_one_of_a_text_file_does_not() -> None:
    text = "# 刊\n\n## 一、甲\n\n要点甲，\n\n要点乙"
    assert [block_text(b) for b in build(read_markdown(text))[0].sections[0].body] == ["要点甲，", "要点乙"]
    text = "一、甲\n\n要点甲，\n\n要点乙"
    assert [block_text(b) for b in build(read_text(text))[0].sections[0].body] == ["要点甲，要点乙"]


def test_front_matter_gives_title_and_date_and_keeps_the_rest_unplaced() -> None:
    text = '---\ntitle: "专刊: 算力"\ndate: 2026-07-02T08:00:00+08:00 # 发布\n摘要: 短\ntags:\n  - AI\n---\n'
    document, findings = build(
        read_markdown(f"{text}# 新质生产力每日动态\n\n某某协会\n\n## 一、甲\n\n正文。")
    )
    assert (document.title, document.date) == ("专刊: 算力", date(2026, 7, 2))
    assert (document.organisation, [s.heading for s in document.sections]) == ("某某协会", ["甲"])
    assert document.unplaced == ("摘要: 短", "tags:", "- AI")
    assert [(f.code, f.position.line) for f in findings] == [("text.unplaced", n) for n in (4, 5, 6)]


def test_a_rule_at_the_top_of_markdown_is_no_front_matter() -> None:
    document, _ = build(read_markdown("---\n\n主办：某某协会\n\n---\n\n## 一、甲\n\n正文。"))
    assert (document.organisation, document.unplaced) == ("某某协会", ())
