"""The public questions asked of a live Meilisearch; a thousand conversations are too long to record."""

import asyncio
from pathlib import Path
from statistics import mean

import pytest

from app.bulletins.taxonomy import curated
from app.kit.settings import Settings
from app.search import documents, meilisearch
from app.search.contract import Answer, Search
from tests.conftest import Cluster, publish_into
from tests.search.conftest import filled, meilisearch_settings
from tests.search.recording import LIVE, RECORDING
from tests.search.shelf import PUBLISHED
from tests.search.test_relevance import _as_bulletins, _passages, _rank, _understood


@pytest.mark.skipif(not LIVE or RECORDING, reason="MEILI_URL names no live Meilisearch")
def test_questions_find_the_passages_that_answer_them_in_meilisearch(
    cluster: Cluster, template: str, samples: Path
) -> None:
    passages = _passages(samples / "search" / "cmrc2018_trial.json")
    bulletins, places = _as_bulletins([text for text, _ in passages])
    questions = [(q, place) for (_, asked), place in zip(passages, places, strict=True) for q in asked]
    with cluster.database(template) as settings:
        publish_into(settings, bulletins)
        asked = asyncio.run(_understood(settings, [question for question, _ in questions]))
    kinds = {tag.slug: tag.kind for tag in curated().tags}
    sections = [each for one in bulletins for each in documents.of(one, 1, PUBLISHED, kinds)]
    with filled("questions", sections) as index:
        answers = asyncio.run(_answers(meilisearch_settings(str(LIVE)), index.uid, asked))

    ranks = [_rank(answer, {place}) for answer, (_, place) in zip(answers, questions, strict=True)]
    assert mean(rank == 1 for rank in ranks) >= 0.95
    assert mean(0 < rank <= 10 for rank in ranks) >= 0.97


async def _answers(settings: Settings, uid: str, searches: list[Search]) -> list[Answer]:
    async with meilisearch.connect(settings, uid, within=20) as engine:
        return [await engine.search(search) for search in searches]
