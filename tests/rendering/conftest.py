"""Strategies for documents that are hard to write down: text that looks like markup or structure."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from hypothesis import strategies as st

from app.bulletins.document import (
    SERIES,
    BulletinDocument,
    Citation,
    Contact,
    Image,
    ListBlock,
    Paragraph,
    ReferenceItem,
    Section,
    Subheading,
    Table,
    block_text,
    default_title,
)
from app.ingest.contacts import site_address
from app.ingest.dates import find_dates
from app.ingest.flow import TextLine
from app.ingest.front import split_names
from app.ingest.lines import is_folio, key, looks_like_heading
from app.ingest.numerals import parse_numbered
from app.ingest.parts import part_named

# fmt: off
MEAN = [
    "一、", "二．", "（一）", "(2)", "1.", "2、", "3)", "第一章", "第二节", "1.1", "①", "|", "｜", "||", "\\",
    "\\|", "\\\\", "#", "##", "*", "**", "_", "`", "```", "~~~", "[", "]", "(", ")", "![", "](", "<", ">",
    "<b>", "</b>", "<!--", "&amp;", "&#35;", "&", "-", "--", "---", "+", "=", "===", ":", "：", "!", "“",
    "”", "‘", "’", '"', "'", "https://a.cn/x_y?b=1&c=2", "www.b.cn", "c.cn", "<https://d.cn>", "２０２６",
    "2026-06-24", "2026年6月24日", "二〇二六年", "用于", "摘要", "目录", "Contents", "参考文献", "联系我们",
    "。", "，", "；", "…", "......", "……2", "·····3", "AI", "数据要素", "国家数据局", "Ａ１",
    "é", "🙂", "7", "3", "第3页",
]
# fmt: on
CHARACTERS = st.characters(exclude_categories=("Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp"))
PIECES = st.one_of(st.sampled_from([*MEAN, " ", "  ", "\u3000"]), st.text(CHARACTERS, max_size=3))
LINES = st.lists(PIECES, max_size=6).map(lambda pieces: "".join(pieces).strip())
WORDS = LINES.filter(bool)
ADDRESSES = st.sampled_from(["https://gyznsw.cn", "http://a.b.cn/c_d?e=f&g=*#h", "https://例.cn/[x](y)"])
DATES = st.dates(date(1, 1, 1))
NUMERALS = (
    ["一", "二", "三", "四", "十一", "二十"],
    ["1", "2", "3", "10", "１２"],
    ["（一）", "（二）", "（十）"],
    ["第一章", "第二章", "第3章"],
    ["(1)", "2)", "（3）"],
    ["①", "②", "⑳"],
)


def looks_marked(text: str) -> bool:
    """Begins with a list mark or a bar."""
    return text[0] in "-*+–—·•●▪■◆○◦‣|"


def heading_numerals(text: str) -> bool:
    return parse_numbered(text) is not None


@st.composite
def sections(draw: st.DrawFn, blocks: st.SearchStrategy[Any], carried: Callable[..., bool]) -> Any:
    def stands_alone(text: str) -> bool:
        return not heading_numerals(text) and carried(text)

    numerals = st.sampled_from(["", *draw(st.sampled_from(NUMERALS))])
    made = []
    for number in range(1, draw(st.integers(0, 4)) + 1):
        numeral = draw(numerals)
        headings = WORDS.filter(lambda text: text[0] not in "、.．:：" and not part_named(text))
        heading = draw(headings if numeral else headings.filter(stands_alone))
        page = draw(st.none() | st.integers(1, 999))
        body = tuple(draw(st.lists(blocks, max_size=4)))
        made.append(Section(number=number, numeral=numeral, heading=heading, page=page, body=body))
    return tuple(made)


@st.composite
def tables(draw: st.DrawFn) -> Table:
    width = draw(st.integers(1, 3))
    rows = draw(st.lists(st.tuples(*[LINES] * width), min_size=1, max_size=3))
    return Table(header=any(rows[0]) and draw(st.booleans()), rows=tuple(rows))


@st.composite
def contacts(draw: st.DrawFn) -> tuple[Contact, ...]:
    drawn = draw(
        st.lists(
            st.builds(
                Contact,
                name=WORDS.filter(lambda name: len(name) <= 40 and not set(name) & set("：:")),
                description=LINES.filter(lambda text: not site_address(text)),
                url=st.none() | ADDRESSES,
            ),
            max_size=3,
            unique_by=lambda contact: key(contact.name),
        )
    )
    return tuple(
        contact
        for contact in drawn
        if not looks_marked(contact.name) and not part_named(f"{contact.name}：{contact.description}")
    )


@st.composite
def citations(draw: st.DrawFn) -> tuple[Citation, ...]:
    references = st.builds(
        ReferenceItem, source=LINES, title=WORDS, date=st.none() | DATES, url=st.none() | ADDRESSES
    )
    drawn = draw(st.lists(st.tuples(LINES, references), max_size=3))
    return tuple(
        Citation(number=number, purpose=purpose, reference=reference)
        for number, (purpose, reference) in enumerate(drawn, start=1)
    )


def is_a_name(text: str) -> bool:
    """Not the name of a part, nor a day: a line that holds nothing but a day is the issue's date."""
    return not part_named(text) and not find_dates(text)


@st.composite
def documents(
    draw: st.DrawFn, blocks: st.SearchStrategy[Any], carried: Callable[[str], bool]
) -> BulletinDocument:
    series = draw(st.sampled_from([SERIES, "低空经济周报"]) | WORDS.filter(is_a_name))
    day = draw(st.none() | DATES)
    own = draw(st.none() | WORDS.map(lambda words: f"{words}专刊") | WORDS.map(lambda words: f"专刊{words}"))
    producers = WORDS.filter(
        lambda name: not set(name) & set("&＆、，,/／|｜+×") and split_names(name) == (name,)
    )
    return BulletinDocument(
        series=series,
        title=own or default_title(series, day),
        date=day,
        language=draw(st.sampled_from(["zh-CN", "en", "zh-Hant"])),
        organisation=draw(LINES),
        producers=tuple(draw(st.lists(producers, max_size=3))),
        abstract="\n".join(draw(st.lists(WORDS, max_size=3))),
        sections=draw(sections(blocks, carried)),
        citations=draw(citations()),
        contacts=draw(contacts()),
    )


PARAGRAPHS = st.builds(Paragraph, text=WORDS)
ITEMS = WORDS.filter(lambda text: not is_folio(TextLine(f"- {text}", 1)))
LISTS = st.builds(ListBlock, ordered=st.booleans(), items=st.lists(ITEMS, min_size=1, max_size=3).map(tuple))
IMAGES = st.builds(
    Image,
    src=st.sampled_from(["https://a.cn/b c.png", "sha256:00ff", "a>b<c\\d&amp;.png", "x(y).png"]),
    alt=LINES,
)


@pytest.fixture(scope="session")
def markdown_documents() -> st.SearchStrategy[BulletinDocument]:
    """Documents that Markdown can carry."""
    blocks = st.one_of(PARAGRAPHS, LISTS, tables(), IMAGES, st.builds(Subheading, text=WORDS))
    return documents(blocks, lambda _text: True)


@pytest.fixture(scope="session")
def text_documents() -> st.SearchStrategy[BulletinDocument]:
    """Documents that plain text can carry."""

    def stands(text: str) -> bool:
        return not (looks_marked(text) or is_folio(TextLine(text, 1)) or part_named(text))

    def carried(document: BulletinDocument) -> bool:
        headings = {key(section.heading) for section in document.sections}
        numbered = [parse_numbered(f"{section.numeral}、x") for section in document.sections]
        styles = {number.style for number in numbered if number}
        blocks = [block for section in document.sections for block in section.body]
        subheadings = [block_text(block) for block in blocks if isinstance(block, Subheading)]
        return (
            not any(key(text) in headings for text in subheadings)
            and not any((n := parse_numbered(text)) and n.style in styles for text in subheadings)
            and (
                any(isinstance(block, Paragraph) for block in blocks)
                or all(heading_numerals(text) for text in subheadings)
            )
        )

    subheadings = st.builds(Subheading, text=WORDS.filter(looks_like_heading).filter(stands))
    blocks = st.one_of(PARAGRAPHS, LISTS, tables(), subheadings)
    return documents(blocks, stands).filter(carried)
