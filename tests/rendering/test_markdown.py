from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from app.bulletins.document import BulletinDocument, Image, ListBlock, Paragraph, Section, Subheading, Table
from app.ingest.markdown import read_markdown
from app.ingest.structure import build
from app.ingest.text import read_text
from app.rendering.markdown import escape, render_markdown

SAMPLE = Path(__file__).parents[1] / "samples" / "2026-06-25.txt"


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_a_document_written_as_markdown_is_read_back_as_itself(
    data: st.DataObject, markdown_documents: st.SearchStrategy[BulletinDocument]
) -> None:
    document = data.draw(markdown_documents)
    assert build(read_markdown(render_markdown(document)))[0] == document


def test_the_real_bulletin_written_as_markdown_is_read_back_as_itself() -> None:
    document, _ = build(read_text(SAMPLE.read_text("utf-8")))
    assert build(read_markdown(render_markdown(document))) == (document, [])


def test_marks_in_words_are_escaped_and_plain_words_are_not() -> None:
    assert escape("AI+数据要素 (全文) 2026-06-24 A & B") == "AI+数据要素 (全文) 2026-06-24 A & B"
    assert escape("- *a*_b_ [c](d) `e` <f> &amp; #g") == r"\- \*a\*\_b\_ \[c\](d) \`e\` \<f> \&amp; \#g"
    assert escape("1. 甲") == r"1\. 甲"


def test_blocks_are_commonmark() -> None:
    body = (
        Subheading(text="小标题 #"),
        Paragraph(text="# 正文"),
        ListBlock(items=("甲",)),
        ListBlock(items=("乙",)),
        Table(rows=(("名|称",), ("*",))),
        Image(src="https://a.cn/x y.png", alt="[图]"),
    )
    document = BulletinDocument(
        title="新质生产力每日动态",
        date=None,
        sections=(Section(number=1, heading="标题", page=3, body=body),),
    )
    assert render_markdown(document) == BLOCKS


BLOCKS = r"""# 新质生产力每日动态

## 目录

- 标题	3

## 标题

### 小标题 \#

　　\# 正文

- 甲

* 乙

| 名\|称 |
| --- |
| \* |

![\[图\]](<https://a.cn/x y.png>)
"""
