from datetime import date
from typing import Any

import pytest

from app.bulletins.document import BulletinDocument, Citation, Contact, Paragraph, ReferenceItem, Section
from app.ingest.checks import check
from app.ingest.report import Finding

TODAY = date(2026, 6, 25)


def section(number: int, numeral: str, text: str = "正文。") -> Section:
    return Section(number=number, numeral=numeral, heading=f"标题{number}", body=(Paragraph(text=text),))


def citation(**changes: Any) -> Citation:
    values: dict[str, Any] = {"source": "新华社", "title": "标题", "date": date(2026, 6, 24)} | changes
    purpose, sections = values.pop("purpose", "用于分析。"), values.pop("sections", (1,))
    return Citation(number=1, purpose=purpose, sections=sections, reference=ReferenceItem(**values))


def document(**changes: Any) -> BulletinDocument:
    values: dict[str, Any] = {
        "title": "新质生产力每日动态 2026-06-25",
        "date": TODAY,
        "organisation": "某某协会",
        "abstract": "摘要。",
        "sections": (section(1, "一"),),
        "citations": (citation(),),
        "contacts": (Contact(name="甲"),),
    }
    return BulletinDocument(**(values | changes))


def found(**changes: Any) -> list[tuple[str, str]]:
    return [(f.code, f.severity.value) for f in check(document(**changes), TODAY)]


def test_a_complete_document_has_no_findings() -> None:
    assert found() == []


@pytest.mark.parametrize(
    ("changes", "code", "severity"),
    [
        ({"date": None}, "date.missing", "error"),
        ({"date": date(1926, 6, 25), "citations": ()}, "date.implausible", "error"),
        ({"date": date(2062, 6, 25)}, "date.implausible", "error"),
        ({"date": date(2026, 7, 25)}, "date.in-future", "warning"),
        ({"organisation": ""}, "organisation.missing", "warning"),
        ({"abstract": ""}, "abstract.missing", "warning"),
        ({"contacts": ()}, "contact.missing", "warning"),
        ({"sections": (), "citations": (citation(sections=()),)}, "sections.missing", "error"),
        ({"sections": (Section(number=1, heading="空"),)}, "section.empty", "error"),
        ({"sections": (section(1, "一"), section(2, "三"))}, "section.number-gap", "warning"),
        ({"sections": (section(1, "二"),)}, "section.number-gap", "warning"),
        ({"sections": (section(1, "（一）"), section(2, "（一）"))}, "section.number-duplicate", "warning"),
        ({"citations": (citation(source=""),)}, "reference.incomplete", "warning"),
        ({"citations": (citation(date=None),)}, "reference.incomplete", "warning"),
        ({"citations": (citation(purpose=""),)}, "reference.incomplete", "warning"),
        ({"citations": (citation(date=date(2026, 6, 26)),)}, "reference.date-in-future", "warning"),
        ({"citations": (citation(sections=()),)}, "reference.unused", "warning"),
    ],
)
def test_each_fault_gives_its_one_finding(changes: dict[str, Any], code: str, severity: str) -> None:
    assert found(**changes) == [(code, severity)]


def test_a_reference_of_today_in_a_bulletin_of_yesterday_is_in_the_future() -> None:
    day = date(2026, 6, 24)
    assert found(date=day, citations=(citation(date=TODAY),)) == [("reference.date-in-future", "warning")]


def test_a_gap_is_reported_once_and_unnumbered_sections_do_not_count() -> None:
    numerals = ["一", "", "二", "四", "五"]
    sections = tuple(section(number, numeral) for number, numeral in enumerate(numerals, start=1))
    findings = check(document(sections=sections), TODAY)
    assert [(f.code, f.position.section) for f in findings] == [("section.number-gap", 4)]
    assert findings[0].message == "条目编号从“二”跳到“四”，缺少第 3 条：请补上缺少的条目，或改正编号。"


@pytest.mark.parametrize(
    ("numerals", "message"),
    [
        (["二"], "第一个条目的编号是“二”，缺少第 1 条：请补上缺少的条目，或改正编号。"),
        (
            ["（一）", "（五）"],
            "条目编号从“（一）”跳到“（五）”，缺少第 2 至 4 条：请补上缺少的条目，或改正编号。",
        ),
        (["一", "二", "四", "三"], "条目编号“三”排在“四”之后：请调整顺序，或改正编号。"),
    ],
)
def test_a_gap_says_what_is_missing_or_out_of_order(numerals: list[str], message: str) -> None:
    sections = tuple(section(number, numeral) for number, numeral in enumerate(numerals, start=1))
    assert check(document(sections=sections), TODAY)[-1].message == message


def test_a_heading_as_long_as_a_paragraph_is_told_of_with_its_length() -> None:
    long = Section(number=1, numeral="一", heading="长" * 101, body=(Paragraph(text="正文。"),))
    (finding,) = check(document(sections=(long,)), TODAY)
    assert (finding.code, finding.severity, finding.position.section) == (
        "section.heading-long",
        "warning",
        1,
    )
    assert "有 101 字" in finding.message
    assert found(sections=(long.model_copy(update={"heading": "长" * 100}),)) == []


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "ftp://a.cn/x",
        "a.cn",
        "http://",
        "https://a .cn",
        "https://www..cn/x",
        "http://[x",
    ],
)
def test_an_address_that_is_none_of_the_web_is_told_of_and_kept(url: str) -> None:
    (finding,) = check(document(citations=(citation(url=url),)), TODAY)
    assert (finding.code, finding.severity, finding.position.citation) == (
        "reference.url-invalid",
        "warning",
        1,
    )
    assert f"“{url}”" in finding.message


@pytest.mark.parametrize("url", ["http://a.cn", "HTTPS://A.CN:8080/x?y=1#z", "https://例子.中国/文章", None])
def test_an_address_of_the_web_is_in_order(url: str | None) -> None:
    assert found(citations=(citation(url=url),)) == []


def missing(text: str, **changes: Any) -> list[Finding]:
    findings = check(document(sections=(section(1, "一", text),), citations=(citation(**changes),)), TODAY)
    return [finding for finding in findings if finding.code == "citation.missing"]


@pytest.mark.parametrize(
    "text",
    [
        "新华社6月23日报道，论坛开幕。",
        "据新华社 2026 年 6 月 23 日消息，论坛开幕。",
        "论坛开幕。新华社于6月23日电讯报道，论坛开幕。",
    ],
)
def test_a_source_with_a_day_that_no_reference_covers_is_named(text: str) -> None:
    (finding,) = missing(text)
    assert finding.position.section == 1
    assert "“新华社”2026-06-23" in finding.message


def test_a_reference_of_that_day_covers_it_by_its_source_or_by_the_section_it_is_used_in() -> None:
    assert missing("新华社6月24日报道，论坛开幕。", sections=()) == []
    assert missing("湛江市政务服务和数据管理局 6 月 24 日发布通知。", source="湛江市人民政府") == []
    assert missing("人民日报6月24日报道，论坛开幕。", sections=()) != []


def test_a_day_without_a_source_is_nothing_to_cite() -> None:
    assert missing("6月20日，国务院总理李强在大连出席论坛并致辞。") == []


def test_a_day_without_a_year_at_the_turn_of_the_year_is_the_last_one() -> None:
    findings = check(
        document(
            date=date(2026, 1, 1), sections=(section(1, "一", "新华社12月31日报道，开通。"),), citations=()
        ),
        TODAY,
    )
    assert "2025-12-31" in findings[0].message


@pytest.mark.parametrize(
    "text",
    [
        "论坛开幕。来源：新华社，2026-07-20",
        "论坛开幕。（资料来源：新华社《开幕》，2026年7月20日）",
        "消息来源: 新华社 | 7月20日",
        "来源：新华社7月20日报道",
    ],
)
def test_an_attribution_that_no_reference_covers_is_named_once(text: str) -> None:
    (finding,) = missing(text)
    assert "“新华社”2026-07-20" in finding.message
    assert missing(text, date=date(2026, 7, 20)) == []


def test_where_money_comes_from_is_no_attribution() -> None:
    assert missing("资金来源：财政拨款，2026-07-20 到账。") == []
