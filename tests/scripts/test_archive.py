import os
import subprocess
import sys
from collections import Counter, defaultdict
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from app.bulletins.document import BulletinDocument, ReferenceItem, block_text, content_hash
from app.bulletins.taxonomy import curated
from app.ingest.tagging import suggest_tags
from scripts.archive import generate

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def archive() -> list[BulletinDocument]:
    return list(generate(150, seed=7))


def test_the_same_seed_gives_the_same_archive_in_another_process(archive: list[BulletinDocument]) -> None:
    code = (
        "from scripts.archive import generate\n"
        "from app.bulletins.document import content_hash\n"
        "print(*map(content_hash, generate(10, seed=7)))"
    )
    environment = os.environ | {"PYTHONHASHSEED": "4711", "PYTHONPATH": str(ROOT)}
    run = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, env=environment, cwd=ROOT
    )
    assert run.stdout.split() == [content_hash(document) for document in archive[:10]]


def test_another_seed_gives_another_archive(archive: list[BulletinDocument]) -> None:
    other = next(generate(1, seed=8))
    assert content_hash(other) != content_hash(archive[0])


def test_longer_archive_begins_with_the_shorter_one(archive: list[BulletinDocument]) -> None:
    assert [*map(content_hash, generate(5, seed=7))] == [*map(content_hash, archive[:5])]


def test_there_is_one_bulletin_a_day_going_backwards(archive: list[BulletinDocument]) -> None:
    days = [document.date for document in archive if document.date]
    assert days[0] == date(2026, 6, 24)
    assert len(days) == 150
    assert all(later - earlier == timedelta(days=1) for later, earlier in pairwise(days))


def test_the_last_day_can_be_chosen() -> None:
    days = [document.date for document in generate(2, seed=1, until=date(2024, 3, 1))]
    assert days == [date(2024, 3, 1), date(2024, 2, 29)]


def test_documents_survive_their_own_validation(archive: list[BulletinDocument]) -> None:
    for document in archive:
        same = BulletinDocument.model_validate_json(document.model_dump_json()) == document
        assert same, document.slug


def test_bulletins_have_the_size_of_real_ones(archive: list[BulletinDocument]) -> None:
    for document in archive:
        assert 4 <= len(document.sections) <= 8
        assert document.abstract
        assert document.contacts
        pages = [section.page or 0 for section in document.sections]
        assert pages == sorted(pages)
        for section in document.sections:
            assert 2 <= len(section.body) <= 3
            assert all(100 <= len(block_text(block)) <= 250 for block in section.body)
    assert {len(document.sections) for document in archive} == {4, 5, 6, 7, 8}


def test_every_template_was_filled(archive: list[BulletinDocument]) -> None:
    for document in archive:
        texts = [document.abstract]
        for section in document.sections:
            texts += [section.heading, *map(block_text, section.body)]
        for citation in document.citations:
            texts += [citation.purpose, citation.reference.source, citation.reference.title]
        assert not any(brace in text for text in texts for brace in "{}")


def test_no_two_sections_are_alike(archive: list[BulletinDocument]) -> None:
    bodies = Counter(section.body for document in archive for section in document.sections)
    assert max(bodies.values()) == 1
    headings = Counter(section.heading for document in archive for section in document.sections)
    assert len(headings) > 0.95 * headings.total()


def test_every_tag_has_the_evidence_that_the_tagger_finds(archive: list[BulletinDocument]) -> None:
    for document in archive[:20]:
        assert all(tag.evidence for section in document.sections for tag in section.tags)
        assert all(section.tags for section in document.sections)
        same = suggest_tags(document, curated()) == document
        assert same, document.slug


def test_some_tags_are_frequent_and_many_are_rare(archive: list[BulletinDocument]) -> None:
    uses = Counter(slug for document in archive for slug in document.tag_slugs)
    ranked = [count for _, count in uses.most_common()]
    assert len(ranked) > 100
    tenth = len(ranked) // 10
    assert sum(ranked[:tenth]) > sum(ranked) / 3
    assert ranked[0] > 20 * ranked[-1]


def test_about_a_fifth_of_the_references_are_cited_by_several_bulletins(
    archive: list[BulletinDocument],
) -> None:
    users: defaultdict[ReferenceItem, set[str]] = defaultdict(set)
    for document in archive:
        for citation in document.citations:
            users[citation.reference].add(document.slug)
    shared = sum(len(slugs) > 1 for slugs in users.values()) / len(users)
    assert 0.15 < shared < 0.25


def test_references_are_used_and_no_younger_than_the_bulletin(archive: list[BulletinDocument]) -> None:
    for document in archive:
        assert document.citations
        for citation in document.citations:
            assert citation.sections
            assert citation.purpose.startswith("用于")
            assert citation.reference.date
            assert document.date
            assert citation.reference.date <= document.date
    marks = Counter(citation.inferred for document in archive for citation in document.citations)
    assert set(marks) == {True, False}
