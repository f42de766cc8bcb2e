from datetime import date

import pytest

from app.bulletins.document import Citation, ReferenceItem
from app.ingest.flow import Element, TableRows, TextLine
from app.ingest.references import read_references

WHOLE = ReferenceItem(
    source="国家数据局", title="数据要素案例", date=date(2026, 6, 24), url="https://a.cn/x?y=1"
)


def cited(*texts: str, item: bool = True) -> list[Citation]:
    lines: list[Element] = [TextLine(text, n, item=item) for n, text in enumerate(texts, start=1)]
    return read_references(lines)[0]


@pytest.mark.parametrize(
    "line",
    [
        "国家数据局 | 数据要素案例 | 2026-06-24 | 用于案例分析。 | https://a.cn/x?y=1",
        "国家数据局｜数据要素案例｜2026年6月24日｜https://a.cn/x?y=1｜用于案例分析。",
        "https://a.cn/x?y=1 | 2026-06-24 | 国家数据局 | 数据要素案例 | 用于案例分析。",
        "二〇二六年六月二十四日 | 国家数据局 | 数据要素案例 <https://a.cn/x?y=1> | 用于案例分析。",
        "来源：国家数据局 | 标题：数据要素案例 | 日期：2026-06-24 | 用于案例分析。 | 链接：<https://a.cn/x?y=1>",
    ],
)
def test_fields_are_recognised_in_any_order(line: str) -> None:
    assert cited(line) == [Citation(number=1, purpose="用于案例分析。", reference=WHOLE)]


def test_a_field_may_hold_a_bar_behind_a_backslash() -> None:
    reference = cited(r"甲\|乙 | a\\\|b\c | 2026-06-24 | 用于 x")[0].reference
    assert (reference.source, reference.title) == ("甲|乙", r"a\|b\c")


def test_the_house_order_decides_where_fields_look_alike() -> None:
    citation = cited("2026-01-01 | 用于标题 | 2026-06-24 | https://a.cn |")[0]
    assert citation.reference == ReferenceItem(
        source="2026-01-01", title="用于标题", date=date(2026, 6, 24), url=None
    )
    assert citation.purpose == "https://a.cn"


@pytest.mark.parametrize(
    "url", ["ftp://a.cn/x", "javascript:alert(1)", "https:/a.cn", "https：//a.cn", "http://a .cn/x y"]
)
def test_what_stands_for_an_address_is_kept_as_one(url: str) -> None:
    kept = [Citation(number=1, purpose="用于案例分析。", reference=WHOLE.model_copy(update={"url": url}))]
    assert cited(f"国家数据局 | 数据要素案例 | 2026-06-24 | 用于案例分析。 | {url}") == kept
    assert cited(f"国家数据局 | 数据要素案例 | 2026-06-24 | {url} | 用于案例分析。") == kept


def test_a_link_to_no_web_address_is_kept_as_one() -> None:
    line = "国家数据局 | 数据要素案例 <ftp://a.cn/x> | 2026-06-24 | 用于案例分析。"
    assert cited(line)[0].reference == WHOLE.model_copy(update={"url": "ftp://a.cn/x"})


@pytest.mark.parametrize("raw", ["2026-02-30", "2026年6月", "上周五"])
def test_a_date_that_cannot_be_read_is_kept_and_reported(raw: str) -> None:
    line = TextLine(f"国家数据局 | 案例 | {raw} | 用于分析。", 7, item=True)
    citations, others, findings = read_references([line])
    assert citations[0].reference.date is None
    assert citations[0].purpose == "用于分析。"
    assert [element.text for element in others if isinstance(element, TextLine)] == [raw]
    assert [(f.code, f.position.line, f.position.citation) for f in findings] == [
        ("reference.date-invalid", 7, 1)
    ]


def test_a_reference_without_bars_keeps_its_words_as_the_title() -> None:
    assert cited("[3] 国家数据局. 数据要素案例. 2026.", item=False)[0].reference == ReferenceItem(
        source="", title="国家数据局. 数据要素案例. 2026.", date=None
    )


def test_an_address_on_its_own_line_belongs_to_the_reference_before_it() -> None:
    citations = cited(
        "国家数据局 | 数据要素案例 | 2026-06-24 | 用于案例分析。", "https://a.cn/x?y=1", item=False
    )
    assert [citation.reference for citation in citations] == [WHOLE]


def test_a_wrapped_item_goes_on_in_the_next_line() -> None:
    lines = [TextLine("Reuters | Talk of", 1, item=True), TextLine("a bubble | 2026-06-24 | 用于 x", 2)]
    assert read_references(lines)[0][0].reference.title == "Talk of a bubble"


def test_a_table_of_references_is_read_without_its_header() -> None:
    rows = (("来源", "标题", "日期", "用途"), ("国家数据局", "案例", "2026-06-24", "用于 x"))
    citations, others, _ = read_references([TableRows(rows, True, 1)])
    assert [citation.reference.source for citation in citations] == ["国家数据局"]
    assert others == []


def test_a_sentence_among_references_is_not_one() -> None:
    lines = [TextLine("甲 | 乙 | 2026-06-24 | 用于 x", 1), TextLine("", 2), TextLine("以上资料截至今日。", 3)]
    citations, others, _ = read_references(lines)
    assert len(citations) == 1
    assert others == [lines[2]]


@pytest.mark.parametrize("mark", ["1、", "[1] "])
def test_source_title_and_date_between_commas_are_recognised(mark: str) -> None:
    line = TextLine(f"{mark}北京市政府，《人工智能条例，试行》，2026年7月1日", 1)
    citations, others, findings = read_references([line])
    assert [c.reference for c in citations] == [
        ReferenceItem(source="北京市政府", title="人工智能条例，试行", date=date(2026, 7, 1))
    ]
    assert (others, findings) == ([], [])


def test_a_finding_quotes_the_date_and_not_the_line_around_it() -> None:
    citations, others, findings = read_references(
        [TextLine("1、北京市政府发文，人工智能条例，2026年2月30日", 1)]
    )
    assert citations[0].reference.title == "北京市政府发文，人工智能条例，2026年2月30日"
    assert others == []
    assert [f.code for f in findings] == ["reference.date-invalid"]
    assert "日期“2026年2月30日”" in findings[0].message


def test_a_title_that_names_a_day_is_no_date() -> None:
    line = "北京市政府 | 关于2026年7月1日起施行条例的通知 | 用于分析。"
    citation = cited(line)[0]
    assert (citation.reference.title, citation.purpose) == ("关于2026年7月1日起施行条例的通知", "用于分析。")


@pytest.mark.parametrize("url", ["https://a.cn/x?y=1|2", r"https://a.cn/x?y=1\|2"])
def test_a_bar_inside_an_address_does_not_cut_it(url: str) -> None:
    citation = cited(f"国家数据局 | 案例 | 2026-06-24 | 用于分析。 | {url}")[0]
    assert (citation.reference.url, citation.purpose) == ("https://a.cn/x?y=1%7C2", "用于分析。")


def test_bars_without_blanks_still_divide_an_address_from_other_fields() -> None:
    reference = cited("https://a.cn/x|Reuters|Talk|2026-06-24")[0].reference
    assert (reference.url, reference.source, reference.title) == ("https://a.cn/x", "Reuters", "Talk")
