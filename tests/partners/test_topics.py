import datetime as dt
from types import SimpleNamespace
from typing import Any

import feedparser  # type: ignore[import-untyped]
import httpx2
import pytest

from app.kit.settings import Settings
from app.partners import digests, messages
from app.partners.usage import SHANGHAI
from tests.conftest import Publish, Withdraw
from tests.partners.conftest import MakeKey, Partner, Within, bearer
from tests.partners.hooks import body, deliver, fan_out, finished
from tests.partners.receiver import Receiver
from tests.partners.test_sync import bulletin, slug


@pytest.fixture(autouse=True)
def _settled_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(messages, "SETTLING", dt.timedelta(0))


def save(partner: Partner, name: str = "算力", **query: Any) -> dict[str, Any]:
    answer = ask(partner, "POST", "", {"name": name, "query": query})
    assert answer.status_code == 201, answer.text
    topic: dict[str, Any] = answer.json()
    return topic


def ask(partner: Partner, method: str, path: str, json: Any = None) -> httpx2.Response:
    return partner.client.request(
        method, f"/v1/partners/topics{path}", json=json, headers=bearer(partner.key)
    )


def found(partner: Partner, topic: dict[str, Any]) -> list[str]:
    return [item["slug"] for item in ask(partner, "GET", f"/{topic['id']}").json()["items"]]


def test_a_topic_finds_what_the_search_finds_now_and_later(
    partner: Partner, publish: Publish, withdraw: Withdraw, hooks: Settings
) -> None:
    publish(bulletin(1, abstract="湖北的數據要素改革。"), bulletin(2, abstract="储能。"))
    topic = save(partner, q="数据要素 湖北")
    assert found(partner, topic) == [slug(1)]  # Traditional characters, as the search reads them
    publish(bulletin(3, abstract="湖北发布数据要素案例。"), bulletin(1, abstract="与此无关。"))
    fan_out(hooks)
    assert found(partner, topic) == [slug(3)]
    withdraw(slug(3))
    fan_out(hooks)
    assert found(partner, topic) == []


def test_filters_and_words_of_a_topic_combine(partner: Partner, publish: Publish) -> None:
    publish(bulletin(1, "compute"), bulletin(2, "compute", "energy"), bulletin(3, "energy"))
    assert found(partner, save(partner, "甲", tag=["compute"], **{"tag.not": ["energy"]})) == [slug(1)]
    assert found(partner, save(partner, "乙", tag=["energy"], q="算力", **{"from": slug(3)})) == [slug(3)]


def test_an_endpoint_hears_what_enters_and_leaves_its_topic(
    partner: Partner, receiver: Receiver, publish: Publish, hooks: Settings
) -> None:
    topic = save(partner, q="储能")
    partner.add(receiver.url(), topic=topic["id"])
    publish(bulletin(1, abstract="储能项目。"), bulletin(2, abstract="别的。"))
    deliver(hooks, finished(hooks, 1))
    publish(bulletin(1, abstract="不再提它。"))
    deliver(hooks, finished(hooks, 2))
    told = [(body(r)["data"]["id"], body(r)["data"]["action"]) for r in receiver.received]
    assert told == [(slug(1), "put"), (slug(1), "remove")]


def test_a_digest_is_sent_once_with_what_the_day_brought(
    partner: Partner, receiver: Receiver, publish: Publish, hooks: Settings, within: Within
) -> None:
    topic = save(partner, q="储能")
    partner.add(receiver.url(), topic=topic["id"], events=["topic.digest"])
    publish(bulletin(1, abstract="储能项目。"), bulletin(2, abstract="别的。"))
    fan_out(hooks)
    today = dt.datetime.now(SHANGHAI).date()
    assert within(lambda session: digests.send(session, today)) == 1
    assert within(lambda session: digests.send(session, today)) == 0
    assert within(lambda session: digests.send(session, today - dt.timedelta(days=1))) == 0
    deliver(hooks, finished(hooks, 1))
    (received,) = receiver.received
    told = body(received)
    assert (told["type"], [item["slug"] for item in told["data"]["items"]]) == ("topic.digest", [slug(1)])
    asked = ask(partner, "GET", f"/{topic['id']}/digest?day={today}").json()
    assert asked == told["data"]


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
def test_a_day_at_the_end_of_the_calendar_has_an_empty_digest(partner: Partner, day: str) -> None:
    topic = save(partner, q="储能")
    assert ask(partner, "GET", f"/{topic['id']}/digest?day={day}").json()["items"] == []


@pytest.mark.parametrize("extension", ["atom", "rss", "json"])
def test_a_topic_has_feeds_that_change_with_what_it_finds(
    partner: Partner, publish: Publish, withdraw: Withdraw, hooks: Settings, extension: str
) -> None:
    topic = save(partner, q="储能")
    address = f"/{topic['id']}/feed.{extension}"
    assert entries(ask(partner, "GET", address)) == []
    publish(
        bulletin(1, abstract="储能项目。"), bulletin(2, abstract="别的。"), bulletin(3, abstract="储能。")
    )
    fan_out(hooks)
    feed = ask(partner, "GET", address)
    assert {entry.title for entry in entries(feed)} == {bulletin(1).title, bulletin(3).title}
    assert feed.headers["cache-control"] == "private, no-cache"
    head = {**bearer(partner.key), "If-None-Match": feed.headers["etag"]}
    assert partner.client.get(f"/v1/partners/topics{address}", headers=head).status_code == 304
    public = f"/v1/feed.{extension}"
    assert {entry.id for entry in entries(feed)} < {e.id for e in entries(partner.client.get(public))}
    withdraw(slug(1))
    fan_out(hooks)
    assert [e.title for e in entries(ask(partner, "GET", address))] == [bulletin(3).title]
    assert partner.client.get(f"/v1/partners/topics{address}").status_code == 401


def entries(feed: httpx2.Response) -> list[Any]:
    """The entries that an independent parser finds."""
    assert feed.status_code == 200, feed.text
    if feed.headers["content-type"] == "application/feed+json":
        return [SimpleNamespace(**item) for item in feed.json()["items"]]
    parsed = feedparser.parse(feed.content)
    assert not parsed.bozo
    found: list[Any] = parsed.entries
    return found


def test_saving_a_topic_again_with_its_key_is_answered_with_the_first(partner: Partner) -> None:
    wanted = {"name": "甲", "query": {"q": "储能"}}
    head = {**bearer(partner.key), "Idempotency-Key": "once"}
    answers = [partner.client.post("/v1/partners/topics", json=wanted, headers=head) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    assert len(ask(partner, "GET", "").json()["items"]) == 1


def test_topics_belong_to_their_partner_and_stay_while_they_are_followed(
    hooks_api: httpx2.Client, partner: Partner, receiver: Receiver, make_key: MakeKey
) -> None:
    topic = save(partner, q="储能")
    again = ask(partner, "POST", "", {"name": "另一个", "query": {"q": "储能"}})
    assert again.status_code == 409
    other = Partner(hooks_api, make_key("国家数据局"))
    assert ask(other, "GET", f"/{topic['id']}").status_code == 404
    assert other.post(json={"url": receiver.url(), "topic": topic["id"]}).status_code == 404
    endpoint = partner.add(receiver.url(), topic=topic["id"])
    assert ask(partner, "DELETE", f"/{topic['id']}").status_code == 409
    hooks_api.delete(f"/v1/partners/webhooks/{endpoint['id']}", headers=bearer(partner.key))
    assert ask(partner, "DELETE", f"/{topic['id']}").status_code == 204
    assert ask(partner, "GET", "").json()["items"] == []


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"name": "", "query": {"q": "储能"}},
        {"name": "甲", "query": {"q": "，"}},
        {"name": "甲", "query": {"tag": ["no-such-tag"]}},
        {"name": "甲", "query": {"colour": "red"}},
        {"name": "甲", "query": {"q": "长" * 600}},
    ],
)
def test_what_is_not_understood_is_refused(partner: Partner, wrong: Any) -> None:
    assert ask(partner, "POST", "", wrong).status_code == 422
