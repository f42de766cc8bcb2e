import json

import httpx2
import pytest

from app.editorial.workflow import Role
from tests.editorial.conftest import PASSWORD, Login

NEW = {"name": "li.na", "display_name": "李娜", "role": "editor", "password": PASSWORD}


def change(client: httpx2.Client, name: str, **changes: object) -> httpx2.Response:
    """Read the account and change it."""
    etag = client.get(f"/v1/editorial/staff/{name}").headers["etag"]
    return client.patch(f"/v1/editorial/staff/{name}", json=changes, headers={"If-Match": etag})


def test_an_administrator_adds_an_account_that_can_log_in(administrator: httpx2.Client) -> None:
    made = administrator.post("/v1/editorial/staff", json=NEW)
    assert (made.status_code, made.headers["location"]) == (201, "/v1/editorial/staff/li.na")
    assert administrator.get(made.headers["location"]).json() == made.json()
    names = [item["name"] for item in administrator.get("/v1/editorial/staff").json()["items"]]
    assert names == ["ada", "li.na"]
    entered = administrator.post("/v1/editorial/tokens", json={"name": "li.na", "password": PASSWORD})
    assert entered.json()["staff"]["role"] == "editor"


def test_a_name_is_taken_once(administrator: httpx2.Client) -> None:
    administrator.post("/v1/editorial/staff", json=NEW)
    again = administrator.post("/v1/editorial/staff", json=NEW)
    assert (again.status_code, again.json()["reasons"][0]["code"]) == (409, "name.taken")


def test_the_same_request_again_is_answered_as_the_first_time(administrator: httpx2.Client) -> None:
    key = {"Idempotency-Key": "one"}
    first, again = (administrator.post("/v1/editorial/staff", json=NEW, headers=key) for _ in range(2))
    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["etag"] == first.headers["etag"]
    assert again.headers["idempotency-replayed"] == "true"
    other = administrator.post("/v1/editorial/staff", json={**NEW, "name": "x"}, headers=key)
    assert (other.status_code, other.json()["type"]) == (422, "/problems/idempotency-mismatch")


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "李娜"},
        {"name": "../x"},
        {"name": ""},
        {"role": "king"},
        {"password": "short"},
        {"display_name": " "},
        {"display_name": "a\x00b"},
        {"display_name": "\ud800"},
        {"salary": 1},
    ],
)
def test_an_account_is_checked_before_it_is_made(administrator: httpx2.Client, wrong: dict[str, str]) -> None:
    body = json.dumps({**NEW, **wrong})
    answer = administrator.post(
        "/v1/editorial/staff", content=body, headers={"Content-Type": "application/json"}
    )
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/invalid-parameter")
    assert answer.json()["errors"][0]["parameter"] == next(iter(wrong))


def test_a_role_removed_counts_at_once(administrator: httpx2.Client, reviewer: httpx2.Client) -> None:
    assert change(administrator, "rui", role="administrator").status_code == 200
    assert reviewer.get("/v1/editorial/staff").status_code == 200
    assert change(administrator, "rui", role="editor").status_code == 200
    refused = reviewer.get("/v1/editorial/staff")
    assert (refused.status_code, refused.json()["type"]) == (403, "/problems/forbidden")


def test_a_disabled_account_is_logged_out_and_cannot_log_in(
    administrator: httpx2.Client, editor: httpx2.Client
) -> None:
    assert change(administrator, "eva", disabled=True).json()["disabled"]
    assert editor.get("/v1/editorial/me").status_code == 401
    entered = editor.post("/v1/editorial/tokens", json={"name": "eva", "password": PASSWORD})
    assert entered.status_code == 401


@pytest.mark.parametrize("change_", [{"disabled": True}, {"role": "reviewer"}])
def test_the_last_administrator_stays(administrator: httpx2.Client, change_: dict[str, object]) -> None:
    refused = change(administrator, "ada", **change_)
    assert (refused.status_code, refused.json()["reasons"][0]["code"]) == (409, "administrator.last")
    assert administrator.get("/v1/editorial/staff").status_code == 200


def test_one_of_two_administrators_may_go(administrator: httpx2.Client, login: Login) -> None:
    login("bo", Role.administrator)
    assert change(administrator, "ada", disabled=True).status_code == 200
    assert administrator.get("/v1/editorial/staff").status_code == 401


def test_a_change_needs_what_was_read(administrator: httpx2.Client, editor: httpx2.Client) -> None:
    address, body = "/v1/editorial/staff/eva", {"role": "reviewer"}
    etag = administrator.get(address).headers["etag"]
    assert administrator.patch(address, json=body).status_code == 428
    assert administrator.patch(address, json=body, headers={"If-Match": "*"}).status_code == 428
    assert administrator.patch(address, json=body, headers={"If-Match": etag}).status_code == 200
    stale = administrator.patch(address, json=body, headers={"If-Match": etag})
    assert (stale.status_code, stale.json()["type"]) == (412, "/problems/precondition-failed")
    assert stale.headers["etag"] == administrator.get(address).headers["etag"]
    assert editor.get("/v1/editorial/me").json()["role"] == "reviewer"


def test_a_reset_password_replaces_the_old_one_and_all_logins(
    administrator: httpx2.Client, editor: httpx2.Client
) -> None:
    address = "/v1/editorial/staff/eva"
    match = {"If-Match": administrator.get(address).headers["etag"]}
    done = administrator.put(f"{address}/password", json={"password": "another good one"}, headers=match)
    assert done.status_code == 204
    assert editor.get("/v1/editorial/me").status_code == 401
    for password, status in ((PASSWORD, 401), ("another good one", 201)):
        body = {"name": "eva", "password": password}
        assert administrator.post("/v1/editorial/tokens", json=body).status_code == status
    assert (
        administrator.put(f"{address}/password", json={"password": "x" * 10}, headers=match).status_code
        == 412
    )


def test_an_account_that_is_not_there_is_a_404(administrator: httpx2.Client) -> None:
    assert administrator.get("/v1/editorial/staff/nobody").status_code == 404
    answer = administrator.patch("/v1/editorial/staff/nobody", json={}, headers={"If-Match": '"x"'})
    assert answer.status_code == 404
