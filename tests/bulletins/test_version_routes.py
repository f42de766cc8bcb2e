import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import psycopg
import pytest

from app.bulletins.diff import DocumentDiff, diff
from app.bulletins.document import BulletinDocument
from app.kit.settings import Settings
from tests.bulletins.conftest import on_the_shelf, problem, refused
from tests.conftest import Publish, Server, Withdraw

FIRST = on_the_shelf(10)
SECOND = FIRST.model_copy(update={"abstract": "更正后的摘要"})
THIRD = on_the_shelf(11).model_copy(update={"date": FIRST.date})
ADDRESS = f"/v1/bulletins/{FIRST.slug}"
DAY = 24 * 3600


def times(settings: Settings) -> list[datetime]:
    """The moments of all changes, in their order."""
    with psycopg.connect(settings.conninfo) as connection:
        return [at for (at,) in connection.execute("SELECT at FROM change ORDER BY seq").fetchall()]


def moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


@pytest.fixture
def age(settings: Settings) -> Callable[[timedelta], None]:
    """Moves everything that has happened back in time."""

    def move(by: timedelta) -> None:
        with psycopg.connect(settings.conninfo) as connection:
            connection.execute("UPDATE change SET at = at - %s", [by])
            connection.execute("UPDATE bulletin SET published_at = published_at - %s", [by])
            connection.execute("UPDATE bulletin SET updated_at = updated_at - %s", [by])
            connection.execute(
                "UPDATE published_version SET at = at - %(by)s, until = until - %(by)s,"
                " published_at = published_at - %(by)s",
                {"by": by},
            )

    return move


def test_the_revisions_tell_what_was_published_when_and_why(
    publish: Publish, api: httpx2.Client, settings: Settings
) -> None:
    publish(FIRST)
    publish(SECOND, note="更正了摘要。")
    answer = api.get(f"{ADDRESS}/revisions").json()
    assert [(each["version"], each["kind"], each["note"]) for each in answer["items"]] == [
        (2, "corrected", "更正了摘要。"), (1, "published", ""),
    ]  # fmt: skip
    assert [datetime.fromisoformat(each["at"]) for each in answer["items"]] == times(settings)[::-1]
    assert answer["items"][0]["content_hash"] == api.get(ADDRESS).json()["content_hash"]
    assert not any(each["withdrawn"] for each in answer["items"])


def test_a_former_version_is_answered_byte_for_byte_as_it_was(publish: Publish, api: httpx2.Client) -> None:
    publish(on_the_shelf(9), FIRST)
    before = api.get(ADDRESS)
    publish(SECOND)
    publish(THIRD)
    assert api.get(ADDRESS).json()["version"] == 3
    then = api.get(f"{ADDRESS}?version=1")
    assert then.content == before.content
    assert then.headers["etag"] == before.headers["etag"]
    assert api.get(f"{ADDRESS}?version=2").json()["abstract"] == "更正后的摘要"
    assert api.get(f"{ADDRESS}?version=3").content == api.get(ADDRESS).content


def test_a_document_with_everything_reads_the_same_as_a_version(
    publish: Publish, api: httpx2.Client, everything: BulletinDocument
) -> None:
    publish(everything)
    address = f"/v1/bulletins/{everything.slug}"
    assert api.get(f"{address}?version=1").content == api.get(address).content


def test_a_version_keeps_the_names_its_tags_had(
    publish: Publish, api: httpx2.Client, settings: Settings
) -> None:
    publish(FIRST)
    before = api.get(ADDRESS).json()["tags"]
    with psycopg.connect(settings.conninfo) as connection:
        connection.execute("UPDATE tag SET name = '新名' WHERE slug = %s", [before[0]["slug"]])
        connection.execute("DELETE FROM finished")
    # Not asked for before, so it does not come from memory.
    assert api.get(f"{ADDRESS}?fields=tags").json()["tags"] != before
    assert api.get(f"{ADDRESS}?version=1").json()["tags"] == before


def test_the_hash_of_a_former_version_can_be_checked(publish: Publish, api: httpx2.Client) -> None:
    publish(FIRST)
    publish(SECOND)
    bulletin = api.get(f"{ADDRESS}?version=1").json()
    names = ["series", "title", "date", "language", "organisation", "producers", "abstract"]
    content = {name: bulletin[name] for name in [*names, "sections", "citations", "contacts"]}
    for section in content["sections"]:
        section["tags"] = [tag["slug"] for tag in section["tags"]]
        del section["anchor"], section["citations"]
    for citation in content["citations"]:
        del citation["reference"]["id"]
    canonical = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    assert bulletin["content_hash"] == "sha256:" + hashlib.sha256(canonical.encode()).hexdigest()


def test_as_of_answers_with_the_version_that_was_public_then(
    publish: Publish, api: httpx2.Client, settings: Settings
) -> None:
    publish(FIRST)
    publish(SECOND)
    first, second = times(settings)
    instant = timedelta(microseconds=1)
    problem(api.get(f"{ADDRESS}?as_of={moment(first - instant)}"), 404, "not-found")
    for at, version in ((first, 1), (second - instant, 1), (second, 2), (datetime.now(UTC), 2)):
        assert api.get(f"{ADDRESS}?as_of={moment(at)}").json()["version"] == version
    there = (second - instant).astimezone().isoformat()
    assert api.get(f"{ADDRESS}?as_of={there}").json()["version"] == 1


def test_neighbours_are_those_of_the_time(publish: Publish, api: httpx2.Client, settings: Settings) -> None:
    publish(on_the_shelf(8), FIRST)
    publish(on_the_shelf(9), on_the_shelf(12))
    (_, at, *_) = times(settings)
    for question in ("version=1", f"as_of={moment(at)}"):
        then = api.get(f"{ADDRESS}?{question}").json()
        assert (then["previous"], then["next"]) == (on_the_shelf(8).slug, None)
    now = api.get(f"{ADDRESS}?as_of={moment(datetime.now(UTC))}").json()
    assert (now["previous"], now["next"]) == (on_the_shelf(9).slug, on_the_shelf(12).slug)


FILTERS = [
    "", "order=date", "tag=compute", "tag.any=compute&tag.any=energy", "tag.not=compute",
    "tag=compute&tag=energy",
    "source=Reuters", "source=guo-jia-shu-ju-ju&source=Reuters", "from=2026-03-08", "to=2026-03-10", "q=增长",
    "q=摘要 4", "include=sections,citations,contacts", "fields=slug,tags", "tag=hubei&source=新华社&q=期",
]  # fmt: skip


@pytest.mark.parametrize("filters", FILTERS)
def test_the_list_of_now_is_the_list_under_every_filter(
    reading: httpx2.Client, walk: Any, filters: str
) -> None:
    now = moment(datetime.now(UTC))
    for limit in (7, 200):
        listed = walk(reading, f"/v1/bulletins?limit={limit}&{filters}")
        assert walk(reading, f"/v1/bulletins?limit={limit}&{filters}&as_of={now}") == listed
    assert listed


def test_the_list_of_a_moment_is_what_was_listed_then(
    publish: Publish, api: httpx2.Client, settings: Settings
) -> None:
    seen = [api.get("/v1/bulletins?include=sections").json()]
    for document in (FIRST, on_the_shelf(4), SECOND, on_the_shelf(12)):
        publish(document)
        seen.append(api.get("/v1/bulletins?include=sections").json())
    moments = times(settings)
    for at, page in zip([moments[0] - timedelta(seconds=1), *moments], seen, strict=True):
        assert api.get(f"/v1/bulletins?include=sections&as_of={moment(at)}").json() == page


def test_the_difference_of_two_versions_is_that_of_their_documents(
    publish: Publish, api: httpx2.Client
) -> None:
    publish(FIRST)
    publish(SECOND, note="更正了摘要。")
    publish(THIRD)
    answer = api.get(f"{ADDRESS}/diff?from=1&to=3").json()
    assert DocumentDiff.model_validate(answer["changes"]) == diff(FIRST, THIRD)
    assert (answer["old"]["version"], answer["new"]["version"]) == (1, 3)
    back = api.get(f"{ADDRESS}/diff?from=2&to=1").json()
    assert [field["field"] for field in back["changes"]["fields"]] == ["abstract"]
    assert back["old"]["note"] == "更正了摘要。"
    same = api.get(f"{ADDRESS}/diff?from=2&to=2").json()
    assert DocumentDiff.model_validate(same["changes"]).is_empty


QUESTIONS = ["?version=1", "?version=2", "/diff?from=1&to=2", "/diff?from=2&to=4", "/revisions"]


@pytest.mark.parametrize("question", QUESTIONS)
def test_no_version_of_a_withdrawn_bulletin_can_be_read(
    publish: Publish, withdraw: Withdraw, api: httpx2.Client, question: str
) -> None:
    publish(FIRST)
    publish(SECOND)
    withdraw(FIRST.slug, "撤回说明。")
    assert problem(api.get(f"{ADDRESS}{question}"), 410, "withdrawn")["note"] == "撤回说明。"


def test_what_was_withdrawn_stays_so_when_the_bulletin_returns(
    publish: Publish, withdraw: Withdraw, api: httpx2.Client, settings: Settings
) -> None:
    publish(FIRST, on_the_shelf(4))
    withdraw(FIRST.slug, "第一次")
    publish(SECOND)
    withdraw(FIRST.slug, "第二次")
    publish(THIRD)
    notes = {1: "第一次", 2: "第一次", 3: "第二次", 4: "第二次"}
    for version, note in notes.items():
        body = problem(api.get(f"{ADDRESS}?version={version}"), 410, "withdrawn")
        assert body["note"] == note
    assert api.get(f"{ADDRESS}?version=5").json()["version"] == 5
    problem(api.get(f"{ADDRESS}/diff?from=1&to=5"), 410, "withdrawn")
    first, _, gone, *_ = times(settings)
    problem(api.get(f"{ADDRESS}?as_of={moment(first)}"), 410, "withdrawn")
    problem(api.get(f"{ADDRESS}?as_of={moment(gone)}"), 410, "withdrawn")
    for at in times(settings)[1:4]:
        listed = api.get(f"/v1/bulletins?as_of={moment(at)}").json()["items"]
        assert [(each["slug"], each["next"]) for each in listed] == [(on_the_shelf(4).slug, None)]
    revisions = api.get(f"{ADDRESS}/revisions").json()["items"]
    assert [(each["version"], each["kind"], each["withdrawn"]) for each in revisions] == [
        (5, "published", False), (4, "withdrawn", True), (3, "published", True),
        (2, "withdrawn", True), (1, "published", True),
    ]  # fmt: skip
    assert [each["note"] for each in revisions] == ["", "第二次", "", "第一次", ""]


def test_revisions_come_in_pages(publish: Publish, api: httpx2.Client, walk: Any) -> None:
    for number in range(5):
        publish(FIRST.model_copy(update={"abstract": f"第 {number} 稿"}))
    pages = walk(api, f"{ADDRESS}/revisions?limit=2")
    assert [each["version"] for each in pages] == [5, 4, 3, 2, 1]
    cursor = api.get(f"{ADDRESS}/revisions?limit=2").json()["next"]
    publish(on_the_shelf(4))
    other = f"/v1/bulletins/{on_the_shelf(4).slug}/revisions?cursor={cursor}"
    problem(api.get(other), 422, "invalid-cursor")


def test_what_is_settled_is_cached_for_a_day_and_the_rest_for_a_minute(
    publish: Publish, api: httpx2.Client, age: Callable[[timedelta], None]
) -> None:
    publish(FIRST)
    publish(SECOND)
    now = moment(datetime.now(UTC))
    questions = [f"{ADDRESS}?version=1", f"{ADDRESS}?as_of={now}", f"/v1/bulletins?as_of={now}"]
    questions.append(f"{ADDRESS}/diff?from=1&to=2")

    def lifetimes(more: str = "") -> list[str]:
        return [api.get(question + more).headers["cache-control"] for question in questions]

    assert lifetimes() == ["public, max-age=60"] * 4
    age(timedelta(hours=1))
    questions[1:3] = [question.replace(now[:10], "2026-10-01") for question in questions[1:3]]
    age(timedelta(days=100))
    # Not asked for before, so they do not come from memory.
    assert lifetimes("&fields=slug") == [f"public, max-age={DAY}"] * 4
    assert api.get(ADDRESS).headers["cache-control"] == "public, max-age=60"


@pytest.mark.parametrize("question", ["?version=1", "/revisions", "/diff?from=1&to=2"])
def test_versions_are_validated_answered_to_head_and_cut_to_fields(
    publish: Publish, api: httpx2.Client, question: str
) -> None:
    publish(FIRST)
    publish(SECOND)
    answer = api.get(f"{ADDRESS}{question}")
    headers = {"If-None-Match": answer.headers["etag"]}
    assert api.get(f"{ADDRESS}{question}", headers=headers).status_code == 304
    head = api.head(f"{ADDRESS}{question}")
    assert (head.status_code, head.headers["etag"]) == (200, answer.headers["etag"])
    field = "note" if question == "/revisions" else "slug"
    joint = "&" if "?" in question else "?"
    cut = api.get(f"{ADDRESS}{question}{joint}fields={field}")
    assert cut.headers["content-type"] == "application/vnd.nqpf.sparse+json"
    content = cut.json()
    assert set(content["items"][0] if "items" in content else content) == {field}


@pytest.mark.parametrize(
    ("question", "parameter"),
    [
        ("?version=0", "version"), ("?version=-1", "version"), ("?version=1.0", "version"),
        ("?version=x", "version"), ("?version=99999999999", "version"), ("?version=", "version"),
        ("?as_of=2026-03-11", "as_of"), ("?as_of=2026-03-11T00:00:00", "as_of"), ("?as_of=", "as_of"),
        ("?as_of=2999-01-01T00:00:00Z", "as_of"), ("?version=1&as_of=2026-03-11T00:00:00Z", "as_of"),
        ("/diff?from=1&to=0", "to"), ("/diff?from=x&to=1", "from"), ("/diff?to=1", "from"),
        ("/diff?from=1", "to"),
        ("/revisions?limit=0", "limit"), ("/revisions?version=1", "version"), ("/diff?from=1&to=1&x=1", "x"),
        ("?version=1&version=2", "version"), ("/diff?from=1&from=2&to=1", "from"),
    ],
)  # fmt: skip
def test_a_bad_parameter_is_refused_by_name(
    publish: Publish, api: httpx2.Client, question: str, parameter: str
) -> None:
    publish(FIRST)
    refused(api.get(f"{ADDRESS}{question}"), parameter)


@pytest.mark.parametrize("address", ["/v1/bulletins?as_of=x", "/v1/bulletins?as_of=2999-01-01T00:00:00Z"])
def test_the_list_of_no_moment_or_of_the_future_is_refused(reading: httpx2.Client, address: str) -> None:
    refused(reading.get(address), "as_of")


@pytest.mark.parametrize(
    "path",
    [
        "2026-03-04?version=2", "2026-03-04?as_of=2020-01-01T00:00:00Z",
        "2026-03-04?as_of=0001-01-01T00:00:00%2B23:00",
        "2026-03-04/diff?from=1&to=2", "2026-03-04/diff?from=7&to=1", "2020-01-01/revisions", "%00/revisions",
        "2020-01-01?version=1", "%00?version=1", "%00?as_of=2026-01-01T00:00:00Z", "x%27/diff?from=1&to=1",
        "2020-01-01/diff?from=1&to=1",
    ],
)  # fmt: skip
def test_what_never_was_is_not_found(reading: httpx2.Client, path: str) -> None:
    problem(reading.get(f"/v1/bulletins/{path}"), 404, "not-found")


def test_a_plus_that_was_not_encoded_is_understood(reading: httpx2.Client) -> None:
    assert reading.get("/v1/bulletins?as_of=2020-06-25T12:00:00+08:00").json()["items"] == []


def test_a_former_list_takes_a_fixed_number_of_queries(shelf_server: Server, reading: httpx2.Client) -> None:
    def queries(limit: int) -> int:
        with shelf_server.counting() as statements:
            address = f"/v1/bulletins?as_of={moment(datetime.now(UTC))}&include=sections&limit={limit}"
            assert len(reading.get(address).json()["items"]) == min(limit, 31)
        return len(statements)

    assert queries(1) == queries(200)
