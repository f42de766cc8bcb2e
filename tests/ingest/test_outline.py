from app.bulletins.document import BulletinDocument
from app.ingest.markdown import read_markdown
from app.ingest.report import Finding
from app.ingest.structure import build
from app.ingest.text import read_text


def markdown(*blocks: str) -> tuple[BulletinDocument, list[Finding]]:
    return build(read_markdown("\n\n".join(blocks)))


def outline(document: BulletinDocument) -> list[tuple[str, str, int | None]]:
    return [(section.numeral, section.heading, section.page) for section in document.sections]


def test_a_markdown_title_may_have_the_words_of_a_section() -> None:
    document, _ = markdown("# 甲", "## 目录", "- 甲\n- 乙", "## 甲", "正文。", "## 乙", "正文。")
    assert document.title == "甲"
    assert outline(document) == [("", "甲", None), ("", "乙", None)]


def test_markdown_without_heading_marks_is_divided_by_numbers() -> None:
    document, _ = markdown("# 新质生产力每日动态", "**一、甲**", "正文。", "**二、乙**", "正文。")
    assert outline(document) == [("一", "甲", None), ("二", "乙", None)]


def test_all_headings_of_one_level_are_divided_by_their_first_style() -> None:
    document, _ = markdown("# 新质生产力每日动态", "# 一、甲", "# （一）丙", "正文。", "# 二、乙", "正文。")
    assert outline(document) == [("一", "甲", None), ("二", "乙", None)]
    assert [block.type for block in document.sections[0].body] == ["heading", "paragraph"]


def test_headings_without_the_contents_numbers_still_match() -> None:
    document, findings = markdown("## 目录", "- 一、甲\t2\n- 二、乙\t3", "## 甲", "文。", "## 乙", "文。")
    assert outline(document) == [("", "甲", 2), ("", "乙", 3)]
    assert findings == []


def test_the_contents_decide_which_numbers_are_sections() -> None:
    text = "目录\n（一）甲\t1\n（二）乙\t1\n\n（一）甲\n一、小题\n正文。\n（二）乙\n正文。"
    document, _ = build(read_text(text))
    assert outline(document) == [("（一）", "甲", 1), ("（二）", "乙", 1)]


def test_numbers_among_references_begin_no_section() -> None:
    document, _ = build(read_text("1. 甲\n正文。\n参考文献\n1. 新华社 国家数据局案例\n2. 人民日报 湖北案例"))
    assert len(document.sections) == 1
    assert len(document.citations) == 2
