import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.search.text import compact, fold, folded, query_words, tokens, words

TEXTS = st.text(
    alphabet=st.sampled_from(
        [
            *"數據要素资料中心軟銀的發展ＡＩ，。 “”-._'×①ﬁ",
            *string.ascii_letters,
            *string.digits,
            "İ",
            "é",
            "\u0301",
        ]
    )
) | st.text(max_size=50)


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("ＡＩ　数据", "ai 数据"),
        ("數據要素", "数据要素"),
        ("資料中心", "数据中心"),
        ("Café CAFE\u0301", "cafe cafe"),
        ("顯著提高", "显著提高"),
        ("GPT‑5", "gpt‐5"),
        ("a\u200bb\ufeff", "ab"),
        ("①㎡", "1m2"),
        ("", ""),
    ],
)
def test_width_case_accents_and_traditional_characters_are_folded(written: str, plain: str) -> None:
    assert fold(written) == plain


def test_simplified_text_keeps_its_words() -> None:
    text = "程序、核心、建立、支援、智慧城市与使用者"

    assert fold(text) == text


def test_one_traditional_word_in_a_simplified_text_changes_no_other() -> None:
    text = "企业建立了核心团队。" * 10 + "與軟銀合作"

    assert fold(text) == "企业建立了核心团队。" * 10 + "与软银合作"


def test_the_way_back_leads_to_the_original_characters() -> None:
    written = "ﬁne 網際網路的ＡＩ發展"

    back = folded(written)

    assert back.text == "fine 互联网的ai发展"
    at = back.text.index("发展")
    assert written[back.origin[at] :] == "發展"
    assert written[back.origin[back.text.index("ai")]] == "Ａ"


@given(TEXTS)
def test_every_folded_character_comes_from_one_of_the_original(text: str) -> None:
    back = folded(text)

    assert len(back.origin) == len(back.text)
    assert back.origin == sorted(back.origin)
    assert all(0 <= place < len(text) for place in back.origin)


@given(TEXTS)
def test_words_stand_where_they_are_said_to(text: str) -> None:
    plain = fold(text)
    squeezed = compact(plain)

    for token in tokens(plain):
        assert 0 <= token.start < token.end <= len(plain)
        assert squeezed[token.position] == plain[token.start]


def test_names_of_the_taxonomy_are_words_and_so_are_the_words_inside() -> None:
    assert query_words("发展新质生产力") == ["发展", "新质生产力"]
    assert ("生产力", 4) in words("发展新质生产力")


def test_latin_runs_stay_whole_and_are_indexed_in_parts_too() -> None:
    assert query_words("gpt-5.2与c919") == ["gpt5.2", "与", "c919"]
    assert {"gpt5.2", "gpt", "5.2"} <= dict(words("gpt-5.2")).keys()
    assert {"softbanks", "softbank"} <= dict(words("softbank's")).keys()
    assert query_words("u.s. xi'an") == ["us", "xian"]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("提高通关效率", "高通"),
        ("高通量测序", "高通"),
        ("质量子系统", "量子"),
        ("形成都市圈", "成都"),
        ("甲骨文字", "甲骨文"),
        ("中国移动支付", "中国移动"),
        ("基层财政部门", "财政部"),
    ],
)
def test_a_name_inside_a_lookalike_is_no_word(text: str, name: str) -> None:
    assert name not in dict(words(text))


@pytest.mark.parametrize("text", ["高通发布芯片", "国产能源设备", "量子芯片", "成都发布", "甲骨文公司"])
def test_a_name_by_itself_is_a_word(text: str) -> None:
    assert {"高通", "能源", "量子", "成都", "甲骨文公司"} & set(query_words(text))


def test_blanks_quotation_marks_and_joints_do_not_part_words_but_punctuation_does() -> None:
    def distance(text: str) -> int:
        first, *_, last = tokens(text, inner=False)
        return last.position - first.position

    assert distance("ai 数据中心") == distance("ai数据中心") == distance("ai“数据中心”") == 2
    assert distance("gpt-5模型") == distance("gpt5模型")
    assert distance("芯片，模型") > distance("芯片模型")


def test_a_very_long_latin_run_is_cut_alike_on_both_sides() -> None:
    long = "x" * 5_000

    assert query_words(long) == [words(long)[0][0]]
    assert len(query_words(long)[0]) < 100
