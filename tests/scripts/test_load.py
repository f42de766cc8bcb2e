import asyncio
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest
from sqlalchemy import select

from app.bulletins import finished
from app.bulletins.models import Finished
from app.kit.db import connect
from app.kit.settings import Settings
from scripts import load
from scripts.archive import UNTIL, generate
from tests.conftest import Server

ROOT = Path(__file__).parents[2]


@pytest.fixture
def archive(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twelve bulletins in batches of five, and each once more, twelve days before itself."""
    monkeypatch.setattr(load, "BATCH", 5)
    monkeypatch.setattr(load, "PUBLISHED", 12)
    asyncio.run(load.load(settings, 24, quiet=True))


@pytest.mark.usefixtures("archive")
def test_archive_has_one_public_bulletin_a_day(api: httpx2.Client) -> None:
    items = api.get("/v1/bulletins?limit=200").json()["items"]
    assert [item["slug"] for item in items] == [str(UNTIL - timedelta(days=n)) for n in range(24)]
    generated = [document.abstract for document in generate(12, seed=1)]
    assert [item["abstract"] for item in items] == 2 * generated


@pytest.mark.usefixtures("archive")
def test_counts_are_those_of_the_lists(api: httpx2.Client) -> None:
    for tag in api.get("/v1/tags?limit=200").json()["items"]:
        for kind in ("bulletin", "section"):
            found = api.get(f"/v1/{kind}s?tag={tag['slug']}&limit=200").json()["items"]
            assert tag[f"{kind}_count"] == len(found), tag["slug"]


@pytest.mark.usefixtures("archive")
def test_every_bulletin_is_found_by_its_heading(api: httpx2.Client) -> None:
    for slug in (UNTIL, UNTIL - timedelta(days=11), UNTIL - timedelta(days=23)):
        heading = api.get(f"/v1/bulletins/{slug}/sections/1").json()["heading"]
        hits = api.get("/v1/search", params={"q": f'"{heading}"'}).json()["items"]
        assert (str(slug), 1) in {(hit["bulletin"]["slug"], hit["section"]["number"]) for hit in hits}


@pytest.mark.usefixtures("archive")
def test_copies_are_served_as_what_is_published_is(settings: Settings, server: Server) -> None:
    async def test() -> None:
        async with connect(settings) as database, database.snapshot() as session:
            assert await finished.lacking(session) == []
            kept = {
                (row.slug, row.kind, row.number): row.body for row in await session.scalars(select(Finished))
            }
            slugs = {slug for slug, _, _ in kept}
            made = await finished.fresh(session, slugs)
            assert kept == {(row.slug, row.kind, row.number): row.body for row in made}

    asyncio.run(test())
    last = UNTIL - timedelta(days=11)
    for day in (last, last - timedelta(days=1)):
        now = server.client.get(f"/v1/bulletins/{day}").json()
        then = server.client.get(f"/v1/bulletins/{day}?version=1").json()
        for each in (now, then):
            assert (each["slug"], each["date"]) == (str(day), str(day))
            assert each["previous"] == str(day - timedelta(days=1))
        assert now["sections"] == then["sections"]


def test_archive_that_cannot_be_made_by_repeating_is_refused() -> None:
    count = str(load.PUBLISHED + 1)
    run = subprocess.run(
        [sys.executable, "-m", "scripts.load", count], check=False, capture_output=True, text=True, cwd=ROOT
    )
    assert run.returncode == 2
    assert "multiple" in run.stderr
