import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from app.ingest import docx_package
from app.ingest.docx import read_docx
from app.ingest.docx_numbering import han, roman
from app.ingest.flow import Picture, TableRows, TextLine
from app.ingest.report import Severity

Word = Callable[..., bytes]

HEADINGS = (
    '<w:style w:type="paragraph" w:styleId="a5"><w:name w:val="Title"/></w:style>'
    '<w:style w:type="paragraph" w:styleId="1"><w:name w:val="heading 1"/></w:style>'
    '<w:style w:type="paragraph" w:styleId="2"><w:name w:val="heading 2"/><w:basedOn w:val="1"/></w:style>'
    '<w:style w:type="paragraph" w:styleId="own"><w:name w:val="我的标题"/><w:basedOn w:val="2"/></w:style>'
    '<w:style w:type="paragraph" w:styleId="toc"><w:name w:val="TOC Heading"/><w:basedOn w:val="1"/>'
    '<w:pPr><w:outlineLvl w:val="9"/></w:pPr></w:style>'
)


def p(text: str, properties: str = "") -> str:
    return f"<w:p><w:pPr>{properties}</w:pPr><w:r><w:t>{text}</w:t></w:r></w:p>"


def styled(text: str, style: str) -> str:
    return p(text, f'<w:pStyle w:val="{style}"/>')


def counted(text: str, number: int, depth: int = 0) -> str:
    return p(text, f'<w:numPr><w:ilvl w:val="{depth}"/><w:numId w:val="{number}"/></w:numPr>')


def numbering(*levels: tuple[str, str]) -> str:
    """One list per level: number format and pattern."""
    return "".join(
        f'<w:abstractNum w:abstractNumId="{n}"><w:lvl w:ilvl="0"><w:start w:val="1"/>'
        f'<w:numFmt w:val="{style}"/><w:lvlText w:val="{pattern}"/></w:lvl></w:abstractNum>'
        for n, (style, pattern) in enumerate(levels, start=1)
    ) + "".join(
        f'<w:num w:numId="{n}"><w:abstractNumId w:val="{n}"/></w:num>' for n in range(1, len(levels) + 1)
    )


def lines(data: bytes) -> list[TextLine]:
    return [element for element in read_docx(data).elements if isinstance(element, TextLine)]


def texts(data: bytes) -> list[str]:
    return [line.text for line in lines(data)]


def test_sample_gives_title_headings_contents_and_list_items(samples: Path) -> None:
    found = lines((samples / "2026-06-25.docx").read_bytes())
    assert found[0].text == "新质生产力每日动态"
    assert found[0].heading == 1
    assert [line.text[:3] for line in found if line.heading == 2] == [
        *("摘要", "Con", "一、李", "二、国", "三、广", "四、软", "五、从", "参考文"),
    ]
    assert sum("\t" in line.text for line in found) == 6
    assert sum(line.item for line in found) == 5


def test_heading_levels_come_from_style_names_their_bases_and_outline_levels(word: Word) -> None:
    body = "".join(
        [
            styled("标题", "a5"),
            styled("目录", "toc"),
            styled("一级", "1"),
            styled("自定义", "own"),
            p("大纲", '<w:outlineLvl w:val="0"/>'),
            p("正文"),
        ]
    )
    assert [line.heading for line in lines(word(body, styles=HEADINGS))] == [1, None, 2, 3, 2, None]


def test_single_heading_1_above_others_is_the_title(word: Word) -> None:
    body = styled("标题", "1") + styled("条目甲", "2") + styled("条目乙", "2")
    assert [line.heading for line in lines(word(body, styles=HEADINGS))] == [1, 2, 2]


def test_several_headings_1_without_title_are_sections(word: Word) -> None:
    body = p("标题") + styled("条目甲", "1") + styled("条目乙", "1")
    assert [line.heading for line in lines(word(body, styles=HEADINGS))] == [None, 2, 2]


def test_automatic_chinese_numbers_are_put_back_into_the_text(word: Word) -> None:
    body = "".join(counted(f"条目{n}", 1) for n in range(1, 13))
    found = lines(word(body, numbering=numbering(("chineseCounting", "%1、"))))
    assert [line.text for line in found][:2] == ["一、条目1", "二、条目2"]
    assert found[-1].text == "十二、条目12"
    assert not any(line.item for line in found)


def test_numbers_of_a_heading_style_are_put_back(word: Word) -> None:
    styles = (
        '<w:style w:type="paragraph" w:styleId="1"><w:name w:val="heading 1"/>'
        '<w:pPr><w:numPr><w:numId w:val="1"/></w:numPr></w:pPr></w:style>'
    )
    body = styled("总论", "1") + styled("分论", "1")
    assert texts(word(body, styles=styles, numbering=numbering(("decimal", "%1.")))) == ["1. 总论", "2. 分论"]


def test_numbers_continue_and_restart_as_word_counts_them(word: Word) -> None:
    levels = (
        '<w:abstractNum w:abstractNumId="1">'
        '<w:lvl w:ilvl="0"><w:start w:val="3"/><w:numFmt w:val="chineseCounting"/>'
        '<w:lvlText w:val="%1、"/></w:lvl>'
        '<w:lvl w:ilvl="1"><w:numFmt w:val="chineseCounting"/><w:lvlText w:val="（%2）"/></w:lvl>'
        '</w:abstractNum><w:num w:numId="1"><w:abstractNumId w:val="1"/></w:num>'
        '<w:num w:numId="2"><w:abstractNumId w:val="1"/><w:lvlOverride w:ilvl="0">'
        '<w:startOverride w:val="1"/></w:lvlOverride></w:num>'
    )
    body = "".join(
        [
            *(counted("甲", 1), counted("乙", 1, 1), counted("丙", 1, 1)),
            *(counted("丁", 1), counted("戊", 1, 1), counted("己", 2), counted("庚", 2)),
        ]
    )
    assert texts(word(body, numbering=levels)) == [
        *("三、甲", "（一）乙", "（二）丙", "四、丁", "（一）戊", "一、己", "二、庚"),
    ]


def test_list_items_are_marked_and_two_lists_are_parted(word: Word) -> None:
    body = counted("甲", 1) + counted("乙", 1) + counted("丙", 2) + p("正文")
    found = lines(word(body, numbering=numbering(("bullet", "•"), ("decimal", "%1."))))
    assert [(line.text, line.item, line.ordered) for line in found] == [
        ("甲", True, False),
        ("乙", True, False),
        ("", False, False),
        ("丙", True, True),
        ("正文", False, False),
    ]


@pytest.mark.parametrize(
    ("number", "written"),
    [
        (1, "一"),
        (10, "十"),
        (12, "十二"),
        (20, "二十"),
        (105, "一百零五"),
        (110, "一百一十"),
        (1001, "一千零一"),
    ],
)
def test_numbers_are_written_in_chinese(number: int, written: str) -> None:
    assert han(number) == written


def test_numbers_are_written_in_roman() -> None:
    assert [roman(n) for n in (4, 9, 1994)] == ["IV", "IX", "MCMXCIV"]


def test_insertions_are_read_and_deletions_and_comments_are_not(word: Word) -> None:
    body = (
        "<w:p><w:r><w:t>甲</w:t></w:r><w:del><w:r><w:delText>丙</w:delText><w:tab/></w:r></w:del>"
        "<w:ins><w:r><w:t>乙</w:t></w:r></w:ins><w:moveFrom><w:r><w:t>戊</w:t></w:r></w:moveFrom>"
        '<w:r><w:commentReference w:id="0"/></w:r><w:r><w:rPr><w:vanish/></w:rPr><w:t>丁</w:t></w:r></w:p>'
    )
    assert texts(word(body)) == ["甲乙"]


def test_paragraph_whose_end_is_deleted_goes_on_in_the_next(word: Word) -> None:
    body = p("前半，", "<w:rPr><w:del/></w:rPr>") + p("后半。")
    assert texts(word(body)) == ["前半，后半。"]


def test_content_controls_and_text_boxes_are_read_once(word: Word) -> None:
    box = f"<w:txbxContent>{p('框')}</w:txbxContent>"
    body = (
        f"<w:sdt><w:sdtPr/><w:sdtContent>{p('控件')}</w:sdtContent></w:sdt>"
        f"<w:sdt><w:sdtPr><w:showingPlcHdr/></w:sdtPr><w:sdtContent>{p('提示')}</w:sdtContent></w:sdt>"
        "<w:p><w:r><w:t>段</w:t><mc:AlternateContent>"
        f"<mc:Choice><w:drawing><wps:txbx>{box}</wps:txbx></w:drawing></mc:Choice>"
        f"<mc:Fallback><w:pict>{box}</w:pict></mc:Fallback></mc:AlternateContent></w:r></w:p>"
    )
    assert texts(word(body)) == ["控件", "段", "框"]


def test_field_codes_are_left_out_and_their_results_kept(word: Word) -> None:
    body = (
        '<w:p><w:r><w:fldChar w:fldCharType="begin"/></w:r><w:r><w:instrText>TOC \\o</w:instrText></w:r>'
        '<w:r><w:fldChar w:fldCharType="separate"/></w:r><w:r><w:t>一、条目</w:t><w:tab/><w:t>2</w:t></w:r>'
        '<w:r><w:fldChar w:fldCharType="end"/></w:r></w:p>'
    )
    assert texts(word(body)) == ["一、条目\t2"]


def test_notes_follow_the_paragraph_that_refers_to_them(word: Word) -> None:
    body = '<w:p><w:r><w:t>正文</w:t><w:footnoteReference w:id="2"/></w:r></w:p>' + p("下文")
    notes = f'<w:footnote w:id="1">{p("无关")}</w:footnote><w:footnote w:id="2">{p("脚注")}</w:footnote>'
    assert texts(word(body, footnotes=notes)) == ["正文", "脚注", "下文"]


def test_page_breaks_make_the_text_before_them_soft(word: Word) -> None:
    page = '<w:r><w:br w:type="page"/></w:r>'
    body = (
        f"<w:p><w:r><w:t>甲，</w:t></w:r>{page}</w:p>"
        + p("乙，")
        + f"<w:p>{page}<w:r><w:t>丙</w:t></w:r></w:p><w:p>{page}</w:p>"
        + p("丁")
        + p("戊", "<w:pageBreakBefore/>")
    )
    assert [(line.text, line.soft) for line in lines(word(body))] == [
        ("甲，", True),
        ("乙，", True),
        ("丙", True),
        ("丁", True),
        ("戊", False),
    ]


def test_page_break_inside_a_paragraph_does_not_cut_it(word: Word) -> None:
    body = (
        "<w:p><w:r><w:t>前半，</w:t></w:r><w:r><w:lastRenderedPageBreak/><w:t>后半。</w:t></w:r></w:p>"
        + p("下段")
    )
    assert [(line.text, line.page) for line in lines(word(body))] == [("前半，后半。", 1), ("下段", 2)]


def test_line_breaks_part_lines_but_not_headings(word: Word) -> None:
    inside = "<w:r><w:t>上</w:t><w:br/><w:t>下</w:t></w:r>"
    body = f'<w:p>{inside}</w:p><w:p><w:pPr><w:pStyle w:val="1"/></w:pPr>{inside}</w:p>'
    assert texts(word(body, styles=HEADINGS)) == ["上", "下", "上下"]


def test_merged_cells_of_a_table_keep_their_text_in_the_first_place(word: Word) -> None:
    def cell(text: str, properties: str = "") -> str:
        return f"<w:tc><w:tcPr>{properties}</w:tcPr>{p(text)}</w:tc>"

    wide, tall = '<w:gridSpan w:val="2"/>', '<w:vMerge w:val="restart"/>'
    body = (
        '<w:tbl><w:tblPr><w:tblLook w:firstRow="1"/></w:tblPr>'
        f"<w:tr>{cell('合并', wide)}{cell('右')}</w:tr>"
        f"<w:tr>{cell('上', tall)}{cell('中')}{cell('下')}</w:tr>"
        f"<w:tr>{cell('不见', '<w:vMerge/>')}{cell('尾')}</w:tr></w:tbl>"
    )
    (table,) = read_docx(word(body)).elements
    assert isinstance(table, TableRows)
    assert table.rows == (("合并", "", "右"), ("上", "中", "下"), ("", "尾", ""))
    assert table.header


def test_table_of_one_cell_is_only_a_frame(word: Word) -> None:
    assert texts(word(f"<w:tbl><w:tr><w:tc>{p('甲')}{p('乙')}</w:tc></w:tr></w:tbl>")) == ["甲", "乙"]


def test_picture_is_named_by_its_bytes(word: Word) -> None:
    body = (
        '<w:p><w:r><w:drawing><wp:inline><wp:docPr descr="二维码"/>'
        '<a:blip r:embed="i1"/></wp:inline></w:drawing></w:r></w:p>'
    )
    data = word(body, links=(("i1", "image", 'Target="media/a.png"'),), files={"word/media/a.png": b"png"})
    (picture,) = read_docx(data).elements
    assert picture == Picture(f"sha256:{hashlib.sha256(b'png').hexdigest()}", "二维码", 1, content=b"png")


def test_link_of_a_reference_becomes_its_address(word: Word) -> None:
    def linked(text: str) -> str:
        return f'<w:p><w:hyperlink r:id="h1"><w:r><w:t>{text}</w:t></w:r></w:hyperlink></w:p>'

    links = (("h1", "hyperlink", 'Target="https://example.com/a" TargetMode="External"'),)
    data = word(linked("来源 | 标题 | 2026-06-24") + linked("正文"), links=links)
    assert texts(data) == ["来源 | 标题 | 2026-06-24 | https://example.com/a", "正文"]
    assert not list(read_docx(data).findings)


def test_invisible_characters_are_removed_and_reported(word: Word) -> None:
    read = read_docx(word(p("甲\u200b\u202e乙")))
    assert [element.text for element in read.elements if isinstance(element, TextLine)] == ["甲乙"]
    assert [(finding.code, finding.severity) for finding in read.findings] == [
        ("text.suspicious", Severity.warning)
    ]


def test_pictures_that_are_too_large_are_named_but_not_taken_along(
    word: Word, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(docx_package, "MAX_PICTURE", 5)
    monkeypatch.setattr(docx_package, "MAX_PICTURES", 8)
    names = {"a": b"12345", "b": b"123456", "c": b"1234", "d": b"123"}
    body = "".join(
        f'<w:p><w:r><w:drawing><a:blip r:embed="{name}"/></w:drawing></w:r></w:p>' for name in (*names, "a")
    )
    links = tuple((name, "image", f'Target="media/{name}.png"') for name in names)
    files = {f"word/media/{name}.png": content for name, content in names.items()}
    elements = read_docx(word(body, links=links, files=files)).elements
    found = [each for each in elements if isinstance(each, Picture)]
    assert [each.content for each in found] == [b"12345", b"", b"", b"123", b"12345"]
    assert found[1].src == f"sha256:{hashlib.sha256(b'123456').hexdigest()}"
