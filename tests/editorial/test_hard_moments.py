"""What happens at the worst moment: nothing is half done, nothing is lost, and the answer says so."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import httpx2
import psycopg
import pytest

from app.kit.settings import Settings
from tests.editorial.conftest import Draft, approved, begin, body, bulletin, codes

LOG = 0x6E717066
"""The advisory lock of the change log's writers."""
WAITING = "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"


@contextmanager
def holding(settings: Settings, statement: str) -> Iterator[psycopg.Connection[Any]]:
    """A transaction of somebody else that holds what the statement locks."""
    with psycopg.connect(settings.conninfo) as connection:
        connection.execute(statement.encode())
        yield connection


def waiting(settings: Settings, count: int = 1) -> list[int]:
    """The backends that wait for a lock, once there are as many."""
    until = time.monotonic() + 30
    with psycopg.connect(settings.conninfo, autocommit=True) as connection:
        while True:
            pids = [row[0] for row in connection.execute(WAITING)]
            if len(pids) >= count:
                return pids
            assert time.monotonic() < until, f"{len(pids)} of {count} are waiting"
            time.sleep(0.02)


@pytest.fixture
def doing() -> Iterator[Callable[..., Future[httpx2.Response]]]:
    """Sends requests in the background: ``doing(draft.step, "publish")``."""
    with ThreadPoolExecutor() as pool:
        yield pool.submit


def rows(settings: Settings, statement: str) -> list[Any]:
    with psycopg.connect(settings.conninfo) as connection:
        return connection.execute(statement.encode()).fetchall()


def test_a_database_connection_cut_in_the_middle_of_a_publication_leaves_everything_as_it_was(
    editor: httpx2.Client, reviewer: httpx2.Client, api: httpx2.Client, settings: Settings, doing: Any
) -> None:
    draft = approved(editor, reviewer)
    with holding(settings, f"SELECT pg_advisory_xact_lock({LOG})") as other:
        answer = doing(draft.step, "publish")
        (pid,) = waiting(settings)
        other.execute("SELECT pg_terminate_backend(%s)", [pid])
        cut = answer.result()
    assert (cut.status_code, cut.json()["type"]) == (503, "/problems/unavailable")
    assert api.get("/v1/bulletins/2026-06-25").status_code == 404
    for table in ("bulletin", "change", "procrastinate_jobs", "search_section", "published_version"):
        assert rows(settings, f"SELECT 1 FROM {table}") == [], table  # noqa: S608
    assert rows(settings, "SELECT state, version FROM draft") == [("approved", 0)]
    assert draft.step("publish").status_code == 200
    assert api.get("/v1/bulletins/2026-06-25").json()["version"] == 1


def test_of_two_publications_at_once_one_publishes(
    editor: httpx2.Client, reviewer: httpx2.Client, settings: Settings, doing: Any
) -> None:
    draft = approved(editor, reviewer)
    other = draft.read()
    with holding(settings, f"SELECT pg_advisory_xact_lock({LOG})"):
        answers = [doing(draft.step, "publish"), doing(other.step, "publish")]
        waiting(settings, 2)
    assert sorted(answer.result().status_code for answer in answers) == [200, 412]
    assert rows(settings, "SELECT kind FROM change") == [("bulletin.published",)]


def test_what_is_published_while_somebody_edits_is_what_was_approved(
    editor: httpx2.Client, reviewer: httpx2.Client, api: httpx2.Client, settings: Settings, doing: Any
) -> None:
    draft = approved(editor, reviewer)
    edit = draft.read(editor)
    with holding(settings, f"SELECT pg_advisory_xact_lock({LOG})"):
        publication = doing(draft.step, "publish")
        waiting(settings, 1)
        saved = doing(edit.patch, title="偷改")
        waiting(settings, 2)
    assert publication.result().status_code == 200
    assert saved.result().status_code == 412
    assert api.get("/v1/bulletins/2026-06-25").json()["title"] == "标题"


def test_the_same_request_at_the_same_time_is_done_once_and_answered_twice(
    editor: httpx2.Client, settings: Settings, doing: Any
) -> None:
    content, key = {"document": body(bulletin(day=None))}, {"Idempotency-Key": "k"}
    with holding(settings, "LOCK TABLE draft IN EXCLUSIVE MODE"):
        answers = [doing(editor.post, "/v1/editorial/drafts", json=content, headers=key) for _ in range(3)]
        waiting(settings, 3)
    bodies = [answer.result() for answer in answers]
    assert [answer.status_code for answer in bodies] == [201] * 3
    assert len({answer.content for answer in bodies}) == 1
    assert rows(settings, "SELECT count(*) FROM draft") == [(1,)]


def test_a_request_that_failed_does_not_use_up_its_key(editor: httpx2.Client) -> None:
    draft, key = begin(editor), {"Idempotency-Key": "k"}
    assert codes(draft.send("POST", "/reopen", {}, **key)) == ["state.wrong"]
    assert draft.send("POST", "/submit", {}, **{**key, "If-Match": '"9.9"'}).status_code == 412
    assert draft.send("POST", "/submit", {}, **key).status_code == 200


def test_a_login_revoked_in_the_middle_of_a_save_waits_for_it_and_nothing_is_saved_after(
    editor: httpx2.Client, settings: Settings, doing: Any
) -> None:
    draft = begin(editor)
    with holding(settings, "SELECT 1 FROM draft FOR UPDATE"):
        save = doing(draft.patch, title="还能保存")
        waiting(settings, 1)
        revocation = doing(editor.delete, "/v1/editorial/tokens/current")
        waiting(settings, 2)
        assert not revocation.done()
    assert (save.result().status_code, revocation.result().status_code) == (200, 204)
    assert draft.patch(title="不能了").status_code == 401
    assert rows(settings, "SELECT title FROM draft") == [("还能保存",)]


def test_a_save_that_waits_behind_a_revocation_is_refused(
    editor: httpx2.Client, settings: Settings, doing: Any
) -> None:
    draft = begin(editor)
    with holding(settings, "DELETE FROM staff_token"):
        save = doing(draft.patch, title="不能了")
        waiting(settings, 1)
    assert save.result().status_code == 401
    assert rows(settings, "SELECT title FROM draft") == [("标题",)]


def test_a_role_removed_in_the_middle_of_an_approval_waits_for_it_and_counts_then(
    editor: httpx2.Client,
    reviewer: httpx2.Client,
    administrator: httpx2.Client,
    settings: Settings,
    doing: Any,
) -> None:
    draft = begin(editor)
    draft.step("submit")
    etag = administrator.get("/v1/editorial/staff/rui").headers["etag"]
    with holding(settings, "SELECT 1 FROM draft FOR UPDATE"):
        approval = doing(draft.step, "approve", reviewer)
        waiting(settings, 1)
        removal = doing(
            administrator.patch,
            "/v1/editorial/staff/rui",
            json={"role": "editor"},
            headers={"If-Match": etag},
        )
        waiting(settings, 2)
    assert (approval.result().status_code, removal.result().status_code) == (200, 200)
    assert draft.step("publish").status_code == 403


def test_twenty_editors_who_save_at_once_lose_nothing(
    editor: httpx2.Client, settings: Settings, doing: Any
) -> None:
    """Whoever gets a 412 reads again and saves again; every save is a revision of its own."""
    draft = begin(editor)

    def save(number: int) -> None:
        mine: Draft = draft.read()
        while (answer := mine.patch(abstract=f"第 {number} 位编辑")).status_code == 412:
            mine = mine.read()
        assert answer.status_code == 200, answer.text

    for done in [doing(save, number) for number in range(20)]:
        done.result()
    saved = rows(settings, "SELECT document ->> 'abstract' FROM revision WHERE number > 1")
    assert sorted(saved) == sorted((f"第 {number} 位编辑",) for number in range(20))
