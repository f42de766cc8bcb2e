"""The engine on Meilisearch beyond the contract, and what of Meilisearch it relies on or avoids.

Live where MEILI_URL is set, else replayed (see ``recording.py``).
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

import httpx2
import pytest

from app.bulletins.taxonomy import Tag, TagKind, Taxonomy
from app.search import meilisearch
from app.search.contract import Facet, Query, Search
from tests.search.conftest import Ask, Filled, filled, recorded_name
from tests.search.recording import KEY, conversation
from tests.search.shelf import TAXONOMY, query, section

NAMES = Taxonomy(
    tags=(
        *TAXONOMY.tags,
        Tag(
            slug="factors",
            kind=TagKind.topic,
            name="生产要素",
            name_en="Factors of production",
            aliases=("data as a factor of production",),
        ),
    )
)

TEXTS = (
    # What is reported of phrases and negative words (meilisearch#5015).
    "招商证券",
    "招商证券股份有限公司",
    "招商基金管理有限公司",
    "招商基金-杭州运河网谷",
    # A word inside a compound (charabia#338), a lookalike, Traditional characters left as they are.
    "中国农业发展银行",
    "海关提高通关效率",
    "國家數據局",
    "国家数据局",
    # The ten terms.
    "a b c d e f g h i j 甲",
    "a b c d e f g h i j 乙",
    # Synonyms and typing errors.
    "生产要素的配置",
    "算力中心",
    "softbank invests",
)


def texts(slugs: Iterable[str]) -> list[str]:
    """The texts of these bulletins, sorted."""
    wanted = set(slugs)
    return sorted(text for place, text in enumerate(TEXTS) if section(place, text).slug in wanted)


Raw = Callable[..., list[str]]
"""Asks the server itself, and gives the texts found."""


@pytest.fixture(scope="session")
def facts_index() -> Iterator[Filled]:
    texts = [replace(section(n, text), heading="x") for n, text in enumerate(TEXTS)]
    with filled("facts", texts, NAMES) as index:
        yield index


@pytest.fixture
def raw(facts_index: Filled, request: pytest.FixtureRequest) -> Iterator[Raw]:
    with conversation(f"facts/{recorded_name(request)}") as url:

        def ask(q: str, **more: Any) -> list[str]:
            body = {"q": q, "locales": ["cmn"], "matchingStrategy": "all", **more}
            headers = {"Authorization": f"Bearer {KEY}"}
            answer = httpx2.post(f"{url}/indexes/{facts_index.uid}/search", json=body, headers=headers)
            return texts(hit["slug"] for hit in answer.raise_for_status().json()["hits"])

        yield ask


def test_fact_phrases_and_negative_words_work_in_chinese(raw: Raw) -> None:
    assert raw("招商 公司") == ["招商基金管理有限公司", "招商证券股份有限公司"]
    assert raw('"招商基金"') == ["招商基金-杭州运河网谷", "招商基金管理有限公司"]
    assert raw('"招商基金" "公司"') == ["招商基金管理有限公司"]
    assert raw("招商 -公司") == ["招商基金-杭州运河网谷", "招商证券"]


def test_fact_of_an_unquoted_compound_only_the_first_word_is_excluded(raw: Raw) -> None:
    assert raw("招商 -有限公司") == [], "有限 is excluded, and 公司 asked for"
    assert raw('招商 -"有限公司"') == ["招商基金-杭州运河网谷", "招商证券"]


def test_fact_a_word_inside_a_compound_is_found_and_a_lookalike_is_not(raw: Raw) -> None:
    assert raw("农业") == ["中国农业发展银行"]
    assert raw("高通") == []


def test_fact_traditional_and_simplified_characters_do_not_meet(raw: Raw) -> None:
    # The documents are folded: both texts are in Simplified characters there.
    assert raw('"国家数据局"') == ["国家数据局", "國家數據局"]
    assert raw('"國家數據局"') == []


def test_fact_ten_terms_are_read_and_nothing_behind_them(raw: Raw) -> None:
    ten = "a b c d e f g h i j"
    assert len(raw(f"{ten} 甲")) == 2
    assert len(raw(f'{ten} -"甲"')) == 2, "not even what is excluded"
    assert raw(f'-"甲" {ten}') == ["a b c d e f g h i j 乙"]


def test_fact_relaxed_strategies_insist_on_one_word(raw: Raw) -> None:
    assert raw("农业 没有的词", matchingStrategy="last") == ["中国农业发展银行"]
    assert raw("没有的词 农业", matchingStrategy="last") == []
    assert raw("农业 没有的词", matchingStrategy="frequency") == []


def test_fact_synonyms_of_names_longer_than_three_words_are_never_found(raw: Raw) -> None:
    assert raw("computing power") == ["算力中心"]
    assert raw("factors of production") == ["生产要素的配置"]
    assert raw("data as a factor of production") == []
    assert raw('"computing power"') == [], "phrases have no synonyms"


def test_fact_typing_errors_are_not_corrected_here(raw: Raw) -> None:
    assert raw("softbank") == ["softbank invests"]
    assert raw("sofbank") == []
    assert raw("softb") == ["softbank invests"], "the last word may be half typed"


@pytest.fixture
def facts(facts_index: Filled, request: pytest.FixtureRequest) -> Iterator[Ask]:
    with facts_index.asking(f"facts/{recorded_name(request)}") as ask:
        yield ask


def found(ask: Ask, asked: Query) -> list[str]:
    return texts(hit.slug for hit in ask(Search(asked)).hits)


def test_names_that_meilisearch_knows_no_synonyms_of_are_spelt_out(facts: Ask) -> None:
    assert found(facts, query(("data as a factor of production", "生产要素"))) == ["生产要素的配置"]


def test_too_many_spellings_leave_synonyms_to_the_settings(facts: Ask) -> None:
    many = tuple(f"词{n}" for n in range(40))
    assert found(facts, query(("computing power", *many), "中心")) == ["算力中心"]


def test_the_ten_rarest_terms_are_chosen(facts: Ask) -> None:
    words = (*"abcdefghij", "乙")
    assert len(found(facts, query(*words))) == 2
    assert found(facts, query(*words, rare=("乙",))) == ["a b c d e f g h i j 乙"]


def test_frequent_words_are_looked_up_for_the_candidates_of_rare_ones(
    facts: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(meilisearch, "_CANDIDATES", 1)
    words = ("没有的词", "股份", "招商")
    answer = facts(Search(query(*words, rare=words), facets=frozenset({Facet.month})))
    assert (answer.relaxed, answer.exact, answer.total) == (True, False, 1)
    assert texts([answer.hits[0].slug]) == ["招商证券股份有限公司"]
    assert answer.hits[0].score == pytest.approx(1), "it has both words that there are"
    assert answer.facets == {Facet.month: {"2020-01": 1}}


def test_facets_of_many_bulletins_are_estimates(facts: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meilisearch, "_TO_COUNT", 2)
    search = Search(query("招商"), by_bulletin=True)
    assert (facts(search).total, facts(search).exact) == (4, True)
    counted = facts(replace(search, facets=frozenset({Facet.month})))
    assert (counted.total, counted.exact) == (4, False)
