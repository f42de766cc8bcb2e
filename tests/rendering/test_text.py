from datetime import date
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from app.bulletins.document import (
    BulletinDocument,
    Citation,
    Contact,
    Image,
    ListBlock,
    Paragraph,
    ReferenceItem,
    Section,
    Table,
)
from app.ingest.structure import build
from app.ingest.text import read_text
from app.rendering.text import render_text

SAMPLE = Path(__file__).parents[1] / "samples" / "2026-06-25.txt"


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_a_document_written_as_text_is_read_back_as_itself(
    data: st.DataObject, text_documents: st.SearchStrategy[BulletinDocument]
) -> None:
    document = data.draw(text_documents)
    assert build(read_text(render_text(document)))[0] == document


def test_the_real_bulletin_written_as_text_is_read_back_as_itself() -> None:
    document, _ = build(read_text(SAMPLE.read_text("utf-8")))
    assert build(read_text(render_text(document))) == (document, [])


def test_text_has_the_layout_of_the_house() -> None:
    document = BulletinDocument(
        title="专刊",
        date=date(2026, 6, 25),
        organisation="某某协会",
        producers=("甲", "乙"),
        abstract="一句。\n又一句。",
        sections=(
            Section(
                number=1,
                numeral="一",
                heading="标题",
                page=2,
                body=(
                    Paragraph(text="正文。"),
                    ListBlock(items=("甲", "乙")),
                    ListBlock(items=("丙",)),
                    ListBlock(ordered=True, items=("丁", "戊")),
                    Table(header=False, rows=(("a|b", ""),)),
                    Image(src="https://a.cn/p.png", alt="图名"),
                ),
            ),
            Section(number=2, numeral="2", heading="尾声"),
        ),
        citations=(
            Citation(
                number=1,
                purpose="用于 x",
                reference=ReferenceItem(source="", title="a|b", date=None, url="https://a.cn"),
            ),
        ),
        contacts=(Contact(name="甲", description="说明。", url="https://a.cn"),),
    )
    assert render_text(document) == LAYOUT


LAYOUT = r"""新质生产力每日动态

标题：专刊

发布机构：某某协会

出品：甲 & 乙

2026 年 6 月 25 日

摘要

　　一句。

　　又一句。

目录

一、标题	2
2. 尾声

一、标题

　　正文。

- 甲
- 乙

• 丙

  1. 丁
  2. 戊

|  |  |
| --- | --- |
| a\|b |  |

　　（图：图名）

2. 尾声

参考文献

- | a\|b |  | 用于 x | https://a.cn

联系我们

甲：说明。
网站地址：https://a.cn
"""
