from datetime import date
from typing import Any

import pytest

from app.bulletins.document import BulletinDocument, Contact, Paragraph, Section, SectionTag
from app.wechat.differences import differences

TEXTS = ("数据要素进入交通运输场景，湖北先行。", "软银押注数据中心和电力。", "广东分赛进入申报阶段。")


def section(number: int, heading: str, text: str, *tags: str) -> Section:
    carried = tuple(SectionTag(slug=tag) for tag in tags)
    return Section(number=number, heading=heading, body=(Paragraph(text=text),), tags=carried)


def document(*sections: Section, **changes: Any) -> BulletinDocument:
    values = {"title": "题", "date": date(2026, 6, 25), "abstract": "摘要。"} | changes
    return BulletinDocument(**values, sections=sections)


OLD = document(section(1, "甲", TEXTS[0], "energy"), section(2, "乙", TEXTS[1]))


@pytest.mark.parametrize(
    ("new", "told"),
    [
        (OLD, []),
        (document(*OLD.sections, abstract="新的摘要。", title="新题"), ["标题有改动", "摘要有改动"]),
        (
            document(*OLD.sections, producers=("甲方",), contacts=(Contact(name="乙方"),)),
            ["出品有改动", "联系方式有改动"],
        ),
        (document(OLD.sections[0]), ["删去原第 2 条“乙”"]),
        (document(*OLD.sections, section(3, "丙", TEXTS[2])), ["新增第 3 条“丙”"]),
        (
            document(section(1, "甲新", TEXTS[0], "energy"), OLD.sections[1]),
            ["第 1 条“甲新”的标题有改动，原为“甲”"],
        ),
        (
            document(section(1, "甲", f"{TEXTS[0]}补充。"), OLD.sections[1]),
            ["第 1 条“甲”的正文有改动", "第 1 条“甲”的标签有改动"],
        ),
        (
            document(section(1, "乙", TEXTS[1]), section(2, "甲", TEXTS[0], "energy")),
            ["第 1 条“乙”原是第 2 条", "第 2 条“甲”原是第 1 条"],
        ),
    ],
)
def test_each_part_that_differs_is_told_of(new: BulletinDocument, told: list[str]) -> None:
    assert list(differences(OLD, new)) == told
