import json

import httpx2
import psycopg
import pytest

from app.editorial.workflow import Role
from app.kit.settings import Settings
from tests.editorial.conftest import Login, approved, begin


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_entry SET actor = 'nobody'",
        "UPDATE audit_entry SET actor = 'nobody' WHERE false",
        "DELETE FROM audit_entry",
        "TRUNCATE audit_entry",
        "TRUNCATE audit_entry CASCADE",
        "SET session_replication_role = replica; DELETE FROM audit_entry",
    ],
)
def test_the_database_lets_nobody_change_or_remove_an_entry(
    editor: httpx2.Client, settings: Settings, statement: str
) -> None:
    """The tests' role owns the database and is a superuser: nobody could be allowed more."""
    begin(editor)
    with psycopg.connect(settings.conninfo) as connection:
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"):
            connection.execute(statement.encode())
        connection.rollback()
        assert connection.execute("SELECT actor FROM audit_entry").fetchall() == [("eva",)]


def test_the_applications_role_has_not_even_the_permission(settings: Settings) -> None:
    with psycopg.connect(settings.conninfo) as connection:
        rows = connection.execute(
            "SELECT privilege_type FROM information_schema.role_table_grants "
            "WHERE table_name = 'audit_entry' AND privilege_type IN ('UPDATE', 'DELETE', 'TRUNCATE')"
        ).fetchall()
    assert rows == []


def test_an_administrator_filters_pages_and_exports_the_log(
    administrator: httpx2.Client, editor: httpx2.Client, login: Login
) -> None:
    approved(editor, login("rui", Role.reviewer)).step("publish")

    def actions(**query: str | int) -> list[str]:
        found: list[str] = []
        cursor = None
        while True:
            page = {**query, **({"cursor": cursor} if cursor else {})}
            answer = administrator.get("/v1/editorial/audit", params=page).json()
            found += [item["action"] for item in answer["items"]]
            if (cursor := answer["next"]) is None:
                return found

    everything = ["draft.publish", "draft.approve", "draft.submit", "draft.create"]
    assert actions() == everything
    assert actions(limit=1) == everything
    assert actions(actor="eva") == everything[2:]
    assert actions(action="draft.approve") == ["draft.approve"]
    assert actions(object="draft:2026-06-25", to="2020-01-01") == []
    exported = administrator.get("/v1/editorial/audit/export", params={"actor": "rui"})
    assert exported.headers["content-type"].startswith("application/x-ndjson")
    lines = [json.loads(line) for line in exported.text.splitlines()]
    assert [line["action"] for line in lines] == ["draft.approve", "draft.publish"]
    assert (lines[0]["before"]["state"], lines[0]["after"]["state"]) == ("in_review", "approved")
    assert lines[0]["ip"] == "127.0.0.1"


def test_a_request_is_known_by_the_name_that_a_proxy_gave_it(
    editor: httpx2.Client, administrator: httpx2.Client
) -> None:
    editor.headers["X-Request-ID"] = "proxy-0001"
    begin(editor)
    (entry,) = administrator.get("/v1/editorial/audit").json()["items"]
    assert entry["request_id"] == "proxy-0001"


def test_a_refused_change_leaves_no_entry(editor: httpx2.Client, administrator: httpx2.Client) -> None:
    draft = begin(editor)
    draft.step("reopen")
    assert draft.patch(colour="red").status_code == 422
    assert len(administrator.get("/v1/editorial/audit").json()["items"]) == 1
