import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.search.query import Parsed, parse


@pytest.mark.parametrize(
    ("q", "parsed"),
    [
        ("", Parsed()),
        (" \u3000 ", Parsed()),
        ("碳", Parsed(terms=("碳",), half_typed=True)),
        ("湖北  数据要素", Parsed(terms=("湖北", "数据要素"), half_typed=True)),
        ('"数据 要素" 湖北', Parsed(terms=("湖北",), phrases=("数据 要素",), half_typed=True)),
        ('湖北 "数据要素"', Parsed(terms=("湖北",), phrases=("数据要素",))),
        ("“数据要素”", Parsed(phrases=("数据要素",))),
        ("软银 -机器人", Parsed(terms=("软银",), excluded=("机器人",))),
        ('软银 -"东京 电力"', Parsed(terms=("软银",), excluded=("东京 电力",))),
        ("软银 －机器人", Parsed(terms=("软银",), excluded=("机器人",))),
        ("-机器人", Parsed(excluded=("机器人",))),
        ("GPT-5.2", Parsed(terms=("GPT-5.2",), half_typed=True)),
        ("软银 - 机器人", Parsed(terms=("软银", "机器人"), half_typed=True)),
        ("机器人 -软银 算力", Parsed(terms=("机器人", "算力"), excluded=("软银",), half_typed=True)),
        ('"数据要素', Parsed(phrases=("数据要素",))),
        ('-"数据要素', Parsed(excluded=("数据要素",))),
        ('算力"东数', Parsed(terms=("算力",), phrases=("东数",))),
    ],
)
def test_what_was_typed_has_one_reading(q: str, parsed: Parsed) -> None:
    assert parse(q) == parsed


@pytest.mark.parametrize("q", ['"', '""', "-", '-"', '-""', "--", "?!，。", '" " - "', "_"])
def test_operators_and_punctuation_alone_ask_for_nothing(q: str) -> None:
    assert parse(q) == Parsed()


def test_a_thousand_characters_are_read_as_any_others() -> None:
    assert parse("数" * 1_000).terms == ("数" * 1_000,)
    assert len(parse("数 " * 500).terms) == 500


@given(st.text(alphabet=st.sampled_from('ab数 "“”-－\n\u3000') | st.characters(), max_size=60))
def test_every_text_can_be_read_and_nothing_with_letters_is_lost(q: str) -> None:
    parsed = parse(q)
    read = "".join("".join(part) for part in (*parsed.terms, *parsed.phrases, *parsed.excluded))

    assert sorted(c for c in q if c.isalnum()) == sorted(c for c in read if c.isalnum())
