"""The engine on Meilisearch with odd characters, many sections and late ones; live or replayed."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from app.search.contract import Filters, Query, Search, Sort
from tests.search.conftest import Ask, Filled, filled, recorded_name
from tests.search.shelf import PUBLISHED, TAXONOMY, query, section, slug

HOSTILE = (
    '新华"社',
    "a\\",
    '\\" OR slug EXISTS OR sources = "',
    "' OR 1=1",
    "two\nlines",
    "IN [x]",
    "{\\u0041}",
)


LATE = PUBLISHED + timedelta(microseconds=1)


@pytest.fixture(scope="session")
def odd_index() -> Iterator[Filled]:
    """Sources of every character, 1,200 further sections, and one published later than the others."""
    texts = [section(n, "来源", source) for n, source in enumerate(HOSTILE)]
    texts += [section(n, "许多") for n in range(100, 1_300)]
    texts += [section(2_000, "后来", published=LATE)]
    with filled("odd", texts, TAXONOMY) as index:
        yield index


@pytest.fixture
def odd(odd_index: Filled, request: pytest.FixtureRequest) -> Iterator[Ask]:
    with odd_index.asking(f"odd/{recorded_name(request)}") as ask:
        yield ask


@pytest.mark.parametrize("number", range(len(HOSTILE)))
def test_a_source_of_any_characters_is_found_and_only_that(odd: Ask, number: int) -> None:
    everything = Query("", ())
    answer = odd(Search(everything, Filters(source=(HOSTILE[number],))))
    assert [hit.slug for hit in answer.hits] == [slug(number)]
    both = odd(Search(everything, Filters(source=(HOSTILE[number], "新华社"))))
    assert both.total == 0


def test_pages_go_deeper_than_a_thousand(odd: Ask) -> None:
    answer = odd(Search(query("许多"), sort=Sort.date, limit=20, offset=1_190))
    assert (answer.total, len(answer.hits)) == (1_200, 10)
    assert answer.hits[-1].slug == slug(100)


def test_what_was_published_later_is_left_out(odd: Ask) -> None:
    assert odd(Search(query("后来"), Filters(published_until=LATE))).total == 1
    assert odd(Search(query("后来"), Filters(published_until=PUBLISHED))).total == 0
