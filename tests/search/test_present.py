import re
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.search.contract import Phrase, Query, Term
from app.search.crop import LONGEST
from app.search.marks import sought
from app.search.present import LONG, highlight
from app.search.schemas import Highlight
from app.search.text import fold, query_words

MARKED = re.compile("<mark>(.*?)</mark>")


def phrase(text: str) -> Phrase:
    return Phrase(fold(text), tuple(query_words(fold(text))))


def asking(*terms: str | tuple[str, ...], rare: tuple[str, ...] = ()) -> Query:
    """A query for all terms, each one text or several that mean the same; the last may be half typed."""
    each = [(term,) if isinstance(term, str) else term for term in terms]
    last = len(each) - 1
    return Query(
        typed=" ".join(alternatives[0] for alternatives in each),
        terms=tuple(Term(tuple(map(phrase, texts)), prefix=n == last) for n, texts in enumerate(each)),
        rare=rare,
    )


def shown(body: str, query: Query, heading: str = "", *, relaxed: bool = False) -> Highlight:
    return highlight(heading, body, sought(query, relaxed=relaxed))


def plain(html: str) -> str:
    return unescape(html.replace("<mark>", "").replace("</mark>", ""))


@pytest.mark.parametrize(
    ("body", "query", "expected"),
    [
        ("湖北推进数据要素改革。", asking("数据要素"), ["数据要素"]),
        ("湖北推進數據要素改革。", asking("数据要素"), ["數據要素"]),
        ("湖北推进数据要素改革。", asking("數據要素"), ["数据要素"]),
        ("ＡＩ 与 ai 与 Ai。", asking("AI"), ["ＡＩ", "ai", "Ai"]),
        ("建设AI数据中心。", asking("ＡＩ数据中心"), ["AI数据中心"]),
        ("建设 AI 数据中心。", asking("AI数据中心"), ["AI 数据中心"]),
        ("发布 GPT-5.2 模型。", asking("gpt-5.2"), ["GPT-5.2"]),
        ("发布 GPT-5.2 模型。", asking("gpt5.2"), ["GPT-5.2"]),
        ("The data-elements market", asking("Data  Elements"), ["data-elements"]),
        ("新质生产力加快形成。", asking("新质生"), ["新质生产力"]),
        ("Semiconductors rise", asking("semi"), ["Semiconductors"]),
        ("算力与 compute 一样。", asking(("compute", "算力")), ["算力", "compute"]),
        ("Cafe\u0301 和 café", asking("cafe"), ["Cafe\u0301", "café"]),
        ("软银计划建设。", asking("计划", "软银"), ["软银计划"]),
        ("数据要素", asking("数据要素", "要素"), ["数据要素"]),
    ],
)
def test_what_was_asked_for_is_marked_as_it_is_written(body: str, query: Query, expected: list[str]) -> None:
    assert MARKED.findall(shown(body, query).body) == expected


@pytest.mark.parametrize(
    ("body", "query"),
    [
        ("提高通关效率。", asking("高通")),
        ("Maintain the line", asking("AI")),
        ("发展数据，要素市场。", asking("数据要素")),
        ("数据和要素", asking("数据要素")),
        ("数据中心数据", asking("数据要", "数据中心在")),
    ],
)
def test_lookalikes_are_not_marked(body: str, query: Query) -> None:
    assert MARKED.findall(shown(body, query).body) == []


def test_only_the_last_word_may_be_half_typed() -> None:
    assert MARKED.findall(shown("Semiconductors and semifinals", asking("semi", "and")).body) == ["and"]


def test_a_relaxed_answer_marks_single_words_and_no_single_characters() -> None:
    query = asking("软银为什么要在日本建数据中心", rare=("软银", "数据中心", "日本", "在"))
    body = "软银在日本投资，数据中心在建。"
    assert MARKED.findall(shown(body, query, relaxed=True).body) == ["软银", "日本", "数据中心"]
    assert MARKED.findall(shown(body, query).body) == []


def test_the_heading_is_whole_and_marked() -> None:
    heading = "<高通> & “芯片” " + "很长" * 100
    found = shown("", asking("高通"), heading)
    assert found.heading.startswith("&lt;<mark>高通</mark>&gt; &amp; “芯片”")
    assert plain(found.heading) == heading
    assert found.body == ""


def test_what_is_marked_is_escaped_too() -> None:
    assert shown("AT&T 发布财报。", asking("at&t")).body == "<mark>AT&amp;T</mark> 发布财报。"


@pytest.mark.parametrize(
    "text", ['<script>alert("软银")</script>', "<mark>软银</mark>", "&lt;软银&gt;", "'软银'"]
)
def test_everything_but_the_marks_is_escaped(text: str) -> None:
    found = shown(text, asking("软银"), text)
    for html in (found.heading, found.body):
        assert re.findall("<[^>]*>", html) == ["<mark>", "</mark>"]
        assert plain(html) == text
        assert not re.search(r"&(?!(amp|lt|gt|quot|#x27);)", html)
        assert '"' not in html
        assert "'" not in html


SENTENCES = [
    "国家数据局发布湖北省交通运输领域数据要素市场化配置改革实践。",
    "软银计划在日本建设大型人工智能数据中心，总投资超过1,000亿元，预计2027年投产！",
    "供电由当地电力公司负责；",
    "武汉、宜昌等地将公路水路数据归集到统一平台，形成可信数据空间，货运企业凭数据获得授信，融资成本下降。",
    "下一步将向多式联运推广。",
]


def test_the_crop_is_whole_sentences_around_what_was_found() -> None:
    found = shown("".join(SENTENCES), asking("软银"))
    assert "…" not in found.body
    assert MARKED.findall(found.body) == ["软银"]
    text = plain(found.body)
    assert SENTENCES[1] in text
    assert 60 <= len(text) <= LONGEST
    assert text[0] in {sentence[0] for sentence in SENTENCES}
    assert text[-1] in "。！；"


def test_the_crop_holds_as_many_of_the_words_as_it_can() -> None:
    often = "软银股价上涨，软银债券上涨，软银期货上涨，软银发布财报。" + "市场反应平淡。" * 20
    all_of_them = "分析认为，软银在日本的布局将带动电力需求。"
    found = shown(often + all_of_them, asking("软银", "日本", "电力"))
    assert MARKED.findall(found.body) == ["软银", "日本", "电力"]


def test_a_short_sentence_is_shown_with_what_follows_it() -> None:
    long = "市场" + "、市场" * 10 + "，" + "产业" + "、产业" * 40 + "。"
    text = plain(shown("软银发布财报。" + long, asking("软银")).body)
    assert text == "软银发布财报。市场" + "、市场" * 10 + "…"


def test_a_long_sentence_is_cut_at_commas_and_says_so() -> None:
    clauses = [f"第{n}个项目由地方财政和社会资本共同出资建设" for n in "一二三四五六七八九十百千万"]
    clauses[6] = "第七个项目由软银出资建设"
    found = shown("，".join(clauses) + "。", asking("软银"))
    text = plain(found.body)
    assert text.startswith("…")
    assert text.endswith("…")
    assert all(part in clauses for part in text.strip("…").split("，"))
    assert MARKED.findall(found.body) == ["软银"]
    assert 60 <= len(text) <= LONGEST + 2


def test_text_without_any_punctuation_is_cut_between_words() -> None:
    found = shown("人工智能发展" * 40 + "软银" + "推动产业升级" * 40, asking("软银"))
    text = plain(found.body)
    assert re.fullmatch("…(人工智能|智能|发展|软银|推动|产业|升级)+…", text)
    assert MARKED.findall(found.body) == ["软银"]
    assert 60 <= len(text) <= LONGEST + 2


def test_without_a_match_the_crop_is_the_beginning() -> None:
    text = plain(shown("".join(SENTENCES), asking("量子")).body)
    assert "".join(SENTENCES).startswith(text)
    assert 60 <= len(text) <= LONGEST


def test_lines_and_cells_are_parted_by_single_blanks() -> None:
    assert shown("年\t亿元\n2026\t90\n\n软银", asking("软银")).body == "年 亿元 2026 90 <mark>软银</mark>"


def test_a_match_far_behind_in_an_endless_section_is_not_looked_for() -> None:
    assert MARKED.findall(shown("发展。" * LONG + "软银", asking("软银")).body) == []


@given(
    st.text(alphabet="数据要素高通提关软银數ＡiGPT-5.2 <>&\"'，。！\n\té\u0301㎡", max_size=400),
    st.lists(
        st.sampled_from(["数据", "数据要素", "高通", "软银", "ai", "gpt-5.2", "m2", "é", "数"]), min_size=1
    ),
)
def test_marks_change_nothing_but_add_themselves(text: str, words: list[str]) -> None:
    text = text.strip()
    found = shown(text, asking(*words), text)
    assert plain(found.heading) == text
    assert plain(found.body).strip("…").strip() in re.sub(r"\s+", " ", text)
    assert len(plain(found.body)) <= LONGEST + 2
    for html in (found.heading, found.body):
        assert re.fullmatch(r"([^<>]|<mark>[^<>]+</mark>(?!<mark>))*", html)
    assert found == shown(text, asking(*words), text)
