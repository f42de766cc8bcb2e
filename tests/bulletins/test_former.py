import re
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from app.bulletins import former
from app.bulletins.document import Paragraph, SectionTag
from app.kit.settings import Settings
from tests.bulletins.conftest import on_the_shelf, refused
from tests.bulletins.test_version_routes import FILTERS, FIRST, SECOND, moment, times
from tests.conftest import Publish, Withdraw

SECTIONS = [filters for filters in FILTERS if not {"include", "fields", "摘要"} & {*re.split(r"\W", filters)}]


@pytest.mark.parametrize("filters", [*SECTIONS, "fields=number,heading"])
def test_the_sections_of_now_are_the_sections_under_every_filter(
    reading: httpx2.Client, walk: Any, filters: str
) -> None:
    now = moment(datetime.now(UTC))
    for limit in (7, 200):
        listed = walk(reading, f"/v1/sections?limit={limit}&{filters}")
        assert walk(reading, f"/v1/sections?limit={limit}&{filters}&as_of={now}") == listed
    assert listed


def test_the_sections_of_a_moment_are_what_was_listed_then(
    publish: Publish, withdraw: Withdraw, api: httpx2.Client, settings: Settings
) -> None:
    first = FIRST.sections[0]
    changed = first.model_copy(
        update={"body": (Paragraph(text="更正后的话"),), "tags": (SectionTag(slug="quantum"),)}
    )
    corrected = SECOND.model_copy(update={"sections": (changed, *SECOND.sections[1:])})
    seen = [api.get("/v1/sections").json()]
    for document in (FIRST, on_the_shelf(4), corrected):
        publish(document)
        seen.append(api.get("/v1/sections").json())
    moments = times(settings)
    for at, page in zip([moments[0] - timedelta(seconds=1), *moments], seen, strict=True):
        assert api.get(f"/v1/sections?as_of={moment(at)}").json() == page

    def found(question: str, at: datetime) -> list[int]:
        items = api.get(f"/v1/sections?{question}&as_of={moment(at)}").json()["items"]
        return [item["number"] for item in items]

    for question in ("tag=quantum", "q=更正后的话"):
        assert (found(question, moments[0]), found(question, moments[-1])) == ([], [1])
    withdraw(FIRST.slug)
    assert found("tag=quantum", moments[-1]) == []


def test_a_page_of_former_sections_ends_after_so_many_bulletins_and_misses_none(
    reading: httpx2.Client, walk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(former, "LOOKED_AT", 4)
    monkeypatch.setattr(former, "_AT_ONCE", 2)
    now = moment(datetime.now(UTC))

    def all_pages(address: str) -> list[Any]:
        page = reading.get(address).json()
        items = list(page["items"])
        while page["next"]:
            page = reading.get(f"{address}&cursor={page['next']}").json()
            items += page["items"]
        return items

    for filters in ("limit=200", "limit=1", "limit=3&order=date", "tag=hubei&limit=5"):
        assert all_pages(f"/v1/sections?{filters}&as_of={now}") == walk(reading, f"/v1/sections?{filters}")
    assert len(reading.get(f"/v1/sections?limit=200&as_of={now}").json()["items"]) == 8


@pytest.mark.parametrize("question", ["as_of=x", "as_of=2999-01-01T00:00:00Z", "as_of=2026-03-11"])
def test_sections_of_no_moment_or_of_the_future_are_refused(reading: httpx2.Client, question: str) -> None:
    refused(reading.get(f"/v1/sections?{question}"), "as_of")
