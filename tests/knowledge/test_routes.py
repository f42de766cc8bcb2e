"""Every number is counted a second time, from the lists."""

from collections import Counter
from datetime import date, timedelta
from math import sqrt
from typing import Any

import httpx2
import pytest

from app.knowledge.days import beginning
from tests.bulletins.conftest import problem, refused
from tests.conftest import Server
from tests.knowledge.conftest import UNKNOWN, Archive, Get, day, tags

TAG = "data-elements"
ALL = [
    "/v1/tags/trending",
    f"/v1/tags/{TAG}/timeline",
    f"/v1/tags/{TAG}/related",
    "/v1/sources/reuters",
    "/v1/stats",
]


def related(archive: Archive, slug: str, first: date, last: date) -> dict[str, tuple[int, float]]:
    inside = [section for section in archive.sections if first <= day(section) <= last]
    everywhere = Counter(tag for section in inside for tag in tags(section))
    together = Counter(tag for section in inside if slug in tags(section) for tag in tags(section))
    own = together.pop(slug, 0)
    return {
        tag: (count, round(count * len(inside) / (own * everywhere[tag]), 4))
        for tag, count in together.items()
    }


@pytest.mark.parametrize("path", ALL)
def test_answers_have_an_etag_that_saves_the_second_one(library: httpx2.Client, path: str) -> None:
    first = library.get(path)
    assert first.status_code == 200
    assert "last-modified" in first.headers
    again = library.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304


@pytest.mark.parametrize("path", [*ALL, f"/v1/references/{UNKNOWN}/related"])
def test_an_unknown_parameter_is_refused(library: httpx2.Client, path: str) -> None:
    refused(library.get(f"{path}?colour=red"), "colour")


@pytest.mark.parametrize(
    "path",
    [
        "/v1/tags/nothing/timeline",
        "/v1/tags/nothing/related",
        "/v1/tags/a%00b/related",
        "/v1/sources/nothing",
        "/v1/sources/%00",
        f"/v1/references/{UNKNOWN}/related",
    ],
)
def test_what_does_not_exist_is_a_404(library: httpx2.Client, path: str) -> None:
    problem(library.get(path), 404, "not-found")


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("tags/trending?window=0", "window"),
        ("tags/trending?window=91", "window"),
        ("tags/trending?baseline=1", "baseline"),
        ("tags/trending?baseline=1e2", "baseline"),
        ("tags/trending?kind=colour", "kind"),
        ("tags/trending?to=2026-6-1", "to"),
        (f"tags/{TAG}/timeline?interval=year", "interval"),
        (f"tags/{TAG}/timeline?from=2026-02-01&to=2026-01-01", "to"),
        (f"tags/{TAG}/timeline?limit=201", "limit"),
        (f"tags/{TAG}/related?from=2025-01-01&to=2026-06-01", "from"),
        (f"tags/{TAG}/related?order=sections", "order"),
        ("sources/reuters?from=2025-01-01&to=2026-06-01", "from"),
    ],
)
def test_what_cannot_be_answered_is_refused_by_name(
    library: httpx2.Client, query: str, parameter: str
) -> None:
    refused(library.get(f"/v1/{query}"), parameter)


@pytest.mark.parametrize("interval", ["day", "week", "month"])
@pytest.mark.parametrize("slug", [TAG, "robotics", "softbank"])
def test_a_timeline_counts_what_the_lists_hold(get: Get, archive: Archive, slug: str, interval: Any) -> None:
    found = get(f"/v1/tags/{slug}/timeline?interval={interval}&limit=200")
    uses = archive.tagged(slug)
    days = sorted(day(section) for section in uses)
    assert (found["first_seen"], found["last_seen"]) == (days[0].isoformat(), days[-1].isoformat())
    sections = Counter(beginning(each, interval).isoformat() for each in days)
    bulletins = Counter(beginning(each, interval).isoformat() for each in set(days))
    points = found["items"]
    counted = {point["start"]: (point["bulletins"], point["sections"]) for point in points}
    assert {start: counts for start, counts in counted.items() if counts != (0, 0)} == {
        start: (bulletins[start], sections[start]) for start in sections
    }
    starts = [point["start"] for point in points]
    assert starts == sorted(starts, reverse=True)
    assert (starts[0], starts[-1]) == (max(sections), min(sections))
    ends = [date.fromisoformat(point["end"]) + timedelta(days=1) for point in points]
    assert [each.isoformat() for each in ends[1:]] == starts[:-1]


def test_the_pages_of_a_timeline_together_are_the_whole(get: Get, library: httpx2.Client) -> None:
    address = f"/v1/tags/{TAG}/timeline?interval=day"
    whole = get(f"{address}&limit=200")["items"]
    assert len(whole) > 20
    pages: list[Any] = []
    following: str | None = f"{address}&limit=7"
    while following:
        answer = library.get(following)
        pages += answer.json()["items"]
        following = answer.links["next"]["url"] if "next" in answer.links else None
    assert pages == whole


def test_a_timeline_counts_only_the_days_between_its_ends(get: Get, archive: Archive) -> None:
    first, last = date(2026, 6, 3), date(2026, 6, 17)
    found = get(f"/v1/tags/{TAG}/timeline?interval=week&from={first}&to={last}")["items"]
    uses = [each for each in archive.tagged(TAG) if first <= day(each) <= last]
    assert sum(point["sections"] for point in found) == len(uses)
    assert (found[0]["start"], found[-1]["start"]) == ("2026-06-15", "2026-06-01")
    assert get(f"/v1/tags/{TAG}/timeline?from=2027-01-01")["items"] == []


def test_a_cursor_of_another_timeline_is_refused(library: httpx2.Client) -> None:
    cursor = library.get(f"/v1/tags/{TAG}/timeline?interval=day&limit=1").json()["next"]
    for other in (f"{TAG}/timeline?interval=week", "robotics/timeline?interval=day"):
        problem(library.get(f"/v1/tags/{other}&cursor={cursor}"), 422, "invalid-cursor")


@pytest.mark.parametrize("slug", [TAG, "compute", "hubei"])
def test_related_tags_and_their_lift_are_what_the_lists_hold(get: Get, archive: Archive, slug: str) -> None:
    found = get(f"/v1/tags/{slug}/related?limit=200")
    last = max(map(day, archive.tagged(slug)))
    first = last - timedelta(days=365)
    expected = related(archive, slug, first, last)
    assert (found["first_day"], found["last_day"]) == (first.isoformat(), last.isoformat())
    assert {item["tag"]["slug"]: (item["sections"], item["lift"]) for item in found["items"]} == expected
    assert found["sections"] == len(archive.tagged(slug))
    assert found["total"] == len(expected)
    counts = [item["sections"] for item in found["items"]]
    assert counts == sorted(counts, reverse=True)


def test_related_tags_are_those_of_the_window_the_most_typical_first(get: Get, archive: Archive) -> None:
    query = "from=2026-06-05&to=2026-06-15&order=-lift&limit=5"
    found = get(f"/v1/tags/{TAG}/related?{query}")
    expected = related(archive, TAG, date(2026, 6, 5), date(2026, 6, 15))
    lifts = [item["lift"] for item in found["items"]]
    assert lifts == sorted((each for _, each in expected.values()), reverse=True)[:5]
    assert found["total"] == len(expected) > 5


@pytest.mark.parametrize("last", ["2026-06-25", "2026-06-14", "2026-05-26"])
@pytest.mark.parametrize(("window", "baseline"), [(7, 14), (1, 90), (3, 7)])
def test_trending_tags_are_those_above_their_share_before(
    get: Get, archive: Archive, last: str, window: int, baseline: int
) -> None:
    found = get(f"/v1/tags/trending?to={last}&window={window}&baseline={baseline}&limit=200")
    end = date.fromisoformat(last)
    start = end - timedelta(days=window - 1)
    base = start - timedelta(days=baseline)
    assert [found[name] for name in ("first_day", "last_day", "baseline_first_day")] == [
        start.isoformat(),
        last,
        base.isoformat(),
    ]
    now = [section for section in archive.sections if start <= day(section) <= end]
    before = [section for section in archive.sections if base <= day(section) < start]
    counts = Counter(tag for section in now for tag in tags(section))
    usual = Counter(tag for section in before for tag in tags(section))
    expected = {}
    for slug, count in counts.items():
        mean = usual[slug] * len(now) / len(before) if before else 0
        if count > mean:
            expected[slug] = (count, round(mean, 4), round((count - mean) / sqrt(mean + 1), 4))
    items = found["items"]
    assert {
        item["tag"]["slug"]: (item["sections"], item["expected"], item["score"]) for item in items
    } == expected
    assert found["total"] == len(expected) > 0
    scores = [item["score"] for item in items]
    assert scores == sorted(scores, reverse=True)


def test_trending_tags_end_with_the_newest_bulletin_and_may_be_of_one_kind(
    get: Get, archive: Archive
) -> None:
    found = get("/v1/tags/trending?kind=region")
    assert found["last_day"] == archive.days()[-1].isoformat()
    assert {item["tag"]["kind"] for item in found["items"]} == {"region"}
    assert len(get("/v1/tags/trending?limit=3")["items"]) == 3


@pytest.mark.parametrize("slug", ["reuters", "guo-jia-shu-ju-ju"])
def test_a_source_stands_in_the_graph_as_the_lists_show_it(get: Get, archive: Archive, slug: str) -> None:
    found = get(f"/v1/sources/{slug}")
    name = found["name"]
    cited = {
        bulletin["slug"]: {citation["reference"]["source"] for citation in bulletin["citations"]}
        for bulletin in archive.bulletins
    }
    citing = [each for each, sources in cited.items() if name in sources]
    assert (found["first_cited"], found["last_cited"]) == (min(citing), max(citing))
    last = date.fromisoformat(max(citing))
    inside = [each for each in cited if date.fromisoformat(each) <= last]
    assert found["bulletins"] == len(citing)
    for item in found["sources"]:
        other = item["source"]["name"]
        both = sum(other in cited[each] for each in citing)
        alone = sum(other in cited[each] for each in inside)
        assert item["bulletins"] == both
        assert item["lift"] == round(both * len(inside) / (len(citing) * alone), 4)
    using = [
        section
        for bulletin in archive.bulletins
        for section in bulletin["sections"]
        if any(
            citation["number"] in section["citations"]
            for citation in bulletin["citations"]
            if citation["reference"]["source"] == name
        )
    ]
    assert found["sections"] == len(using) > 0
    counts = Counter(tag for section in using for tag in tags(section))
    assert found["tags"]
    assert all(item["sections"] == counts[item["tag"]["slug"]] for item in found["tags"])
    assert found["tags"][0]["sections"] == max(counts.values())
    assert found["references"] == get(f"/v1/references?source={slug}&limit=20")["items"]


def test_related_references_are_those_of_the_citing_bulletins(get: Get, archive: Archive) -> None:
    shared = max(get("/v1/references?limit=200")["items"], key=lambda item: item["citation_count"])
    found = get(f"/v1/references/{shared['id']}/related")
    citing = [
        bulletin
        for bulletin in archive.bulletins
        if shared["id"] in [citation["reference"]["id"] for citation in bulletin["citations"]]
    ]
    assert found["bulletins"] == len(citing) == shared["citation_count"] > 1
    beside = Counter(
        each
        for bulletin in citing
        for each in {citation["reference"]["id"] for citation in bulletin["citations"]} - {shared["id"]}
    )
    counted = {item["reference"]["id"]: item["bulletins"] for item in found["items"]}
    assert counted == {each: beside[each] for each in counted}
    assert len(counted) == min(20, len(beside))
    uses = Counter(
        tag
        for bulletin in citing
        for citation in bulletin["citations"]
        if citation["reference"]["id"] == shared["id"]
        for section in bulletin["sections"]
        if section["number"] in citation["sections"]
        for tag in tags(section)
    )
    topics = {item["tag"]["slug"]: item["sections"] for item in found["tags"]}
    assert topics == {slug: uses[slug] for slug in topics} != {}
    assert len(topics) == min(20, len(uses))


def test_stats_count_everything(get: Get, archive: Archive) -> None:
    found = get("/v1/stats")
    assert found["totals"]["bulletins"] == len(archive.bulletins)
    assert found["totals"]["sections"] == len(archive.sections)
    citations = [each for bulletin in archive.bulletins for each in bulletin["citations"]]
    assert found["totals"]["citations"] == len(citations)
    assert found["totals"]["references"] == len({each["reference"]["id"] for each in citations})
    assert found["totals"]["sources"] == len({each["reference"]["source"] for each in citations})
    assert found["totals"]["tags"] == len(set().union(*map(tags, archive.sections)))
    assert (found["first_day"], found["last_day"]) == (
        archive.days()[0].isoformat(),
        archive.days()[-1].isoformat(),
    )


def test_stats_show_what_each_of_the_last_twelve_months_has_brought(get: Get, archive: Archive) -> None:
    growth = get("/v1/stats")["growth"]
    months = [f"{day:%Y-%m-01}" for day in archive.days()]
    assert growth[0]["start"] == months[-1]
    assert len(growth) == 12
    assert [each["start"] for each in growth] == sorted({each["start"] for each in growth}, reverse=True)
    for each in growth:
        assert each["bulletins"] == months.count(each["start"])
        in_month = [section for section in archive.sections if f"{day(section):%Y-%m-01}" == each["start"]]
        assert each["sections"] == len(in_month)


def test_an_empty_archive_has_answers(api: httpx2.Client) -> None:
    assert api.get("/v1/stats").json()["totals"]["bulletins"] == 0
    assert api.get("/v1/tags/trending").json()["items"] == []
    timeline = api.get(f"/v1/tags/{TAG}/timeline").json()
    assert (timeline["items"], timeline["first_seen"]) == ([], None)
    found = api.get(f"/v1/tags/{TAG}/related").json()
    assert (found["items"], found["first_day"], found["total"]) == ([], None, 0)


@pytest.mark.parametrize(
    "path", [*ALL, f"/v1/tags/{TAG}/timeline?interval=day&limit=200", f"/v1/tags/{TAG}/related?limit=200"]
)
def test_no_answer_takes_more_than_a_handful_of_queries(library_server: Server, path: str) -> None:
    with library_server.counting() as statements:
        assert library_server.client.get(path).status_code == 200
    assert len(statements) <= 14, statements
