"""How well the engines find: the judged queries, and a public set of questions with their passages."""

import asyncio
import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from statistics import mean

import pytest

from app.bulletins.document import SERIES, BulletinDocument, Paragraph, Section, default_title
from app.bulletins.taxonomy import curated
from app.kit.db import connect
from app.kit.settings import Settings
from app.search import documents
from app.search.contract import Answer, Search
from app.search.postgres import PostgresEngine
from app.search.vocabulary import understand
from tests.conftest import Cluster, publish_into
from tests.relevance_table import PROPERTY, Measured
from tests.search import judged
from tests.search.conftest import Filled, filled
from tests.search.judged import Judged, Place

PUBLISHED = datetime(2026, 7, 7, tzinfo=UTC)
LIMIT = 200
LEAST_PRECISION = {"postgres": 0.95, "meilisearch": 0.85}

RecordProperty = Callable[[str, object], None]


@pytest.fixture(scope="module")
def judged_in_postgres(cluster: Cluster, template: str) -> Iterator[Settings]:
    with cluster.database(template) as settings:
        publish_into(settings, judged.archive())
        yield settings


@pytest.fixture(scope="module")
def judged_in_meilisearch() -> Iterator[Filled]:
    kinds = {tag.slug: tag.kind.value for tag in curated().tags}
    sections = [each for b in judged.archive() for each in documents.of(b, 1, PUBLISHED, kinds)]
    with filled("judged", sections, curated()) as index:
        yield index


@pytest.mark.parametrize("engine", ["postgres", "meilisearch"])
def test_judged_queries_of_every_kind_find_what_answers_them(
    engine: str,
    judged_in_postgres: Settings,
    request: pytest.FixtureRequest,
    record_property: RecordProperty,
) -> None:
    asked = asyncio.run(_understood(judged_in_postgres, [each.q for each in judged.queries()]))
    if engine == "postgres":
        answers = asyncio.run(_answers(judged_in_postgres, asked))
    else:
        index: Filled = request.getfixturevalue("judged_in_meilisearch")
        with index.asking("judged/queries") as ask:
            answers = [ask(search) for search in asked]

    measured = _measured(engine, judged.queries(), answers)

    record_property(PROPERTY, measured)
    for _, kind, _, precision, recall, rank in measured:
        if kind != "all":
            # A sentence's hits are ranked; those that are not judged are few.
            assert precision >= (0.6 if kind == "sentence" else LEAST_PRECISION[engine]), kind
        assert recall >= 0.95, kind
        assert rank >= 0.9, kind


def test_at_least_eighty_queries_are_judged_some_of_every_kind() -> None:
    kinds = {each.kind for each in judged.queries()}

    assert len(judged.queries()) >= 80
    assert len(kinds) == 13
    assert all(each.relevant for each in judged.queries())


def test_questions_find_the_passages_that_answer_them(
    cluster: Cluster, template: str, samples: Path, record_property: RecordProperty
) -> None:
    passages = _passages(samples / "search" / "cmrc2018_trial.json")
    bulletins, places = _as_bulletins([text for text, _ in passages])
    questions = [(q, place) for (_, asked), place in zip(passages, places, strict=True) for q in asked]

    with cluster.database(template) as settings:
        publish_into(settings, bulletins)
        asked = asyncio.run(_understood(settings, [question for question, _ in questions]))
        answers = asyncio.run(_answers(settings, asked))

    ranks = [_rank(answer, {place}) for answer, (_, place) in zip(answers, questions, strict=True)]
    first, tenth = mean(rank == 1 for rank in ranks), mean(0 < rank <= 10 for rank in ranks)
    row = ("CMRC 2018 trial, postgres", "R@1, R@10", len(ranks), first, tenth, mean(map(_inverse, ranks)))
    record_property(PROPERTY, [row])
    assert first >= 0.96
    assert tenth >= 0.99


async def _understood(settings: Settings, queries: Sequence[str]) -> list[Search]:
    async with connect(settings) as database, database.snapshot() as session:
        return [Search(await understand(session, q), limit=LIMIT) for q in queries]


async def _answers(settings: Settings, searches: Sequence[Search]) -> list[Answer]:
    async with connect(settings) as database:
        engine = PostgresEngine(database)
        return [await engine.search(search) for search in searches]


def _measured(engine: str, queries: Sequence[Judged], answers: Sequence[Answer]) -> list[Measured]:
    """One row for each kind of query, and one for all."""
    found: defaultdict[str, list[tuple[float, float, float]]] = defaultdict(list)
    for query, answer in zip(queries, answers, strict=True):
        hits = [(hit.slug, hit.number) for hit in answer.hits]
        good = sum(hit in query.relevant for hit in hits)
        values = (
            good / (len(hits) or 1),
            good / len(query.relevant),
            _inverse(_rank(answer, query.relevant)),
        )
        found[query.kind].append(values)
        found["all"].append(values)
    return [
        (engine, kind, len(values), *(mean(column) for column in zip(*values, strict=True)))
        for kind, values in sorted(found.items(), key=lambda item: item[0] == "all")
    ]


def _rank(answer: Answer, relevant: set[Place] | frozenset[Place]) -> int:
    """The place of the first relevant hit, from 1; 0 if there is none."""
    places = (place for place, hit in enumerate(answer.hits, 1) if (hit.slug, hit.number) in relevant)
    return next(places, 0)


def _inverse(rank: int) -> float:
    return 1 / rank if rank else 0.0


def _passages(file: Path) -> list[tuple[str, list[str]]]:
    """Each passage with the questions it answers; the two that ask nothing are left out."""
    data = json.loads(file.read_text("utf-8"))["data"]
    return [
        (" ".join(p["context"].split()), [qa["question"] for qa in p["qas"] if qa["question"]])
        for article in data
        for p in article["paragraphs"]
    ]


def _as_bulletins(texts: Sequence[str]) -> tuple[list[BulletinDocument], list[Place]]:
    """The texts as sections, fifty to a bulletin, and where each of them is."""
    bulletins, places = [], []
    for start in range(0, len(texts), 50):
        day = date(2026, 1, 1) + timedelta(days=start)
        some = list(enumerate(texts[start : start + 50], 1))
        sections = tuple(Section(number=n, heading=str(n), body=(Paragraph(text=text),)) for n, text in some)
        bulletins.append(BulletinDocument(title=default_title(SERIES, day), date=day, sections=sections))
        places += [(day.isoformat(), number) for number, _ in some]
    return bulletins, places
