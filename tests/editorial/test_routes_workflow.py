from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import psycopg
import pytest

from app.editorial.workflow import Role
from app.kit.settings import Settings
from tests.editorial.conftest import Login, approved, begin, bulletin, codes

SLUG = "/v1/bulletins/2026-06-25"


def in_an_hour() -> str:
    return (datetime.now(UTC) + timedelta(hours=1)).isoformat()


def kinds(settings: Settings) -> list[str]:
    with psycopg.connect(settings.conninfo) as connection:
        return [row[0] for row in connection.execute("SELECT kind FROM change ORDER BY seq")]


def test_a_bulletin_goes_from_a_draft_to_the_public(
    editor: httpx2.Client, reviewer: httpx2.Client, api: httpx2.Client
) -> None:
    draft = begin(editor)
    assert draft.step("submit").json()["state"] == "in_review"
    assert draft.step("approve", reviewer).json()["state"] == "approved"
    assert api.get(SLUG).status_code == 404
    assert draft.step("publish").json()["state"] == "published"
    public = api.get(SLUG)
    assert (public.status_code, public.json()["version"]) == (200, 1)
    assert (draft.seen["version"], draft.seen["is_public"]) == (1, True)


def test_publishing_reaches_lists_search_and_the_change_log_at_once(
    editor: httpx2.Client, reviewer: httpx2.Client, api: httpx2.Client, settings: Settings
) -> None:
    approved(editor, reviewer, bulletin("国家数据局发布湖北案例")).step("publish")
    assert [item["slug"] for item in api.get("/v1/bulletins").json()["items"]] == ["2026-06-25"]
    assert api.get("/v1/search", params={"q": "湖北 案例"}).json()["total"] == 2
    assert kinds(settings) == ["bulletin.published"]


def test_an_edit_of_what_is_public_is_a_draft_until_it_is_published_as_a_correction(
    editor: httpx2.Client, reviewer: httpx2.Client, api: httpx2.Client, settings: Settings
) -> None:
    draft = approved(editor, reviewer)
    draft.step("publish")
    draft.client = editor
    draft.patch(title="改正的标题")
    assert (draft.seen["state"], draft.seen["is_public"]) == ("draft", True)
    assert api.get(SLUG).json()["title"] == "标题"
    draft.step("submit")
    draft.step("approve", reviewer)
    assert codes(draft.step("publish")) == ["correction-note.missing"]
    assert draft.step("publish", note="标题有误，已改正。").json()["state"] == "corrected"
    assert (api.get(SLUG).json()["title"], api.get(SLUG).json()["version"]) == ("改正的标题", 2)
    assert kinds(settings) == ["bulletin.published", "bulletin.corrected"]
    with psycopg.connect(settings.conninfo) as connection:
        (note,) = connection.execute(
            "SELECT payload ->> 'note' FROM change ORDER BY seq DESC"
        ).fetchone() or ("",)
    assert note == "标题有误，已改正。"


def test_a_withdrawn_bulletin_is_gone_and_can_be_worked_on_again(
    editor: httpx2.Client, reviewer: httpx2.Client, api: httpx2.Client, settings: Settings
) -> None:
    draft = approved(editor, reviewer)
    assert codes(draft.step("withdraw", note="x")) == ["not-public"]
    draft.step("publish")
    assert codes(draft.step("withdraw")) == ["note.missing"]
    assert draft.step("withdraw", note="来源有误。").json()["state"] == "withdrawn"
    assert (api.get(SLUG).status_code, api.get(SLUG).json()["note"]) == (410, "来源有误。")
    assert codes(draft.patch(title="x")) == ["state.wrong"]
    draft.step("reopen", editor)
    for action, client in (("submit", editor), ("approve", reviewer), ("publish", reviewer)):
        assert draft.step(action, client).status_code == 200
    assert (draft.seen["state"], api.get(SLUG).json()["version"]) == ("published", 3)
    assert kinds(settings) == ["bulletin.published", "bulletin.withdrawn", "bulletin.published"]


def test_what_is_public_can_be_withdrawn_while_a_correction_is_prepared(
    editor: httpx2.Client, reviewer: httpx2.Client, api: httpx2.Client
) -> None:
    draft = approved(editor, reviewer)
    draft.step("publish")
    draft.client = editor
    draft.patch(title="改正的标题")
    assert draft.step("withdraw", reviewer, note="先撤下。").status_code == 200
    assert api.get(SLUG).status_code == 410
    assert draft.seen["document"]["title"] == "改正的标题"


@pytest.mark.parametrize("action", ["approve", "publish", "schedule", "cancel", "withdraw", "send-back"])
def test_an_editor_may_not_do_what_a_reviewer_does(editor: httpx2.Client, action: str) -> None:
    draft = begin(editor)
    content = {"publish_at": in_an_hour()} if action == "schedule" else {}
    refused = draft.send("POST", f"/{action}", {"note": "x", **content})
    assert (refused.status_code, refused.json()["type"]) == (403, "/problems/forbidden")
    assert "审核人" in refused.json()["detail"]


def test_a_refusal_names_everything_that_is_missing_in_chinese(
    editor: httpx2.Client, reviewer: httpx2.Client
) -> None:
    undated = begin(editor, bulletin(day=None))
    refused = undated.step("submit")
    assert codes(refused) == ["report.errors"]
    assert "没有日期" in refused.json()["detail"]
    draft = begin(editor)
    wrong = draft.step("approve", reviewer)
    assert codes(wrong) == ["state.wrong"]
    assert wrong.json()["detail"] == "稿件现在是“草稿”，不能批准；可以：修改、提交审核。"


def test_with_four_eyes_nobody_approves_their_own_words(settings: Settings, serve: Any, login: Login) -> None:
    author = login("rui", Role.reviewer)
    other = login("bo", Role.reviewer)
    with serve(settings.model_copy(update={"four_eyes": True})) as strict:
        for client in (author, other):
            client.base_url = strict.client.base_url
        draft = begin(author)
        draft.step("submit")
        actions = {item["action"]: item for item in draft.seen["actions"]}
        assert [reason["code"] for reason in actions["approve"]["missing"]] == ["four-eyes"]
        assert codes(draft.step("approve")) == ["four-eyes"]
        assert author.get("/v1/editorial/queue").json()["to_review"] == []
        assert len(other.get("/v1/editorial/queue").json()["to_review"]) == 1
        assert draft.step("approve", other).status_code == 200


def test_without_the_rule_a_reviewer_may(reviewer: httpx2.Client) -> None:
    assert approved(reviewer, reviewer).seen["state"] == "approved"


def test_what_is_approved_cannot_be_edited_before_it_is_sent_back(
    editor: httpx2.Client, reviewer: httpx2.Client
) -> None:
    draft = approved(editor, reviewer)
    draft.client = editor
    assert codes(draft.patch(title="偷改")) == ["state.wrong"]
    assert codes(draft.step("send-back", reviewer)) == ["note.missing"]
    assert draft.step("send-back", note="请改标题。").json()["state"] == "draft"
    draft.client = editor
    assert draft.patch(title="改了").status_code == 200


def test_a_draft_is_taken_back_from_review_by_its_editor(editor: httpx2.Client) -> None:
    draft = begin(editor)
    draft.step("submit")
    assert draft.step("recall").json()["state"] == "draft"


def test_an_approval_is_of_what_the_reviewer_has_read(editor: httpx2.Client, reviewer: httpx2.Client) -> None:
    draft = begin(editor)
    draft.step("submit")
    read = draft.read(reviewer)
    draft.patch(title="又改了")
    assert read.step("approve").status_code == 412
    assert read.read().step("approve").status_code == 200


def test_the_same_publication_twice_is_one(
    editor: httpx2.Client, reviewer: httpx2.Client, settings: Settings
) -> None:
    draft = approved(editor, reviewer)
    etag = draft.etag
    first = draft.send("POST", "/publish", {}, **{"Idempotency-Key": "p"})
    draft.etag = etag
    again = draft.send("POST", "/publish", {}, **{"Idempotency-Key": "p"})
    assert (again.status_code, again.content) == (200, first.content)
    draft.etag = etag
    assert draft.send("POST", "/publish", {}).status_code == 412
    assert codes(draft.read().step("publish")) == ["state.wrong"]
    assert kinds(settings) == ["bulletin.published"]


def test_an_edit_that_was_taken_back_publishes_no_correction(
    editor: httpx2.Client, reviewer: httpx2.Client, settings: Settings
) -> None:
    draft = approved(editor, reviewer)
    draft.step("publish")
    draft.client = editor
    draft.patch(title="改了")
    draft.patch(title="标题")
    for action, client in (("submit", editor), ("approve", reviewer)):
        draft.step(action, client)
    assert draft.step("publish", note="无").json()["state"] == "published"
    assert kinds(settings) == ["bulletin.published"]


def test_a_schedule_can_be_moved_and_cancelled(editor: httpx2.Client, reviewer: httpx2.Client) -> None:
    draft = approved(editor, reviewer)
    past = (datetime.now(UTC) - timedelta(seconds=1)).isoformat()
    assert codes(draft.step("schedule", publish_at=past)) == ["publish-at.past"]
    assert draft.step("schedule", publish_at=in_an_hour()).json()["state"] == "scheduled"
    later = (datetime.now(UTC) + timedelta(hours=2)).replace(microsecond=0)
    moved = draft.step("schedule", publish_at=later.isoformat()).json()
    assert datetime.fromisoformat(moved["publish_at"]) == later
    assert (draft.step("cancel").json()["state"], draft.seen["publish_at"]) == ("approved", None)
    assert draft.step("schedule", publish_at=in_an_hour()).status_code == 200
    assert draft.step("send-back", note="再看看").json()["publish_at"] is None


@pytest.mark.parametrize(
    "when",
    [
        "2026-06-25",
        "2026-06-25T07:00:00",
        "soon",
        None,
        1e30,
        "+300000-01-01T00:00:00Z",
        "9999-12-31T23:59:59-14:00",
    ],
)
def test_a_time_of_publication_has_an_offset(
    editor: httpx2.Client, reviewer: httpx2.Client, when: object
) -> None:
    draft = approved(editor, reviewer)
    assert draft.step("schedule", publish_at=when).status_code == 422


def test_every_move_is_in_the_audit_log(
    editor: httpx2.Client, reviewer: httpx2.Client, settings: Settings
) -> None:
    draft = approved(editor, reviewer)
    draft.step("publish")
    draft.step("withdraw", note="有误")
    with psycopg.connect(settings.conninfo) as connection:
        rows = connection.execute(
            "SELECT actor, action, before ->> 'state', after ->> 'state', after ->> 'note' "
            "FROM audit_entry ORDER BY id"
        ).fetchall()
    assert rows == [
        ("eva", "draft.create", None, "draft", None),
        ("eva", "draft.submit", "draft", "in_review", None),
        ("rui", "draft.approve", "in_review", "approved", None),
        ("rui", "draft.publish", "approved", "published", None),
        ("rui", "draft.withdraw", "published", "withdrawn", "有误"),
    ]
