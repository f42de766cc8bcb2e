from app.ingest.flow import Element, Picture, TableRows, TextLine
from app.ingest.markdown import read_markdown


def said(text: str) -> list[Element]:
    return [e for e in read_markdown(text).elements if not isinstance(e, TextLine) or e.text]


def test_headings_carry_their_level_and_no_marks() -> None:
    assert said("# 甲 **乙** #\n\n乙\n--\n") == [
        TextLine("甲 乙", 1, heading=1),
        TextLine("乙", 3, heading=2),
    ]


def test_raw_html_and_control_characters_by_entity_stay_harmless_text() -> None:
    assert [
        e.text for e in said("<div>甲</div>\n\n乙<script>x</script>&#8203;丙") if isinstance(e, TextLine)
    ] == [
        "<div>甲</div>",
        "乙<script>x</script>丙",
    ]


def test_a_link_keeps_its_address_and_one_into_the_document_does_not() -> None:
    texts = [
        e.text for e in said("[甲](https://a.cn/x_y)、<https://b.cn>、[丙](#c)") if isinstance(e, TextLine)
    ]
    assert texts == ["甲 <https://a.cn/x_y>、https://b.cn、丙"]


def test_a_paragraphs_lines_are_soft_and_may_be_indented() -> None:
    assert said("　　甲\n乙\n　　丙") == [
        TextLine("甲", 1, indented=True, soft=True),
        TextLine("乙", 2, soft=True),
        TextLine("丙", 3, indented=True),
    ]


def test_list_items_are_single_lines_with_nested_ones_after_them() -> None:
    assert said("- 甲\n  乙\n  1. 丙\n- 丁") == [
        TextLine("甲乙", 1, item=True),
        TextLine("丙", 3, item=True, ordered=True),
        TextLine("丁", 4, item=True),
    ]


def test_tables_and_pictures_are_elements_of_their_own() -> None:
    assert said("| 甲 | 乙 |\n|---|---|\n| a\\|b | ![图](u) |\n\n前![*说* 明](https://a.cn/p.png)后") == [
        TableRows((("甲", "乙"), ("a|b", "图")), True, 1),
        Picture("https://a.cn/p.png", "说 明", 5),
        TextLine("前后", 5),
    ]


def test_link_definitions_and_quotations_lose_no_word() -> None:
    texts = [
        e.text
        for e in said("[甲]: https://a.cn\n\n> 乙\n\n    丙\n\n```\n丁\n```")
        if isinstance(e, TextLine)
    ]
    assert texts == ["[甲]: https://a.cn", "乙", "丙", "丁"]


def test_invisible_characters_go_with_a_finding() -> None:
    flow = read_markdown("# 甲\u200b\n\n乙\x00丙")
    assert [(f.code, f.position.line) for f in flow.findings] == [
        ("text.suspicious", 1),
        ("text.suspicious", 3),
    ]
