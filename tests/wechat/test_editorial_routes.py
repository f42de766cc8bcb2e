"""The editors' routes, mounted as whoever grants rights will mount them."""

from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from app.kit.settings import Settings
from app.wechat.accounts import Account
from app.wechat.editorial_routes import router
from tests.conftest import Publish, serving
from tests.wechat.accounts_file import accounts_file
from tests.wechat.conftest import Newsroom, issue
from tests.wechat.reader import Reader
from tests.wechat.simulator import Simulator
from tests.wechat.test_publisher import SLUG, TODAY


@pytest.fixture
def editors(
    settings: Settings, account: Account, tmp_path: Path, publish: Publish
) -> Iterator[httpx2.Client]:
    publish(issue(TODAY))
    configured = settings.model_copy(update={"wechat": accounts_file(tmp_path, account)})
    with serving(configured, router) as server:
        yield server.client


def test_an_article_is_previewed_asked_for_watched_and_published(
    editors: httpx2.Client, newsroom: Newsroom, wechat: Simulator
) -> None:
    address = f"/v1/editorial/wechat/articles/{SLUG}"
    preview = editors.get(f"{address}/preview").json()
    assert (preview["title"], preview["findings"]) == (f"新质生产力每日动态 {SLUG}", [])
    asked = editors.post(f"{address}/draft")
    assert (asked.status_code, asked.json()["state_name"]) == (202, "未开始")
    newsroom.work()
    assert editors.get("/v1/editorial/wechat/articles").json()["items"][0]["state"] == "drafted"
    assert editors.post(f"{address}/publish", json={}).status_code == 202
    newsroom.work(3)
    detail = editors.get(address).json()
    assert (detail["state"], detail["article_url"][:8]) == ("published", "https://")
    assert [step["step"] for step in detail["steps"]] == ["add-draft", "submit", "poll", "poll"]
    assert editors.post(f"{address}/retry").status_code == 202
    assert editors.post("/v1/editorial/wechat/reconcile").json() == {"items": []}
    wechat.world.articles.clear()
    (different,) = editors.post("/v1/editorial/wechat/reconcile").json()["items"]
    assert different["slug"] == SLUG


def test_editors_see_what_readers_ask(editors: httpx2.Client) -> None:
    Reader(editors).say("数字孪生")
    (question,) = editors.get("/v1/editorial/wechat/questions").json()["items"]
    assert question == {"text": "数字孪生", "times": 1, "found": False}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "articles/2020-01-01", 404),
        ("GET", "articles/2020-01-01/preview", 404),
        ("POST", "articles/2020-01-01/draft", 404),
        ("POST", "articles/2020-01-01/retry", 404),
        ("GET", "articles/../x", 404),
        ("GET", "articles/x", 422),
        ("GET", "articles?account=nobody", 422),
        ("GET", "articles?colour=red", 422),
        ("GET", "questions?days=0", 422),
        ("POST", f"articles/{SLUG}/publish", 422),
    ],
)
def test_what_cannot_be_is_a_problem(editors: httpx2.Client, method: str, path: str, status: int) -> None:
    answer = editors.request(method, f"/v1/editorial/wechat/{path}")
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_wechat_that_refuses_us_is_unavailable(
    editors: httpx2.Client, newsroom: Newsroom, wechat: Simulator
) -> None:
    editors.post(f"/v1/editorial/wechat/articles/{SLUG}/draft")
    newsroom.work()
    wechat.world.whitelist.clear()
    answer = editors.post("/v1/editorial/wechat/reconcile")
    assert answer.status_code == 503
    assert "白名单" in answer.json()["detail"]
