"""The editors' operations over HTTP, in the whole application, against a strict WeChat on a socket."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import httpx2
import psycopg
import pytest

from app.editorial.workflow import Role
from app.kit.settings import Settings
from app.wechat.accounts import Account, Mode
from tests.conftest import Publish, Server, Withdraw, serving
from tests.editorial.conftest import join
from tests.kit.wire import client_of
from tests.wechat.accounts_file import accounts_file
from tests.wechat.conftest import Newsroom, issue
from tests.wechat.reader import Reader
from tests.wechat.simulator import Simulator
from tests.wechat.test_publisher import SLUG, TODAY

ARTICLES = "/v1/editorial/wechat/articles"
ARTICLE = f"{ARTICLES}/{SLUG}"


@pytest.fixture
def application(settings: Settings, account: Account, tmp_path: Path, publish: Publish) -> Iterator[Server]:
    publish(issue(TODAY))
    configured = settings.model_copy(update={"wechat": accounts_file(tmp_path, account)})
    with serving(configured) as server:
        yield server


@pytest.fixture
def people(application: Server, settings: Settings) -> Iterator[dict[Role, httpx2.Client]]:
    """A client for somebody of each role."""
    with ExitStack() as clients:

        def client(role: Role) -> httpx2.Client:
            headers = {"Authorization": f"Bearer {join(settings, f'a.{role}', role)}"}
            return clients.enter_context(client_of(application.port, headers))

        yield {role: client(role) for role in Role}


@pytest.fixture
def editor(people: dict[Role, httpx2.Client]) -> httpx2.Client:
    return people[Role.editor]


@pytest.fixture
def reviewer(people: dict[Role, httpx2.Client]) -> httpx2.Client:
    return people[Role.reviewer]


@pytest.fixture
def administrator(people: dict[Role, httpx2.Client]) -> httpx2.Client:
    return people[Role.administrator]


def wish(client: httpx2.Client, name: str, **how: Any) -> httpx2.Response:
    """Ask for something by one who has just read the article."""
    headers = {"If-Match": client.get(ARTICLE).headers["etag"]}
    return client.post(f"{ARTICLE}/{name}", headers=headers, **how)


def test_an_article_is_drafted_published_and_watched(
    reviewer: httpx2.Client, newsroom: Newsroom, wechat: Simulator
) -> None:
    before = reviewer.get(ARTICLE).json()
    assert (before["state"], before["version"], before["steps"]) == ("new", 0, [])
    assert reviewer.get(ARTICLES).json() == {"items": [], "next": None}
    asked = wish(reviewer, "draft")
    assert (asked.status_code, asked.json()["state_name"], asked.json()["version"]) == (202, "未开始", 1)
    newsroom.work()
    (listed,) = reviewer.get(ARTICLES).json()["items"]
    assert (listed["slug"], listed["state"]) == (SLUG, "drafted")
    assert wish(reviewer, "publish", json={}).status_code == 202
    newsroom.work(3)
    detail = reviewer.get(ARTICLE).json()
    assert (detail["state"], detail["article_url"][:8]) == ("published", "https://")
    assert [step["step"] for step in detail["steps"]] == ["add-draft", "submit", "poll", "poll"]
    assert len(wechat.world.live()) == 1


def test_a_preview_shows_the_article_and_what_would_be_refused(
    editor: httpx2.Client, publish: Publish
) -> None:
    preview = editor.get(f"{ARTICLE}/preview").json()
    assert (preview["title"], preview["findings"]) == (f"新质生产力每日动态 {SLUG}", [])
    assert preview["html"].startswith("<section")
    publish(issue(TODAY).model_copy(update={"title": "长" * 33}))
    (finding,) = editor.get(f"{ARTICLE}/preview").json()["findings"]
    assert "32" in finding
    assert editor.get(f"{ARTICLE}/requests").json()["requests"] == []


@pytest.mark.parametrize(
    ("mode", "last"),
    [(None, "draft/add"), ("freepublish", "freepublish/submit"), ("sendall", "message/mass/sendall")],
)
def test_a_rehearsal_tells_the_exact_requests_and_sends_none(
    editor: httpx2.Client, wechat: Simulator, mode: str | None, last: str
) -> None:
    answer = editor.get(f"{ARTICLE}/requests", params={"mode": mode} if mode else {}).json()
    assert answer["findings"] == []
    calls = [each["url"].partition("/cgi-bin/")[2].partition("?")[0] for each in answer["requests"]]
    assert calls[0] == "material/add_material"
    assert calls[-1] == last
    (added,) = [each for each in answer["requests"] if "/draft/add?" in each["url"]]
    assert json.loads(added["body"])["articles"][0]["title"] == f"新质生产力每日动态 {SLUG}"
    assert added["size"] == len(added["body"].encode())
    assert answer["requests"][0]["body"] is None
    assert "access_token=ACCESS_TOKEN" in added["url"]
    assert not wechat.world.calls


def test_a_message_to_all_waits_for_an_administrator(
    reviewer: httpx2.Client, administrator: httpx2.Client, newsroom: Newsroom, wechat: Simulator
) -> None:
    assert wish(administrator, "confirm").json()["reasons"][0]["code"] == "article.missing"
    wish(reviewer, "publish", json={"mode": "sendall"})
    newsroom.work(2)
    waiting = reviewer.get(ARTICLE).json()
    assert waiting["state_name"] == "草稿已建，等待管理员确认群发"
    assert wechat.world.calls["message/mass/sendall"] == 0
    assert wish(administrator, "confirm").status_code == 202
    newsroom.work()
    assert wechat.world.calls["message/mass/sendall"] == 1
    again = wish(administrator, "confirm")
    assert (again.status_code, again.json()["reasons"][0]["code"]) == (409, "article.nothing-to-confirm")


def test_what_has_stopped_goes_on_when_it_is_retried(
    reviewer: httpx2.Client, newsroom: Newsroom, wechat: Simulator
) -> None:
    wechat.world.whitelist.clear()
    wish(reviewer, "draft")
    newsroom.work()
    stopped = reviewer.get(ARTICLE).json()
    assert (stopped["state"], stopped["needs_human"]) == ("new", True)
    assert "白名单" in stopped["trouble"]
    wechat.world.whitelist.add("127.0.0.1")
    assert wish(reviewer, "retry").json()["needs_human"] is False
    newsroom.work()
    assert reviewer.get(ARTICLE).json()["state"] == "drafted"


def test_what_was_never_asked_for_cannot_be_retried(reviewer: httpx2.Client) -> None:
    answer = wish(reviewer, "retry")
    assert (answer.status_code, answer.json()["reasons"][0]["code"]) == (409, "article.missing")
    assert reviewer.get(ARTICLES).json()["items"] == []


def test_reconciling_tells_what_is_different(
    reviewer: httpx2.Client, newsroom: Newsroom, wechat: Simulator
) -> None:
    wish(reviewer, "publish", json={})
    newsroom.work(4)
    assert reviewer.post("/v1/editorial/wechat/reconcile").json() == {"items": []}
    wechat.world.articles.clear()
    (different,) = reviewer.post("/v1/editorial/wechat/reconcile").json()["items"]
    assert different["slug"] == SLUG
    wechat.world.whitelist.clear()
    answer = reviewer.post("/v1/editorial/wechat/reconcile")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")
    assert "白名单" in answer.json()["detail"]


def test_a_wish_by_one_who_has_not_read_the_article_as_it_is_is_refused(
    reviewer: httpx2.Client, newsroom: Newsroom
) -> None:
    assert reviewer.post(f"{ARTICLE}/draft").status_code == 428
    read = reviewer.get(ARTICLE).headers["etag"]
    first = reviewer.post(f"{ARTICLE}/draft", headers={"If-Match": read})
    assert first.headers["etag"] == reviewer.get(ARTICLE).headers["etag"] != read
    stale = reviewer.post(f"{ARTICLE}/publish", headers={"If-Match": read}, json={})
    assert (stale.status_code, stale.headers["etag"]) == (412, first.headers["etag"])
    newsroom.work()
    assert reviewer.get(ARTICLE).headers["etag"] != first.headers["etag"]


def test_what_was_refused_leaves_no_article(reviewer: httpx2.Client) -> None:
    assert reviewer.post(f"{ARTICLE}/draft", headers={"If-Match": '"other"'}).status_code == 412
    assert reviewer.get(ARTICLES).json()["items"] == []


def test_articles_are_paged_from_the_newest(
    editor: httpx2.Client, newsroom: Newsroom, publish: Publish
) -> None:
    slugs = [(TODAY - timedelta(days=days)).isoformat() for days in range(3)]
    publish(*(issue(date.fromisoformat(slug)) for slug in slugs[1:]))
    for slug in slugs:
        newsroom.ask(slug, Mode.draft)
    first = editor.get(ARTICLES, params={"limit": 2})
    assert [each["slug"] for each in first.json()["items"]] == slugs[:2]
    second = editor.get(first.links["next"]["url"]).json()
    assert ([each["slug"] for each in second["items"]], second["next"]) == (slugs[2:], None)
    damaged = editor.get(ARTICLES, params={"limit": 2, "cursor": first.json()["next"][:-2]})
    assert (damaged.status_code, damaged.json()["type"]) == (422, "/problems/invalid-cursor")


def test_a_request_that_is_sent_again_is_done_once(reviewer: httpx2.Client, settings: Settings) -> None:
    headers = {"If-Match": reviewer.get(ARTICLE).headers["etag"], "Idempotency-Key": "one"}
    first, again = (reviewer.post(f"{ARTICLE}/draft", headers=headers) for _ in range(2))
    assert (first.status_code, again.status_code) == (202, 202)
    assert again.headers["idempotency-replayed"] == "true"
    assert again.json() == first.json()
    assert len(entries(settings)) == 1
    other = reviewer.post(f"{ARTICLE}/publish", headers=headers, json={})
    assert (other.status_code, other.json()["type"]) == (422, "/problems/idempotency-mismatch")


def entries(settings: Settings) -> list[tuple[Any, ...]]:
    with psycopg.connect(settings.conninfo) as connection:
        return connection.execute(
            "SELECT actor, action, object, before, after FROM audit_entry"
            " WHERE action LIKE 'wechat.%' ORDER BY id"
        ).fetchall()


def test_the_audit_log_tells_who_wished_what(
    reviewer: httpx2.Client, administrator: httpx2.Client, settings: Settings
) -> None:
    wish(reviewer, "publish", json={"mode": "sendall"})
    wish(administrator, "confirm")
    wish(reviewer, "retry")
    reviewer.post("/v1/editorial/wechat/reconcile")
    kept = entries(settings)
    assert [entry[:3] for entry in kept] == [
        ("a.reviewer", "wechat.publish", f"wechat:main:{SLUG}"),
        ("a.administrator", "wechat.confirm", f"wechat:main:{SLUG}"),
        ("a.reviewer", "wechat.retry", f"wechat:main:{SLUG}"),
        ("a.reviewer", "wechat.reconcile", "wechat:main"),
    ]
    _, _, _, before, after = kept[0]
    assert (before["version"], after["version"], after["goal"]) == (0, 1, "sendall")


def test_a_withdrawn_bulletin_is_asked_for_in_vain(
    reviewer: httpx2.Client, withdraw: Withdraw, newsroom: Newsroom
) -> None:
    wish(reviewer, "draft")
    newsroom.work()
    withdraw(SLUG)
    answer = wish(reviewer, "publish", json={})
    assert (answer.status_code, answer.json()["reasons"][0]["code"]) == (409, "bulletin.not-public")


def test_editors_see_what_readers_ask(application: Server, editor: httpx2.Client) -> None:
    Reader(application.client).say("数字孪生")
    (question,) = editor.get("/v1/editorial/wechat/questions").json()["items"]
    assert question == {"text": "数字孪生", "times": 1, "found": False}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "articles/2020-01-01", 404),
        ("GET", "articles/2020-13-45", 404),
        ("GET", "articles/2020-01-01/preview", 404),
        ("GET", "articles/2020-01-01/requests", 404),
        ("POST", "articles/2020-01-01/draft", 404),
        ("POST", "articles/2020-01-01/retry", 404),
        ("GET", "articles/../x", 404),
        ("GET", "articles/x", 422),
        ("GET", "articles?account=nobody", 422),
        ("GET", "articles?account=main&account=main", 422),
        ("GET", "articles?colour=red", 422),
        ("POST", f"articles/{SLUG}/draft?colour=red", 422),
        ("GET", "questions?days=0", 422),
        ("GET", f"articles/{SLUG}/requests?mode=post", 422),
        ("POST", "reconcile?account=nobody", 422),
    ],
)
def test_what_cannot_be_is_a_problem(reviewer: httpx2.Client, method: str, path: str, status: int) -> None:
    answer = reviewer.request(method, f"/v1/editorial/wechat/{path}")
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("body", [{"mode": "draft"}, {"colour": "red"}, [], None])
def test_a_way_of_publishing_that_does_not_exist_is_refused(reviewer: httpx2.Client, body: Any) -> None:
    assert wish(reviewer, "publish", json=body).status_code == 422


def test_without_an_account_there_are_no_articles(settings: Settings) -> None:
    headers = {"Authorization": f"Bearer {join(settings, 'ann', Role.editor)}"}
    with serving(settings) as server:
        answer = server.client.get(ARTICLES, headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/not-found")
