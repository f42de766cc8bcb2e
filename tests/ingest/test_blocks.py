from app.bulletins.document import Block, ListBlock, Paragraph, Subheading
from app.ingest.blocks import read_blocks
from app.ingest.report import Finding
from app.ingest.text import read_text


def blocks(text: str, indents: bool = False) -> tuple[list[Block], list[Finding]]:
    return read_blocks(read_text(text).elements, indents)


def test_paragraphs_that_end_as_sentences_do_are_not_joined() -> None:
    paragraphs = [
        "第一段的内容写得足够长，最后有句号。",
        "第二段。",
        "第三段以括号结束（完）",
        "短句",
        "第五段。",
    ]
    assert blocks("\n\n".join(paragraphs)) == ([Paragraph(text=text) for text in paragraphs], [])


def test_a_cut_sentence_goes_on_behind_blank_lines_and_a_note_says_so() -> None:
    read, findings = blocks("竞争已不只是芯片，\n\n而是资本。\n\n第二段。")
    assert read == [Paragraph(text="竞争已不只是芯片，而是资本。"), Paragraph(text="第二段。")]
    assert [(f.code, f.severity.value, f.position.line) for f in findings] == [
        ("paragraph.joined", "note", 3)
    ]


def test_a_sentence_cut_by_the_formats_own_page_break_goes_on_without_a_note() -> None:
    assert blocks("不论多短\n\f都接上。") == ([Paragraph(text="不论多短都接上。")], [])


def test_a_cut_sentence_does_not_take_in_what_begins_something_of_its_own() -> None:
    read, _ = blocks("竞争已不只是芯片，\n\n　　缩进的一段。\n\n（一）小标题\n\n以下几项，\n- 项")
    assert [block.type for block in read] == ["paragraph", "paragraph", "heading", "paragraph", "list"]


def test_latin_halves_are_joined_with_a_blank() -> None:
    assert blocks("They talk of a bubble in\n\nthe market.")[0] == [
        Paragraph(text="They talk of a bubble in the market.")
    ]


def test_a_line_wrapped_by_hand_in_an_indented_file_is_no_subheading() -> None:
    read, _ = blocks("　　由一家机构统一运营，好处是标准一致，\n坏处是缺少竞争与活力\n和创新。", indents=True)
    assert read == [Paragraph(text="由一家机构统一运营，好处是标准一致，坏处是缺少竞争与活力和创新。")]


def test_lines_numbered_by_hand_are_a_list_and_single_ones_subheadings() -> None:
    assert blocks("1. 甲\n2. 乙\n\n1、丙\n正文。")[0] == [
        ListBlock(ordered=True, items=("甲", "乙")),
        Subheading(text="1、丙"),
        Paragraph(text="正文。"),
    ]
