from datetime import date, timedelta

import httpx2
import pytest

from app.editorial.revisions import today
from app.editorial.workflow import Role
from tests.editorial.conftest import Login, approved, begin, bulletin


def titles(client: httpx2.Client) -> dict[str, list[str]]:
    queue = client.get("/v1/editorial/queue").json()
    return {name: [item["slug"] for item in items] for name, items in queue.items()}


def test_everybody_has_a_queue_of_what_waits_for_them(login: Login) -> None:
    eva, ulf, rui = login("eva"), login("ulf"), login("rui", Role.reviewer)
    begin(eva, bulletin(day=date(2026, 6, 1)))
    begin(ulf, bulletin(day=date(2026, 6, 2)))
    begin(eva, bulletin(day=date(2026, 6, 3))).step("submit")
    approved(eva, rui, bulletin(day=date(2026, 6, 4)))
    assert titles(eva) == {"to_write": ["2026-06-01"], "to_review": [], "to_publish": []}
    assert titles(ulf) == {"to_write": ["2026-06-02"], "to_review": [], "to_publish": []}
    assert titles(rui) == {"to_write": [], "to_review": ["2026-06-03"], "to_publish": ["2026-06-04"]}


def test_the_calendar_shows_drafts_and_what_is_missing_until_today(
    editor: httpx2.Client, reviewer: httpx2.Client
) -> None:
    now = today()
    days = [now + timedelta(days=n) for n in (-2, -1, 0, 1, 2)]
    begin(editor, bulletin(day=days[1]))
    approved(editor, reviewer, bulletin(day=days[0])).step("publish")
    begin(editor, bulletin(day=days[4]))
    answer = editor.get("/v1/editorial/calendar", params={"from": str(days[0]), "to": str(days[4])}).json()
    assert [(item["date"], item["state"]) for item in answer["items"]] == [
        (str(days[0]), "published"),
        (str(days[1]), "draft"),
        (str(days[2]), "missing"),
        (str(days[4]), "draft"),
    ]
    assert answer["items"][2]["draft"] is None


@pytest.mark.parametrize(
    ("first", "last"),
    [("2026-06-02", "2026-06-01"), ("0001-01-01", "9999-12-31"), ("x", "2026-06-01"), ("2026-06-01", None)],
)
def test_a_calendar_is_of_a_year_at_most(editor: httpx2.Client, first: str, last: str | None) -> None:
    answer = editor.get("/v1/editorial/calendar", params={"from": first, "to": last})
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/invalid-parameter")


def test_the_last_day_of_all_days_is_in_a_calendar(editor: httpx2.Client) -> None:
    answer = editor.get("/v1/editorial/calendar", params={"from": "9999-12-30", "to": "9999-12-31"})
    assert answer.json() == {"items": []}


def test_drafts_are_counted_by_state(editor: httpx2.Client, reviewer: httpx2.Client) -> None:
    begin(editor, bulletin(day=None))
    begin(editor, bulletin(day=None))
    approved(editor, reviewer).step("publish")
    assert editor.get("/v1/editorial/counts").json() == {
        "draft": 2, "in_review": 0, "approved": 0, "scheduled": 0,
        "published": 1, "corrected": 0, "withdrawn": 0,
    }  # fmt: skip
