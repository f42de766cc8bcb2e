"""What every engine must do alike."""

from datetime import date

import pytest

from app.search.contract import Facet, Filters, Query, Search, Sort
from tests.search.conftest import Ask
from tests.search.shelf import query, sections

EVERYTHING = Query(typed="", terms=())

CHIPS = ("2026-05-04", 1)
CUSTOMS = ("2026-05-04", 2)
BANK = ("2026-05-05", 1)
REFORM = ("2026-05-05", 2)
MARKET = ("2026-05-06", 1)
MERCHANTS = ("2026-05-06", 2)
ABSTRACT = ("2026-06-01", 0)
MEETING = ("2026-06-01", 1)
SOFTBANK = ("2026-06-01", 2)
MODEL = ("2026-06-02", 1)
FORCES = ("2026-06-02", 2)
FLOW = ("2026-06-03", 1)


def found(ask: Ask, asked: Query, filters: Filters | None = None) -> set[tuple[str, int]]:
    """The places of everything that has every term; the total must say as many."""
    answer = ask(Search(asked, filters or Filters(), limit=50))
    assert answer.total == len(answer.hits)
    if answer.relaxed:
        return set()
    assert answer.exact
    return {(hit.slug, hit.number) for hit in answer.hits}


def test_every_term_must_be_found(ask: Ask) -> None:
    assert found(ask, query("软银")) == {SOFTBANK, ABSTRACT}
    assert found(ask, query("软银", "日本")) == {SOFTBANK}
    assert found(ask, query("软银", "火星")) == set()


def test_the_words_of_a_phrase_stand_side_by_side(ask: Ask) -> None:
    assert MARKET not in found(ask, query("数据要素"))
    assert found(ask, query("数据", "要素")) >= {REFORM, MARKET}


def test_a_word_inside_a_compound_is_found_and_a_lookalike_is_not(ask: Ask) -> None:
    assert found(ask, query("农业")) == {BANK}
    assert found(ask, query("高通")) == {CHIPS}
    assert found(ask, query("通关")) == {CUSTOMS}


def test_excluded_words_and_compounds_are_left_out(ask: Ask) -> None:
    assert found(ask, query("招商")) == {MERCHANTS, MEETING}
    assert found(ask, query("招商", without=["有限公司"])) == {MEETING}
    assert found(ask, query("招商", without=["有限公司", "会议"])) == set()


def test_any_of_a_terms_phrases_will_do(ask: Ask) -> None:
    assert found(ask, query(("没有这个词", "高通"))) == {CHIPS}
    assert found(ask, query(("高通", "农业发展银行"))) == {CHIPS, BANK}
    assert found(ask, query(("ruanyin", "软银"), ("riben", "日本"))) == {SOFTBANK}


def test_the_last_word_may_be_half_typed(ask: Ask) -> None:
    assert found(ask, query("新质生", prefix=True)) == {FORCES}
    assert found(ask, query("opena", prefix=True)) == {MODEL}
    assert found(ask, query("openai", "推理成", prefix=True)) == {MODEL}


def test_traditional_full_width_and_upper_case_texts_are_found_as_typed_now(ask: Ask) -> None:
    assert found(ask, query("数据要素", "流通")) == {FLOW}
    assert found(ask, query("數據要素", "試點")) == {FLOW}
    assert found(ask, query("ＯｐｅｎＡＩ")) == {MODEL}
    assert found(ask, query("GPT-5.2")) == {MODEL}
    assert found(ask, query("AI数据中心")) == {SOFTBANK}


def test_a_section_is_found_by_the_names_of_its_tags(ask: Ask) -> None:
    assert found(ask, query("Semiconductors")) == {CHIPS}
    assert found(ask, query("半导体")) == {CHIPS}


def test_filters_combine(ask: Ask) -> None:
    assert found(ask, EVERYTHING, Filters(tag=("compute", "softbank"))) == {SOFTBANK, ABSTRACT}
    assert found(ask, EVERYTHING, Filters(tag_any=("openai", "semiconductors"))) == {CHIPS, MODEL}
    assert found(ask, query("数据"), Filters(tag_not=("data-elements",))) == {SOFTBANK, MARKET}
    assert found(ask, EVERYTHING, Filters(source=("国家数据局", "新华社"))) == {MARKET, MERCHANTS}
    assert found(ask, EVERYTHING, Filters(first=date(2026, 5, 6), last=date(2026, 5, 6))) == {
        MARKET,
        MERCHANTS,
    }
    assert found(ask, query("招商"), Filters(first=date(2026, 6, 1))) == {MEETING}


HOSTILE = [
    '" OR slug EXISTS OR keys = "',
    "' OR 1=1 --",
    '\\" OR 1=1',
    "a\\",
    "\n\t",
    ") OR (day > 0",
    "%_:*&|!",
]


@pytest.mark.parametrize("number", range(len(HOSTILE)))
def test_what_is_typed_stays_text_in_every_engine(ask: Ask, number: int) -> None:
    hostile = HOSTILE[number]
    for filters in (Filters(tag=(hostile,)), Filters(tag_any=(hostile,)), Filters(source=(hostile,))):
        assert found(ask, EVERYTHING, filters) == set()
    assert len(found(ask, EVERYTHING, Filters(tag_not=(hostile,)))) == len(sections())
    for text in (f"{hostile}火星", f"火星{hostile}"):
        assert found(ask, query("高通", without=[text])) == {CHIPS}
        assert found(ask, query("高通", text)) == set()
        assert found(ask, query("高通", text, prefix=True)) == set()


def test_facets_count_the_sections_found_by_each_value(ask: Ask) -> None:
    search = Search(query("数据"), facets=frozenset(Facet), limit=1)
    answer = ask(search)
    assert answer.total == 4
    assert answer.facets == {
        Facet.tag: {"data-elements": 2, "softbank": 1, "compute": 1},
        Facet.kind: {"topic": 3, "organisation": 1},
        Facet.source: {"国家数据局": 3, "新华社": 1, "Reuters": 1},
        Facet.month: {"2026-05": 2, "2026-06": 2},
    }


def test_facets_agree_with_the_filters(ask: Ask) -> None:
    search = Search(query("数据"), Filters(source=("国家数据局",)), facets=frozenset({Facet.tag}))
    assert ask(search).facets == {Facet.tag: {"data-elements": 2}}


def test_grouped_by_bulletin_each_counts_once(ask: Ask) -> None:
    facets = frozenset({Facet.tag, Facet.source})
    search = Search(EVERYTHING, Filters(tag=("softbank",)), facets=facets, by_bulletin=True)
    answer = ask(search)
    assert (answer.total, answer.exact) == (1, True)
    assert [hit.slug for hit in answer.hits] == ["2026-06-01"]
    assert answer.facets == {Facet.tag: {"softbank": 1, "compute": 1}, Facet.source: {"Reuters": 1}}
    everything = ask(Search(EVERYTHING, by_bulletin=True, limit=50))
    assert everything.total == len(everything.hits) == len({hit.slug for hit in everything.hits}) == 6


@pytest.mark.parametrize("grouped", [False, True], ids=["sections", "bulletins"])
def test_sorted_by_date_the_newest_come_first(ask: Ask, grouped: bool) -> None:
    answer = ask(Search(query("招商"), sort=Sort.date, by_bulletin=grouped))
    assert [(hit.slug, hit.number) for hit in answer.hits] == [MEETING, MERCHANTS]
    everything = ask(Search(EVERYTHING, sort=Sort.date, limit=50, by_bulletin=grouped))
    days = [hit.slug for hit in everything.hits]
    assert days == sorted(days, reverse=True)


@pytest.mark.parametrize("sort", list(Sort))
def test_pages_hold_everything_once(ask: Ask, sort: Sort) -> None:
    pages = [ask(Search(EVERYTHING, sort=sort, limit=5, offset=offset)) for offset in (0, 5, 10, 15)]
    hits = [(hit.slug, hit.number) for page in pages for hit in page.hits]
    assert sorted(hits) == sorted((each.slug, each.number) for each in sections())
    assert {page.total for page in pages} == {len(hits)}


def test_a_match_in_the_heading_comes_before_one_in_the_body(ask: Ask) -> None:
    answer = ask(Search(query("招商")))
    assert len(answer.hits) == 2
    answer = ask(Search(query("软银")))
    assert [(hit.slug, hit.number) for hit in answer.hits] == [SOFTBANK, ABSTRACT]
    scores = [hit.score for hit in answer.hits]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)


def test_a_question_is_answered_by_its_rarest_words(ask: Ask) -> None:
    words = ("软银", "日本", "为什么", "数据中心", "火星")
    answer = ask(Search(query(*words, rare=words), facets=frozenset({Facet.month})))
    assert answer.relaxed
    assert (answer.hits[0].slug, answer.hits[0].number) == SOFTBANK
    assert answer.total == len(answer.hits)
    assert sum(answer.facets[Facet.month].values()) == answer.total
    grouped = ask(Search(query(*words, rare=words), by_bulletin=True))
    assert [hit.slug for hit in grouped.hits].count("2026-06-01") == 1


def test_a_relaxed_answer_keeps_filters_and_exclusions(ask: Ask) -> None:
    words = ("软银", "火星", "招商")
    asked = query(*words, rare=words, without=["会议"])
    answer = ask(Search(asked, Filters(first=date(2026, 6, 1))))
    assert {(hit.slug, hit.number) for hit in answer.hits} == {SOFTBANK, ABSTRACT}


def test_nothing_found_at_all_is_an_empty_answer(ask: Ask) -> None:
    answer = ask(Search(query("火星", rare=("火星",)), facets=frozenset({Facet.tag})))
    assert (answer.total, list(answer.hits)) == (0, [])
    assert not answer.facets.get(Facet.tag)


def test_a_query_of_operators_alone_finds_nothing_and_an_empty_one_everything(ask: Ask) -> None:
    assert found(ask, Query(typed='- "', terms=())) == set()
    assert len(found(ask, EVERYTHING)) == len(sections())


def test_more_than_ten_terms_are_answered(ask: Ask) -> None:
    words = ("软银", "计划", "在", "日本", "建设", "ai", "数据中心", "满足", "算力", "需求", "投资", "火星")
    answer = ask(Search(query(*words, rare=words)))
    assert (answer.hits[0].slug, answer.hits[0].number) == SOFTBANK
    assert answer.relaxed
