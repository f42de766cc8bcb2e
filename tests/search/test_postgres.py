import asyncio
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest

from app.bulletins.document import BulletinDocument, Paragraph
from app.kit.db import connect
from app.kit.settings import Settings
from app.search import postgres_pages, postgres_recent
from app.search.contract import Answer, Facet, Filters, Phrase, Query, Search, Sort, Term
from app.search.postgres import PostgresEngine
from app.search.vocabulary import understand
from tests.conftest import Cluster, Publish, publish_into
from tests.search.shelf import Part, bulletin

DAYS = 30


def many() -> list[BulletinDocument]:
    """A month of bulletins with two sections each that say 算力, the longer ago the more often."""
    days = [date(2026, 4, 30) - timedelta(days=age) for age in range(DAYS)]
    return [
        bulletin(
            day.isoformat(),
            ("甲", "算力。" * (1 + age), ["compute"]),
            ("乙", "算力与电力", []),
            ("丙", "海辰储能交付", []),
        )
        for age, day in enumerate(days)
    ]


@pytest.fixture(scope="module")
def month(cluster: Cluster, template: str) -> Iterator[Settings]:
    with cluster.database(template) as settings:
        publish_into(settings, many())
        yield settings


def asked(settings: Settings, q: str, **rest: object) -> Answer:
    async def run() -> Answer:
        async with connect(settings) as database:
            async with database.snapshot() as session:
                query = await understand(session, q)
            return await PostgresEngine(database).search(Search(query, **rest))  # type: ignore[arg-type]

    return asyncio.run(run())


def places(answer: Answer) -> list[tuple[str, int]]:
    return [(hit.slug, hit.number) for hit in answer.hits]


def pages(settings: Settings, q: str, size: int, **rest: object) -> list[tuple[str, int]]:
    """All hits, read in pages."""
    found: list[tuple[str, int]] = []
    while page := places(asked(settings, q, limit=size, offset=len(found), **rest)):
        found += page
    return found


@pytest.mark.parametrize("grouped", [False, True])
@pytest.mark.parametrize("sort", list(Sort))
def test_pages_give_every_hit_once_also_beyond_the_ranked_ones(
    month: Settings, monkeypatch: pytest.MonkeyPatch, sort: Sort, grouped: bool
) -> None:
    monkeypatch.setattr(postgres_pages, "RANKED", 15)

    found = pages(month, "算力", 7, sort=sort, by_bulletin=grouped)

    assert len(found) == len(set(found)) == (DAYS if grouped else 2 * DAYS)
    assert len({slug for slug, _ in found}) == DAYS


def test_the_newest_are_ranked_and_older_ones_follow_by_date(
    month: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_pages, "RANKED", 10)

    found = pages(month, "算力", 50)

    newest = {(f"2026-04-{day}", number) for day in range(26, 31) for number in (1, 2)}
    assert set(found[:10]) == newest
    assert found[0][1] == 1
    assert [slug for slug, _ in found[10:]] == sorted((slug for slug, _ in found[10:]), reverse=True)


def test_more_hits_than_are_counted_make_an_estimate(
    month: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    exact = asked(month, "算力", facets=frozenset(Facet))
    monkeypatch.setattr(postgres_pages, "COUNTED", 20)
    estimate = asked(month, "算力", facets=frozenset(Facet))

    assert (exact.total, exact.exact) == (2 * DAYS, True)
    assert exact.facets[Facet.tag] == {"compute": DAYS}
    assert exact.facets[Facet.month] == {"2026-04": 2 * DAYS}
    assert (estimate.total, estimate.exact) == (20, False)


@pytest.mark.parametrize("facets", [frozenset[Facet](), frozenset(Facet)])
@pytest.mark.parametrize("q", ["算力", "compute"])
def test_of_a_common_word_only_the_newest_days_are_looked_at(
    month: Settings, monkeypatch: pytest.MonkeyPatch, q: str, facets: frozenset[Facet]
) -> None:
    monkeypatch.setattr(postgres_pages, "COUNTED", 8)
    whole = asked(month, q, facets=facets, limit=6)
    monkeypatch.setattr(postgres_recent, "COUNTED", 8)
    looked = looked_since(monkeypatch)

    assert asked(month, q, facets=facets, limit=6) == whole
    assert list(map(str, looked)) == ["search_section.date >= :date_1"]


def test_a_common_word_until_the_first_day_of_the_calendar_is_nowhere(
    month: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_recent, "COUNTED", 8)
    assert asked(month, "算力", filters=Filters(last=date.min), limit=6).total == 0


@pytest.mark.parametrize("sort", list(Sort))
@pytest.mark.parametrize("grouped", [False, True])
def test_pages_beyond_the_newest_days_lose_and_double_nothing(
    month: Settings, monkeypatch: pytest.MonkeyPatch, sort: Sort, grouped: bool
) -> None:
    monkeypatch.setattr(postgres_pages, "RANKED", 5)
    monkeypatch.setattr(postgres_pages, "COUNTED", 8)
    monkeypatch.setattr(postgres_recent, "COUNTED", 8)
    looked = looked_since(monkeypatch)

    found = pages(month, "算力", 7, sort=sort, by_bulletin=grouped)

    assert len(found) == len(set(found)) == (DAYS if grouped else 2 * DAYS)
    assert "search_section.date >= :date_1" in map(str, looked)


def test_days_that_say_a_common_word_less_often_than_others_are_looked_through_too(
    month: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_pages, "COUNTED", 8)
    monkeypatch.setattr(postgres_recent, "COUNTED", 8)
    looked = looked_since(monkeypatch)
    until = Filters(tag_not=("compute",), last=date(2026, 4, 20))

    answer = asked(month, "算力", filters=until, limit=6)

    assert answer.total == 8
    assert [hit.slug for hit in answer.hits[:2]] == ["2026-04-20", "2026-04-19"]
    assert len(looked) == 2, "half of the sections are tagged: the guess was too near"


def looked_since(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Of each look at the rows from now on, the last of its conditions."""
    looked: list[object] = []
    look = postgres_pages._look

    async def noting(*asked: Any) -> postgres_pages.Page:
        looked.append(asked[2][-1])
        return await look(*asked)

    monkeypatch.setattr(postgres_pages, "_look", noting)
    return looked


def test_scores_fall_from_hit_to_hit_and_are_within_one(month: Settings) -> None:
    scores = [hit.score for hit in asked(month, "算力", limit=60).hits]

    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)


@pytest.mark.parametrize("q", ["海辰储", "海辰储能", '"海辰储能交"'])
def test_words_in_no_dictionary_are_found_from_their_beginning(month: Settings, q: str) -> None:
    answer = asked(month, q)

    assert (answer.total, answer.relaxed) == (DAYS, False)


def test_nothing_is_found_from_the_middle_of_a_word(month: Settings) -> None:
    assert asked(month, "能交").total == 0


def test_a_query_without_words_finds_nothing_and_an_empty_one_everything(month: Settings) -> None:
    assert asked(month, "？！").total == 0
    assert asked(month, '""').total == 0
    everything = asked(month, "", limit=3)
    assert everything.total == 3 * DAYS
    assert places(everything) == [("2026-04-30", number) for number in (1, 2, 3)]


def test_what_is_only_excluded_leaves_all_the_rest(month: Settings) -> None:
    assert asked(month, "-算力").total == DAYS


@pytest.mark.parametrize(
    "q",
    [
        "数" * 1_000,
        "算力 " * 300,
        "'",
        "\\",
        "' | 'x",
        "!算力",
        "算力:*",
        "%",
        "a<->b",
        "'); DROP TABLE tag; --",
        "\u0301",
    ],
)
def test_no_query_is_an_error(month: Settings, q: str) -> None:
    assert asked(month, q).total >= 0


def test_signs_of_the_query_language_are_taken_for_text(month: Settings) -> None:
    term = Term((Phrase("算力' | '电力", ("算力' | '电力",)),))
    query = Query(typed="算力' | '电力", terms=(term,), rare=("x' | '电力",))

    async def run() -> Answer:
        async with connect(month) as database:
            return await PostgresEngine(database).search(
                Search(query, filters=Filters(source=("x' OR 1=1",)))
            )

    assert asyncio.run(run()).total == 0


def test_a_long_section_is_found_by_words_at_both_of_its_ends(settings: Settings, publish: Publish) -> None:
    filling = "".join(chr(0x4E00 + number % 20_000) for number in range(45_000))
    publish(bulletin("2026-05-01", ("长文", f"开头说软银。{filling}。结尾说机器人。", [])))

    assert asked(settings, "软银 机器人").total == 1


def test_a_section_longer_than_a_tsvector_is_published_and_found_by_its_beginning(
    settings: Settings, publish: Publish
) -> None:
    fillings = [
        "".join(chr(0x4E00 + number * step % 20_000) for number in range(20_000)) for step in range(3, 23, 2)
    ]
    document = bulletin("2026-05-01", ("长文", "开头说软银。", []))
    (section,) = document.sections
    body = (*section.body, *(Paragraph(text=filling) for filling in fillings))
    publish(document.model_copy(update={"sections": (section.model_copy(update={"body": body}),)}))

    assert asked(settings, "软银").total == 1


def test_a_name_is_not_found_in_its_lookalike_even_if_nothing_else_is(
    settings: Settings, publish: Publish
) -> None:
    publish(bulletin("2026-05-01", ("高通量测序", "实验室启用高通量测序仪。", [])))

    assert asked(settings, "高通").total == 0
    assert asked(settings, "高通量").total == 1


def test_a_relaxed_answer_has_the_best_sections_only(settings: Settings, publish: Publish) -> None:
    best: Part = ("脱硫石膏变身墙板", "脱硫石膏制成装配式墙板，用于住房。", [])
    publish(
        bulletin("2026-05-01", best, ("住房保障", "各地筹集保障性住房。", []), ("通关", "通关提速。", []))
    )

    answer = asked(settings, "脱硫石膏怎样变成住房的墙板？", facets=frozenset({Facet.month}))

    assert answer.relaxed
    assert places(answer) == [("2026-05-01", 1)]
    assert answer.facets == {Facet.month: {"2026-05": 1}}


def test_a_relaxed_answer_is_paged_grouped_filtered_and_sorted_too(month: Settings) -> None:
    q = "谁交付了海辰储能的电芯"
    until = date(2026, 4, 10)

    assert len(set(pages(month, q, 7))) == DAYS
    assert pages(month, q, 7, by_bulletin=True, sort=Sort.date)[0] == ("2026-04-30", 3)
    assert asked(month, q, filters=Filters(last=until)).total == 10
    assert asked(month, f"{q} -交付").total == 0
