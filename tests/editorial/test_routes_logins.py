import asyncio

import httpx2
import psycopg
import pytest

from app.editorial import staff
from app.editorial.workflow import Role
from app.kit.db import connect
from app.kit.settings import Settings
from tests.conftest import Server
from tests.editorial.conftest import PASSWORD, Login, join


def ask(api: httpx2.Client, name: str = "eva", password: str = PASSWORD) -> httpx2.Response:
    return api.post("/v1/editorial/tokens", json={"name": name, "password": password})


def bearing(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_a_password_gives_a_token_that_opens_the_desk(api: httpx2.Client, settings: Settings) -> None:
    join(settings, "eva", Role.editor)
    answer = ask(api)
    assert answer.status_code == 201
    assert answer.headers["cache-control"] == "no-store"
    me = api.get("/v1/editorial/me", headers=bearing(answer.json()["token"]))
    assert me.json()["name"] == "eva"
    assert "password" not in me.text


def test_the_token_and_the_password_are_not_in_the_database(api: httpx2.Client, settings: Settings) -> None:
    join(settings, "eva", Role.editor)
    token = ask(api).json()["token"]
    with psycopg.connect(settings.conninfo) as connection:
        rows = connection.execute("SELECT t::text, s::text FROM staff_token t, staff s").fetchall()
    assert "$argon2id$" in str(rows)
    assert token not in str(rows)
    assert token.removeprefix("nqpf_") not in str(rows)
    assert PASSWORD not in str(rows)


@pytest.mark.parametrize(("name", "password"), [("eva", "wrong"), ("nobody", PASSWORD), ("eva", "")])
def test_a_wrong_name_and_a_wrong_password_are_one_answer(
    api: httpx2.Client, settings: Settings, name: str, password: str
) -> None:
    join(settings, "eva", Role.editor)
    answer = ask(api, name, password)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json()["type"] == "/problems/unauthenticated"
    assert answer.json()["detail"] == "名字或密码不对，或账号已停用。"


def test_after_five_failures_even_the_right_password_has_to_wait(
    api: httpx2.Client, settings: Settings
) -> None:
    join(settings, "eva", Role.editor)
    join(settings, "ulf", Role.editor)
    assert [ask(api, password="wrong").status_code for _ in range(5)] == [401] * 5
    refused = ask(api)
    assert refused.status_code == 429
    assert 800 < int(refused.headers["retry-after"]) <= 901
    assert ask(api, "ulf").status_code == 201
    with psycopg.connect(settings.conninfo) as connection:
        connection.execute("UPDATE attempts SET until = now()")
    assert ask(api).status_code == 201


@pytest.mark.parametrize("varied", ["names", "addresses"])
def test_who_changes_the_name_or_the_address_has_to_wait_after_fifty(settings: Settings, varied: str) -> None:
    def credentials(number: int) -> tuple[str, str]:
        return (f"n{number}", "192.0.2.1") if varied == "names" else ("eva", f"192.0.2.{number}")

    async def run() -> None:
        async with connect(settings) as database:
            for number in range(50):
                await staff.count_attempt(database, *credentials(number))
            with pytest.raises(staff.TooManyAttemptsError):
                await staff.count_attempt(database, *credentials(50))
            await staff.count_attempt(database, "ulf", "192.0.2.99")

    asyncio.run(run())


def test_a_success_forgives_the_failures_before_it(api: httpx2.Client, settings: Settings) -> None:
    join(settings, "eva", Role.editor)
    for _ in range(3):
        assert [ask(api, password="wrong").status_code for _ in range(4)] == [401] * 4
        assert ask(api).status_code == 201


def test_failed_and_successful_logins_are_in_the_audit_log(api: httpx2.Client, settings: Settings) -> None:
    join(settings, "eva", Role.editor)
    ask(api, password="wrong")
    ask(api)
    with psycopg.connect(settings.conninfo) as connection:
        rows = connection.execute("SELECT actor, action, ip FROM audit_entry ORDER BY id").fetchall()
    assert rows == [("eva", "token.refuse", "127.0.0.1"), ("eva", "token.create", "127.0.0.1")]


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer x", "Basic ZXZhOng=", f"Bearer {'a' * 43}"])
def test_without_a_valid_token_the_desk_is_closed(api: httpx2.Client, header: str) -> None:
    answer = api.get("/v1/editorial/me", headers={"Authorization": header})
    assert (answer.status_code, answer.json()["type"]) == (401, "/problems/unauthenticated")


def test_an_expired_token_is_no_token(editor: httpx2.Client, settings: Settings) -> None:
    assert editor.get("/v1/editorial/me").status_code == 200
    with psycopg.connect(settings.conninfo) as connection:
        connection.execute("UPDATE staff_token SET expires_at = now()")
    assert editor.get("/v1/editorial/me").status_code == 401


def test_logins_are_listed_and_revoked_one_by_one(api: httpx2.Client, settings: Settings) -> None:
    join(settings, "eva", Role.editor)
    first, second = (ask(api).json() for _ in range(2))
    listed = api.get("/v1/editorial/tokens", headers=bearing(first["token"])).json()["items"]
    assert [item["current"] for item in listed] == [False, True, False]
    gone = api.delete(f"/v1/editorial/tokens/{second['login']['id']}", headers=bearing(first["token"]))
    assert gone.status_code == 204
    assert api.get("/v1/editorial/me", headers=bearing(second["token"])).status_code == 401
    assert api.get("/v1/editorial/me", headers=bearing(first["token"])).status_code == 200


def test_nobody_revokes_the_login_of_somebody_else(
    api: httpx2.Client, login: Login, settings: Settings
) -> None:
    other = login("ulf")
    join(settings, "eva", Role.editor)
    token = ask(api).json()
    assert other.delete(f"/v1/editorial/tokens/{token['login']['id']}").status_code == 404
    assert api.get("/v1/editorial/me", headers=bearing(token["token"])).status_code == 200


def test_logging_out_ends_this_login(editor: httpx2.Client) -> None:
    assert editor.delete("/v1/editorial/tokens/current").status_code == 204
    assert editor.get("/v1/editorial/me").status_code == 401


def test_a_new_password_needs_the_old_one_and_ends_the_other_logins(
    editor: httpx2.Client, api: httpx2.Client
) -> None:
    other = ask(api).json()["token"]
    wrong = editor.put("/v1/editorial/me/password", json={"current": "no", "new": "another good one"})
    assert (wrong.status_code, wrong.json()["reasons"][0]["code"]) == (409, "password.wrong")
    right = editor.put("/v1/editorial/me/password", json={"current": PASSWORD, "new": "another good one"})
    assert right.status_code == 204
    assert ask(api).status_code == 401
    assert ask(api, password="another good one").status_code == 201
    assert api.get("/v1/editorial/me", headers=bearing(other)).status_code == 401
    assert editor.get("/v1/editorial/me").status_code == 200


def test_the_current_password_is_guessed_no_oftener_than_at_a_login(
    editor: httpx2.Client, api: httpx2.Client, settings: Settings
) -> None:
    def change(current: str) -> httpx2.Response:
        new = {"current": current, "new": "another good one"}
        return editor.put("/v1/editorial/me/password", json=new)

    assert [change(f"guess {number}").status_code for number in range(5)] == [409] * 5
    refused = change(PASSWORD)
    assert (refused.status_code, refused.json()["type"]) == (429, "/problems/too-many-requests")
    assert 800 < int(refused.headers["retry-after"]) <= 901
    assert ask(api).status_code == 429
    with psycopg.connect(settings.conninfo) as connection:
        connection.execute("UPDATE attempts SET until = now()")
    assert change("wrong").status_code == 409
    assert change(PASSWORD).status_code == 204
    for _ in range(4):
        assert ask(api, password="wrong").status_code == 401, "the success has forgiven what was before"


def test_a_hundred_guesses_at_once_are_counted_one_by_one(server: Server, settings: Settings) -> None:
    join(settings, "eva", Role.editor)

    async def run() -> list[int]:
        async with httpx2.AsyncClient(base_url=server.client.base_url, timeout=60) as client:
            body = {"name": "eva", "password": "wrong"}
            asked = (client.post("/v1/editorial/tokens", json=body) for _ in range(20))
            return [answer.status_code for answer in await asyncio.gather(*asked)]

    statuses = asyncio.run(run())
    # Of so many at once a full house may send some away before they are counted.
    assert statuses.count(401) <= 5
    assert statuses.count(401) + statuses.count(429) + statuses.count(503) == 20
    assert statuses.count(429) > 0
