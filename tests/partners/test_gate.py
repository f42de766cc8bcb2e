import re
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import httpx2
import psycopg
import pytest

from app.kit.settings import Settings
from app.partners import keys
from tests.conftest import Server, serving
from tests.partners.conftest import Later, MakeKey, Within, bearer, limited

TAGS = "/v1/tags?limit=1"


@pytest.fixture
def strict(settings: Settings) -> Iterator[httpx2.Client]:
    """An API that allows three anonymous requests, and five of a partner."""
    rates = {"limits_anonymous": "3/year", "limits_partner": "5/year;100/month"}
    with serving(limited(settings, **rates)) as server:
        yield server.client


def problem(answer: httpx2.Response) -> str:
    assert answer.headers["content-type"] == "application/problem+json"
    return str(answer.json()["type"]).rpartition("/")[2]


def test_anonymous_requests_are_counted_and_refused_after_the_quota(strict: httpx2.Client) -> None:
    left = []
    for _ in range(3):
        answer = strict.get(TAGS)
        assert answer.status_code == 200
        assert answer.headers["ratelimit-policy"] == '"anonymous-year";q=3;w=31104000'
        found = re.fullmatch(r'"anonymous-year";r=(\d);t=(\d+)', answer.headers["ratelimit"])
        assert found
        left.append(int(found[1]))
    assert left == [2, 1, 0]
    refused = strict.get(TAGS)
    assert (refused.status_code, problem(refused)) == (429, "too-many-requests")
    assert 0 < int(refused.headers["retry-after"]) <= 31_104_000
    assert '"anonymous-year";r=0;' in refused.headers["ratelimit"]


def test_answers_from_memory_are_counted_and_refused_as_others_are(strict: httpx2.Client) -> None:
    ages = [strict.get(TAGS).headers.get("age") for _ in range(3)]
    assert None not in ages[1:]
    assert strict.get(TAGS).status_code == 429


def test_pages_of_allowed_websites_can_read_refusals(settings: Settings) -> None:
    site = {"Origin": "https://gyznsw.cn"}
    rates = {"limits_anonymous": "2/year", "cors_origins": (site["Origin"],)}
    with serving(limited(settings, **rates)) as server:
        asked = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "if-none-match"}
        for _ in range(3):  # A browser asks by itself: that is not counted.
            assert server.client.options(TAGS, headers={**site, **asked}).status_code == 200
        answers = [
            server.client.get("/v1/tags?api_key=abc", headers=site),
            server.client.get(TAGS, headers={**site, **bearer("nqpf_live_")}),
            server.client.get("/v1/partners/usage", headers=site),
            server.client.get(TAGS, headers=site),
        ]
    assert [answer.status_code for answer in answers] == [400, 401, 401, 429]
    for answer in answers:
        assert answer.headers.get_list("access-control-allow-origin") == [site["Origin"]]
        assert "Retry-After" in answer.headers["access-control-expose-headers"]


def test_unchanged_answers_and_pages_that_are_no_content_are_not_counted(strict: httpx2.Client) -> None:
    first = strict.get(TAGS)
    for _ in range(10):
        again = strict.get(TAGS, headers={"If-None-Match": first.headers["etag"]})
        assert (again.status_code, again.headers["ratelimit"][:20]) == (304, first.headers["ratelimit"][:20])
        assert strict.get("/health/live").status_code == 200
    assert strict.get(TAGS).status_code == 200


def test_the_last_request_pays_for_any_number_of_unchanged_answers_and_without_it_they_are_refused(
    strict: httpx2.Client, make_key: MakeKey
) -> None:
    for key, quota in ({}, 3), (bearer(make_key()), 5):
        first = strict.get(TAGS, headers=key)
        unchanged = {**key, "If-None-Match": first.headers["etag"]}
        for _ in range(quota - 2):
            assert strict.get(TAGS, headers=key).status_code == 200
        assert [strict.get(TAGS, headers=unchanged).status_code for _ in range(4)] == [304] * 4
        last = strict.get(TAGS, headers=key)
        assert (last.status_code, "r=0;" in last.headers["ratelimit"]) == (200, True)
        refused = strict.get(TAGS, headers=unchanged)
        assert (refused.status_code, problem(refused)) == (429, "too-many-requests")
        assert int(refused.headers["retry-after"]) > 0
        assert strict.get("/v1/exports", headers=key).status_code != 429


def test_what_is_refused_does_not_use_up_the_longer_quota(settings: Settings) -> None:
    with serving(limited(settings, limits_anonymous="1/month;3/year")) as server:
        server.client.get(TAGS)
        for _ in range(5):
            refused = server.client.get(TAGS)
            assert refused.status_code == 429
        assert '"anonymous-year";r=2;' in refused.headers["ratelimit"]


def test_a_key_has_its_partners_quota_and_two_keys_share_it(strict: httpx2.Client, make_key: MakeKey) -> None:
    one, other = bearer(make_key()), bearer(make_key())
    statuses = [strict.get(TAGS, headers=key).status_code for key in (one, other, one, other, one)]
    assert statuses == [200] * 5
    refused = strict.get(TAGS, headers=other)
    assert refused.status_code == 429
    assert '"partner-year";r=0;' in refused.headers["ratelimit"]
    assert strict.get(TAGS).status_code == 200  # the address has its own count
    assert strict.get(TAGS, headers=bearer(make_key("国家数据局"))).status_code == 200


def test_internal_keys_have_the_internal_plan(strict: httpx2.Client, make_key: MakeKey) -> None:
    answer = strict.get(TAGS, headers=bearer(make_key("website", plan="internal")))
    assert '"internal-day";q=5000000' in answer.headers["ratelimit-policy"]


@pytest.mark.parametrize("token", ["nqpf_live_", "nqpf_live_aaaaaaaaaa_" + "x" * 43, "somebody-elses-token"])
def test_an_unknown_key_is_refused_and_guessing_is_counted(strict: httpx2.Client, token: str) -> None:
    for _ in range(3):
        answer = strict.get(TAGS, headers=bearer(token))
        assert (answer.status_code, problem(answer)) == (401, "unauthenticated")
        assert answer.headers["www-authenticate"] == "Bearer"
    assert strict.get(TAGS, headers=bearer(token)).status_code == 429
    assert strict.get(TAGS).status_code == 429


@pytest.mark.parametrize(
    ("before", "after"), [("bearer ", ""), ("Bearer   ", "  "), ("BEARER \t", "\t"), ("Bearer ", " \t ")]
)
def test_a_key_may_stand_between_blanks(server: Server, make_key: MakeKey, before: str, after: str) -> None:
    lines = [
        "GET /v1/partners/usage HTTP/1.1",
        "Host: x",
        "Connection: close",
        f"Authorization: {before}{make_key()}{after}",
    ]
    with socket.create_connection(("127.0.0.1", server.port), 20) as client:
        client.sendall("\r\n".join([*lines, "", ""]).encode())
        said = b"".join(iter(lambda: client.recv(65_536), b""))
    assert said.startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("form", ["{}", "Bearer{}", "Token {}", "Bearer {} x", "Basic {}"])
def test_a_key_that_is_sent_in_another_way_is_refused_with_the_right_one(
    api: httpx2.Client, make_key: MakeKey, form: str
) -> None:
    answer = api.get(TAGS, headers={"Authorization": form.format(make_key())})
    assert (answer.status_code, problem(answer)) == (401, "unauthenticated")
    assert "`Authorization: Bearer …`" in answer.json()["detail"]


def test_a_key_with_a_wrong_secret_is_unknown(api: httpx2.Client, make_key: MakeKey) -> None:
    key = make_key()
    wrong = key[:-1] + ("A" if key[-1] != "A" else "B")
    assert api.get(TAGS, headers=bearer(wrong)).json()["detail"] == "This key is unknown."
    assert api.get(TAGS, headers=bearer(key)).status_code == 200


def test_a_revoked_key_is_refused_after_some_seconds_however_often_it_is_used(
    api: httpx2.Client, make_key: MakeKey, within: Within, later: Later
) -> None:
    key = make_key()
    assert api.get(TAGS, headers=bearer(key)).status_code == 200
    within(lambda session: keys.revoke_key(session, key.split("_")[2]))
    for _ in range(4):
        later(keys.REMEMBERED_SECONDS / 4 - 0.05)
        api.get(TAGS, headers=bearer(key))
    later(0.2)
    answer = api.get(TAGS, headers=bearer(key))
    assert (answer.status_code, answer.json()["detail"]) == (401, "This key was revoked.")


def test_an_expired_key_is_refused(api: httpx2.Client, make_key: MakeKey) -> None:
    key = make_key(lifetime=timedelta(seconds=-1))
    answer = api.get(TAGS, headers=bearer(key))
    assert (answer.status_code, answer.json()["detail"]) == (401, "This key has expired.")


def test_a_key_that_is_remembered_expires_in_time(
    api: httpx2.Client, make_key: MakeKey, later: Later
) -> None:
    key = make_key(lifetime=timedelta(seconds=keys.REMEMBERED_SECONDS / 2))
    assert api.get(TAGS, headers=bearer(key)).status_code == 200
    later(keys.REMEMBERED_SECONDS / 2)
    assert api.get(TAGS, headers=bearer(key)).json()["detail"] == "This key has expired."


def test_a_key_in_use_goes_on_for_a_while_when_the_database_hangs(
    settings: Settings, api: httpx2.Client, make_key: MakeKey, later: Later, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys, "_PATIENCE_SECONDS", 0.1)
    key = bearer(make_key())
    assert api.get(TAGS, headers=key).status_code == 200
    with psycopg.connect(settings.conninfo) as connection:
        connection.execute("LOCK TABLE partner_key")
        for _ in range(int(keys.AWAY_SECONDS / 6)):
            later(5.9)
            assert api.get(TAGS, headers=key).status_code == 200
        later(5)
        with pytest.raises(httpx2.ReadTimeout):
            api.get(TAGS, headers=key, timeout=0.5)
    assert api.get(TAGS, headers=key).status_code == 200


def test_a_key_is_kept_as_a_digest_only(make_key: MakeKey, settings: Settings) -> None:
    key = make_key()
    with psycopg.connect(settings.conninfo) as connection:
        rows = connection.execute("SELECT k::text FROM partner_key k").fetchall()
    assert key.split("_", 3)[3] not in str(rows)


@pytest.mark.parametrize(
    "address",
    [
        "/v1/tags?api_key=abc",
        "/v1/tags?limit=1&KEY=abc",
        "/v1/tags?access_token=abc",
        "/v1/tags?token={key}",
        "/v1/tags?whatever={quoted}",
        "/v1/bulletins/{key}",
        "/health/live?key={key}",
    ],
)
def test_a_key_in_the_address_is_refused_and_logged_nowhere(
    server: Server, make_key: MakeKey, address: str, capfd: pytest.CaptureFixture[str]
) -> None:
    key = make_key()
    quoted = key.replace("_", "%5F")
    answer = server.client.get(address.format(key=key, quoted=quoted))
    assert (answer.status_code, problem(answer)) == (400, "key-in-address")
    assert key not in answer.text
    said = capfd.readouterr()
    assert key not in said.out + said.err
    assert quoted not in said.out + said.err


def test_rotation_leaves_both_keys_good_for_a_while(
    api: httpx2.Client, make_key: MakeKey, within: Within
) -> None:
    old = make_key(scopes=["read", "sync"])
    made, new = within(lambda session: keys.replace_key(session, old.split("_")[2], timedelta(hours=1)))
    assert made.scopes == ["read", "sync"]
    assert [api.get(TAGS, headers=bearer(key)).status_code for key in (old, new)] == [200, 200]
    late = make_key("国家数据局")
    within(lambda session: keys.replace_key(session, late.split("_")[2], timedelta(0)))
    assert api.get(TAGS, headers=bearer(late)).status_code == 401


def test_usage_tells_what_each_key_asked_of_each_route(strict: httpx2.Client, make_key: MakeKey) -> None:
    key, other = make_key(), make_key()
    first = strict.get(TAGS, headers=bearer(key))
    strict.get(TAGS, headers={**bearer(key), "If-None-Match": first.headers["etag"]})
    strict.get("/v1/tags/nothing-like-it", headers=bearer(key))
    strict.get("/v1/nowhere", headers=bearer(key))
    strict.get("/v1/sources", headers=bearer(other))
    report = strict.get("/v1/partners/usage", headers=bearer(key)).json()
    figures = {
        (row["key"], row["route"]): (row["requests"], row["unchanged"], row["refused"])
        for row in report["items"]
    }
    assert figures == {
        (key.split("_")[2], "/v1/tags"): (1, 1, 0),
        (other.split("_")[2], "/v1/sources"): (1, 0, 0),
    }
    assert report["quotas"][0] == {"window": "year", "seconds": 31_104_000, "requests": 5}
    assert strict.get(TAGS, headers=bearer(key)).status_code == 429
    with_refusals = strict.get("/v1/partners/usage", headers=bearer(make_key("国家数据局"))).json()
    assert with_refusals["items"] == []  # others' figures are their own


def test_usage_needs_a_key_and_a_sensible_range(api: httpx2.Client, make_key: MakeKey) -> None:
    assert api.get("/v1/partners/usage").status_code == 401
    query = {"from": "2026-01-01", "to": "2026-12-31"}
    assert api.get("/v1/partners/usage", params=query, headers=bearer(make_key())).status_code == 422


@pytest.mark.parametrize("query", ["to=0001-01-01", "to=0001-01-30", "from=9999-12-31", "to=9999-12-31"])
def test_usage_ends_where_the_calendar_does(api: httpx2.Client, make_key: MakeKey, query: str) -> None:
    answer = api.get(f"/v1/partners/usage?{query}", headers=bearer(make_key()))
    assert (answer.status_code, answer.json()["items"]) == (200, [])


def test_many_requests_at_once_are_counted_exactly(settings: Settings) -> None:
    with serving(limited(settings, limits_anonymous="20/year")) as server, ThreadPoolExecutor(10) as pool:
        statuses = list(pool.map(lambda _: server.client.get(TAGS).status_code, range(50)))
    assert sorted(set(statuses)) == [200, 429]
    assert statuses.count(200) == 20


def test_the_last_use_of_a_key_is_kept(settings: Settings, make_key: MakeKey) -> None:
    key = make_key()
    with serving(settings) as server:
        server.client.get(TAGS, headers=bearer(key))
    with psycopg.connect(settings.conninfo) as connection:
        assert connection.execute("SELECT last_used_at IS NOT NULL FROM partner_key").fetchone() == (True,)
