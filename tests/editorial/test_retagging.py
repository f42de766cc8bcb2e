"""Other tags for the archive: first said, then done, each bulletin once, whoever is killed."""

import asyncio
import signal
import subprocess
import sys
from datetime import date
from typing import Any
from uuid import UUID

import httpx2
import psycopg
import pytest

from app import wiring
from app.editorial import retagging
from app.kit.db import connect
from app.kit.settings import Settings
from tests.conftest import Publish
from tests.editorial.conftest import Draft, bulletin, codes
from tests.editorial.test_merging import merge

JOBS = "/v1/editorial/retaggings"
RULE: dict[str, Any] = {
    "where": {"q": "正文2"},
    "add": ["robotics"],
    "remove": ["compute"],
    "note": "统一标签。",
    "dry_run": False,
}
DAYS = [f"2026-06-{day}" for day in (21, 22, 23, 24, 25)]


@pytest.fixture(autouse=True)
def archive(publish: Publish) -> None:
    publish(*(bulletin(day=date.fromisoformat(day)) for day in DAYS))


def ask(client: httpx2.Client, **rule: Any) -> dict[str, Any]:
    answer = client.post(JOBS, json=RULE | rule)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    assert answer.headers["location"] == f"{JOBS}/{made['id']}"
    return made


def work(settings: Settings, job: dict[str, Any], steps: int = 100) -> bool:
    """Take so many steps; whether there may be more."""

    async def run() -> bool:
        async with connect(settings) as database:
            return all(
                [await retagging.step(database, wiring.changes, UUID(job["id"])) for _ in range(steps)]
            )

    return asyncio.run(run())


def job_now(client: httpx2.Client, job: dict[str, Any]) -> dict[str, Any]:
    seen: dict[str, Any] = client.get(f"{JOBS}/{job['id']}").json()
    return seen


def tags(api: httpx2.Client, day: str) -> list[list[str]]:
    sections = api.get(f"/v1/bulletins/{day}").json()["sections"]
    return [[tag["slug"] for tag in section["tags"]] for section in sections]


def rows(settings: Settings, statement: str) -> list[Any]:
    with psycopg.connect(settings.conninfo) as connection:
        return connection.execute(statement.encode()).fetchall()


def worker(settings: Settings, *arguments: str) -> int:
    command = [sys.executable, "-m", "tests.editorial.retagging_process", settings.conninfo, *arguments]
    return subprocess.run(command, check=False, timeout=120, capture_output=True).returncode


def test_a_dry_run_says_what_would_change_and_changes_nothing(
    administrator: httpx2.Client, api: httpx2.Client, settings: Settings
) -> None:
    job = ask(administrator, dry_run=True)
    assert (job["state"], job["total"], job["done"]) == ("queued", 5, 0)
    before = rows(settings, "SELECT * FROM change"), rows(settings, "SELECT * FROM revision")
    assert not work(settings, job)
    seen = job_now(administrator, job)
    assert (seen["state"], seen["done"], seen["changed"], seen["skipped"]) == ("done", 5, 5, 0)
    assert seen["finished_at"] is not None
    assert seen["rule"] == RULE | {
        "dry_run": True,
        "where": {"tag": [], "tag.not": [], "q": "正文2", "from": None, "to": None},
    }
    found = administrator.get(f"{JOBS}/{job['id']}/bulletins", params={"limit": 2}).json()
    assert [(item["slug"], item["sections"], item["version"]) for item in found["items"]] == [
        (DAYS[0], [2], None),
        (DAYS[1], [2], None),
    ]
    rest = administrator.get(f"{JOBS}/{job['id']}/bulletins", params={"limit": 2, "cursor": found["next"]})
    assert [item["slug"] for item in rest.json()["items"]] == DAYS[2:4]
    assert tags(api, DAYS[0]) == [["compute"], ["compute"]]
    assert (rows(settings, "SELECT * FROM change"), rows(settings, "SELECT * FROM revision")) == before


def test_each_bulletin_it_changes_is_a_correction_with_its_note(
    administrator: httpx2.Client, api: httpx2.Client, settings: Settings
) -> None:
    assert worker(settings) == 0
    job = ask(administrator)
    assert worker(settings) == 0, "the job was deferred with what was asked"
    seen = job_now(administrator, job)
    assert (seen["state"], seen["done"], seen["changed"]) == ("done", 5, 5)
    for day in DAYS:
        assert tags(api, day) == [["compute"], ["robotics"]]
        (now, before) = api.get(f"/v1/bulletins/{day}/revisions").json()["items"]
        assert (now["version"], now["kind"], now["note"]) == (2, "corrected", "统一标签。")
        assert before["version"] == 1
    found = api.get("/v1/search", params={"q": "正文2", "tag": "robotics"}).json()
    assert found["total"] == 5
    entries = administrator.get("/v1/editorial/audit", params={"action": "retagging.apply"}).json()["items"]
    assert {(entry["actor"], entry["request_id"]) for entry in entries} == {("ada", job["id"])}
    assert len(entries) == 5


def test_again_it_finds_nothing_to_change(
    administrator: httpx2.Client, api: httpx2.Client, settings: Settings
) -> None:
    for _ in range(2):
        job = ask(administrator)
        work(settings, job)
    seen = job_now(administrator, job)
    assert (seen["state"], seen["done"], seen["changed"]) == ("done", 5, 0)
    assert administrator.get(f"{JOBS}/{job['id']}/bulletins").json() == {"items": [], "next": None}
    assert api.get(f"/v1/bulletins/{DAYS[0]}").json()["version"] == 2


def test_only_the_sections_of_the_rule_are_changed(
    administrator: httpx2.Client, api: httpx2.Client, settings: Settings
) -> None:
    where = {"tag": ["compute"], "tag.not": ["hubei"], "from": DAYS[1], "to": DAYS[2], "q": "正文1 条目"}
    job = ask(administrator, where=where, add=["robotics", "energy"], remove=[])
    assert job["total"] == 2
    work(settings, job)
    for day in DAYS:
        changed = day in DAYS[1:3]
        first = ["compute", "robotics", "energy"] if changed else ["compute"]
        assert tags(api, day) == [first, ["compute"]], day


def test_what_is_being_worked_on_is_skipped_and_says_so(
    administrator: httpx2.Client, editor: httpx2.Client, api: httpx2.Client, settings: Settings
) -> None:
    (item,) = editor.get("/v1/editorial/drafts", params={"from": DAYS[1], "to": DAYS[1]}).json()["items"]
    path = f"/v1/editorial/drafts/{item['id']}"
    draft = Draft(editor, path, editor.get(path).headers["etag"], {})
    assert draft.patch(title="改到一半").status_code == 200
    job = ask(administrator)
    work(settings, job)
    seen = job_now(administrator, job)
    assert (seen["done"], seen["changed"], seen["skipped"]) == (5, 4, 1)
    items = administrator.get(f"{JOBS}/{job['id']}/bulletins").json()["items"]
    (skipped,) = [item for item in items if item["outcome"] == "skipped"]
    assert (skipped["slug"], skipped["code"]) == (DAYS[1], "draft.open")
    assert "编辑台" in skipped["message"]
    assert api.get(f"/v1/bulletins/{DAYS[1]}").json()["version"] == 1
    assert draft.read().seen["document"]["title"] == "改到一半"


def status(settings: Settings) -> str:
    ((found,),) = rows(settings, "SELECT status FROM procrastinate_jobs WHERE task_name = 'retag'")
    return str(found)


def test_a_worker_that_is_killed_leaves_each_bulletin_whole_and_another_takes_over(
    administrator: httpx2.Client, api: httpx2.Client, settings: Settings
) -> None:
    job = ask(administrator)
    assert worker(settings, "die", "3") == -signal.SIGKILL
    assert worker(settings) == 0, "nobody takes over from what may be alive"
    seen = job_now(administrator, job)
    assert (seen["state"], seen["done"], seen["changed"]) == ("running", 2, 2)
    assert [api.get(f"/v1/bulletins/{day}").json()["version"] for day in DAYS] == [2, 2, 1, 1, 1]
    assert status(settings) == "doing"
    with psycopg.connect(settings.conninfo) as connection:
        connection.execute("UPDATE procrastinate_workers SET last_heartbeat = now() - interval '31 seconds'")
    assert worker(settings) == 0
    assert status(settings) == "succeeded"
    seen = job_now(administrator, job)
    assert (seen["state"], seen["done"], seen["changed"]) == ("done", 5, 5)
    corrections = rows(settings, "SELECT subject FROM change WHERE kind = 'bulletin.corrected' ORDER BY seq")
    assert corrections == [(day,) for day in DAYS], "each once"
    assert rows(settings, "SELECT max(number) FROM revision GROUP BY draft_id") == [(2,)] * 5


def test_a_bug_ends_the_job_with_its_reason_and_loses_nothing(
    administrator: httpx2.Client, api: httpx2.Client, settings: Settings
) -> None:
    job = ask(administrator)
    assert worker(settings, "bug", "3") == 0
    seen = job_now(administrator, job)
    assert (seen["state"], seen["done"], seen["changed"], seen["code"]) == ("failed", 2, 2, "internal")
    assert f"{DAYS[1]} 期之后的一期" in seen["message"]
    assert "此前处理的 2 期有效" in seen["message"]
    assert seen["finished_at"] is not None
    assert [api.get(f"/v1/bulletins/{day}").json()["version"] for day in DAYS] == [2, 2, 1, 1, 1]
    refused = administrator.post(f"{JOBS}/{job['id']}/cancel")
    assert (codes(refused), job_now(administrator, job)) == (["retagging.ended"], seen)
    again = ask(administrator)
    assert worker(settings) == 0, "the job that failed holds up nobody"
    assert job_now(administrator, again)["changed"] == 3
    assert job_now(administrator, job) == seen


def test_a_lost_connection_is_no_failure_the_job_goes_on_later(
    administrator: httpx2.Client, api: httpx2.Client, settings: Settings
) -> None:
    job = ask(administrator)
    assert worker(settings, "cut", "2") == 0
    seen = job_now(administrator, job)
    assert (seen["state"], seen["done"], seen["code"]) == ("running", 1, None)
    assert status(settings) == "todo"
    with psycopg.connect(settings.conninfo) as connection:
        connection.execute("UPDATE procrastinate_jobs SET scheduled_at = NULL")
    assert worker(settings) == 0
    assert (job_now(administrator, job)["state"], job_now(administrator, job)["changed"]) == ("done", 5)
    assert [api.get(f"/v1/bulletins/{day}").json()["version"] for day in DAYS] == [2] * 5


def test_a_cancelled_job_stops_before_the_next_bulletin_and_keeps_what_it_did(
    administrator: httpx2.Client, api: httpx2.Client, settings: Settings
) -> None:
    job = ask(administrator)
    assert work(settings, job, steps=2)
    cancelled = administrator.post(f"{JOBS}/{job['id']}/cancel")
    assert (cancelled.status_code, cancelled.json()["state"], cancelled.json()["done"]) == (
        200,
        "cancelled",
        2,
    )
    assert not work(settings, job)
    assert [api.get(f"/v1/bulletins/{day}").json()["version"] for day in DAYS] == [2, 2, 1, 1, 1]
    again = administrator.post(f"{JOBS}/{job['id']}/cancel")
    assert codes(again) == ["retagging.ended"]
    assert again.json()["reasons"][0]["message"] == "这项批量任务早已取消，不能再取消。"
    assert job_now(administrator, job) == cancelled.json()


def test_a_tag_merged_meanwhile_is_the_one_it_was_merged_into(
    administrator: httpx2.Client, reviewer: httpx2.Client, api: httpx2.Client, settings: Settings
) -> None:
    job = ask(administrator, add=["energy"], where={"tag": ["compute"]})
    assert merge(reviewer, "energy", "robotics").status_code == 200
    work(settings, job)
    assert tags(api, DAYS[0]) == [["robotics"], ["robotics"]]


def test_what_makes_no_sense_is_refused(administrator: httpx2.Client, reviewer: httpx2.Client) -> None:
    changes: list[dict[str, Any]] = [
        {"add": [], "remove": []},
        {"add": ["compute"]},
        {"where": {}},
        {"where": {"from": "2026-06-02", "to": "2026-06-01"}},
        {"where": {"q": " "}},
        {"note": " "},
        {"colour": "red"},
        {"add": ["Not A Slug"]},
        {"where": {"colour": "red"}},
    ]
    for change in changes:
        answer = administrator.post(JOBS, json=RULE | change)
        assert (answer.status_code, answer.json()["type"]) == (422, "/problems/invalid-parameter"), change
    assert codes(administrator.post(JOBS, json=RULE | {"add": ["nowhere"]})) == ["tag.unknown"]
    assert reviewer.post(JOBS, json=RULE).status_code == 403
    nowhere = f"{JOBS}/0197a3f2-6f3a-7c40-9a7e-1f2b3c4d5e6f"
    for answer in (
        administrator.get(nowhere),
        administrator.get(f"{nowhere}/bulletins"),
        administrator.post(f"{nowhere}/cancel"),
    ):
        assert (answer.status_code, answer.json()["type"]) == (404, "/problems/not-found")


def test_a_job_asked_for_twice_under_one_key_is_one(administrator: httpx2.Client, settings: Settings) -> None:
    answers = [administrator.post(JOBS, json=RULE, headers={"Idempotency-Key": "j"}) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    listed = administrator.get(JOBS).json()["items"]
    assert [job["id"] for job in listed] == [answers[0].json()["id"]]
    assert rows(settings, "SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'retag'") == [(1,)]
