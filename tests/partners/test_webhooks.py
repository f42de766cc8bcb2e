from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr, TypeAdapter
from standardwebhooks import Webhook, WebhookVerificationError

from app.kit.settings import Settings
from app.partners import messages
from app.partners.examples import DELIVERY
from app.partners.webhook_schemas import DeliveryDetail
from tests.conftest import Publish, serving
from tests.partners.conftest import MakeKey, Partner, bearer
from tests.partners.hooks import (
    body,
    deliver,
    execute,
    finished,
    rows,
)
from tests.partners.receiver import Receiver
from tests.partners.test_sync import bulletin


@pytest.fixture(autouse=True)
def _settled_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(messages, "SETTLING", timedelta(0))


def etag(partner: Partner, endpoint: dict[str, Any]) -> str:
    return partner.ask("GET", f"/{endpoint['id']}").headers["etag"]


def rotate(partner: Partner, endpoint: dict[str, Any]) -> httpx2.Response:
    return partner.post(f"/{endpoint['id']}/secret", if_match=etag(partner, endpoint))


def test_while_secrets_change_over_both_verify(
    partner: Partner, receiver: Receiver, publish: Publish, hooks: Settings
) -> None:
    endpoint = partner.add(receiver.url())
    secrets = [endpoint["secret"], rotate(partner, endpoint).json()["secret"]]
    publish(bulletin(1))
    deliver(hooks, finished(hooks, 1))
    for secret in secrets:
        Webhook(secret).verify(receiver.received[0].body, receiver.received[0].headers)
    execute(hooks, "UPDATE webhook_endpoint SET former_until = now()")
    publish(bulletin(2))
    deliver(hooks, finished(hooks, 2))
    Webhook(secrets[1]).verify(receiver.received[1].body, receiver.received[1].headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(secrets[0]).verify(receiver.received[1].body, receiver.received[1].headers)


def test_a_new_secret_that_is_asked_for_again_does_not_replace_one_that_nobody_has_seen(
    partner: Partner, receiver: Receiver
) -> None:
    path = f"/{partner.add(receiver.url())['id']}"
    read = partner.ask("GET", path).headers["etag"]
    assert partner.post(f"{path}/secret").status_code == 428
    assert partner.post(f"{path}/secret", if_match=read).status_code == 200
    again = partner.post(f"{path}/secret", if_match=read)
    assert (again.status_code, again.json()["type"]) == (412, "/problems/precondition-failed")
    assert again.headers["etag"] == partner.ask("GET", path).headers["etag"] != read


def test_an_endpoint_is_changed_in_part_and_never_by_who_has_read_an_older_one(
    partner: Partner, receiver: Receiver, publish: Publish, hooks: Settings
) -> None:
    endpoint = partner.add(receiver.url("/old"), filters={"tag": ["compute"]}, description="甲")
    path = f"/{endpoint['id']}"
    read = etag(partner, endpoint)
    wanted = {"url": receiver.url("/new"), "filters": {"tag": ["energy"]}}
    assert partner.ask("PATCH", path, wanted).status_code == 428
    changed = partner.ask("PATCH", path, wanted, if_match=read)
    assert changed.status_code == 200
    shown = {name: value for name, value in endpoint.items() if name != "secret"}
    assert changed.json() == partner.get(path) == {**shown, **wanted}
    assert changed.headers["etag"] == etag(partner, endpoint) != read
    assert partner.ask("PATCH", path, {"description": "乙"}, if_match=read).status_code == 412
    publish(bulletin(1, "compute"), bulletin(2, "energy"))
    deliver(hooks, finished(hooks, 1))
    assert [(r.path, body(r)["data"]["id"]) for r in receiver.received] == [("/new", bulletin(2).slug)]


def test_a_change_of_an_endpoint_is_checked_as_a_new_one_is(
    partner: Partner, receiver: Receiver, make_key: MakeKey
) -> None:
    endpoint = partner.add(receiver.url(), filters={"tag": ["compute"]})
    partner.add(receiver.url("/other"))
    path, read = f"/{endpoint['id']}", etag(partner, endpoint)
    saved = partner.client.post(
        "/v1/partners/topics", json={"name": "甲", "query": {"q": "储能"}}, headers=bearer(partner.key)
    ).json()["id"]
    wrong = [
        {"url": "https://10.0.0.1/"},
        {"url": None},
        {"events": ["nothing.happened"]},
        {"filters": {"tag": ["no-such-tag"]}},
        {"topic": saved},  # beside the filters
        {"status": "active"},
    ]
    for each in wrong:
        refused = partner.ask("PATCH", path, each, if_match=read)
        assert refused.status_code == 422, each
    same = {"url": receiver.url("/other"), "filters": {}}
    assert partner.ask("PATCH", path, same, if_match=read).status_code == 409
    assert etag(partner, endpoint) == read
    followed = partner.ask("PATCH", path, {"topic": saved, "filters": {}}, if_match=read)
    assert (followed.json()["topic"], followed.json()["filters"]) == (saved, {})
    back = partner.ask("PATCH", path, {"topic": None}, if_match=followed.headers["etag"])
    assert back.json()["topic"] is None
    other = Partner(partner.client, make_key("国家数据局"))
    assert other.ask("PATCH", path, {"description": "乙"}, if_match=read).status_code == 404


def test_a_post_that_is_sent_again_with_its_key_is_done_once(
    partner: Partner, receiver: Receiver, make_key: MakeKey
) -> None:
    path = f"/{partner.add(receiver.url())['id']}/test"
    first, again = [partner.post(path, idempotency_key="once") for _ in range(2)]
    assert (first.status_code, first.content) == (again.status_code, again.content) == (202, again.content)
    assert again.headers["idempotency-replayed"] == "true"
    assert len(partner.get(path.replace("/test", "/deliveries"))["items"]) == 1
    mismatch = partner.post(path.replace("/test", "/pause"), idempotency_key="once")
    assert mismatch.json()["type"] == "/problems/idempotency-mismatch"
    other = Partner(partner.client, make_key("国家数据局"))
    mine = f"/{other.add(receiver.url())['id']}/test"
    assert "idempotency-replayed" not in other.post(mine, idempotency_key="once").headers


def test_there_are_never_more_endpoints_or_topics_than_allowed_or_the_same_twice_however_many_ask_at_once(
    partner: Partner, receiver: Receiver, hooks: Settings
) -> None:
    partner.add(receiver.url())
    execute(
        hooks,
        """INSERT INTO webhook_endpoint
           (id, partner_id, url, description, events, filters, selection, secret)
           SELECT gen_random_uuid(), partner_id, url || number, '', '[]', '{}', '{}', secret
           FROM webhook_endpoint, generate_series(1, 46) number""",
    )
    execute(
        hooks,
        """INSERT INTO saved_topic (id, partner_id, name, query)
           SELECT gen_random_uuid(), id, 'topic ' || number, jsonb_build_object('q', number)
           FROM partner, generate_series(1, 48) number""",
    )

    def add(number: int) -> int:
        return partner.post(json={"url": receiver.url(f"/new/{number}")}).status_code

    def save(number: int) -> int:
        topic = {"name": f"新 {number}", "query": {"q": f"新 {number}"}}
        path = "/v1/partners/topics"
        return partner.client.post(path, json=topic, headers=bearer(partner.key)).status_code

    with ThreadPoolExecutor(10) as pool:
        assert sorted(pool.map(add, [0] * 10)) == [201] + [409] * 9
        assert sorted(pool.map(add, range(1, 11))) == [201] * 2 + [409] * 8
        assert sorted(pool.map(save, range(10))) == [201] * 2 + [409] * 8
    assert len(partner.get()["items"]) == 50


def test_secrets_are_sealed_where_a_key_is_set(
    hooks: Settings, make_key: MakeKey, receiver: Receiver, publish: Publish
) -> None:
    sealed = hooks.model_copy(update={"secrets_keys": (SecretStr(Fernet.generate_key().decode()),)})
    with serving(sealed) as server:
        endpoint = Partner(server.client, make_key()).add(receiver.url())
    ((kept,),) = rows(hooks, "SELECT secret FROM webhook_endpoint")
    assert kept.startswith("fernet:")
    publish(bulletin(1))
    deliver(sealed, finished(sealed, 1))
    Webhook(endpoint["secret"]).verify(receiver.received[0].body, receiver.received[0].headers)


def test_paused_messages_wait_and_are_sent_when_it_is_resumed(
    partner: Partner, receiver: Receiver, publish: Publish, hooks: Settings
) -> None:
    endpoint, other = partner.add(receiver.url("/paused")), partner.add(receiver.url("/other"))
    assert partner.post(f"/{endpoint['id']}/pause").json()["status"] == "paused"
    assert partner.post(f"/{endpoint['id']}/test").status_code == 409
    publish(bulletin(1))
    deliver(hooks, finished(hooks, 1))
    assert {r.path for r in receiver.received} == {"/other"}
    assert partner.post(f"/{endpoint['id']}/resume").json()["status"] == "active"
    deliver(hooks, finished(hooks, 2))
    assert [r.path for r in receiver.received] == ["/other", "/paused"]
    assert partner.deliveries(other)[0]["state"] == "delivered"


def test_what_was_sent_can_be_replayed_one_or_a_range_with_the_same_id(
    partner: Partner, receiver: Receiver, publish: Publish, hooks: Settings
) -> None:
    endpoint = partner.add(receiver.url())
    publish(bulletin(1), bulletin(2))
    deliver(hooks, finished(hooks, 2))
    first = partner.deliveries(endpoint)[-1]
    path = f"/{endpoint['id']}/replay"
    assert partner.post(path, {"delivery": first["id"]}).json() == {"queued": 1}
    deliver(hooks, finished(hooks, 3))
    assert receiver.received[2].headers["webhook-id"] == first["message_id"]
    day = {"from": "2020-01-01T00:00:00Z", "to": "2100-01-01T00:00:00Z"}
    assert partner.post(path, day).json() == {"queued": 2}
    deliver(hooks, finished(hooks, 5))
    counts: dict[str, int] = defaultdict(int)
    for received in receiver.received:
        counts[received.headers["webhook-id"]] += 1
    assert sorted(counts.values()) == [2, 3]
    assert partner.post(path, {"delivery": 999_999}).status_code == 404
    for wrong in ({}, {"delivery": 1, **day}, {"from": day["from"]}, {"delivery": 0}, {"delivery": 2**70}):
        assert partner.post(path, wrong).status_code == 422, wrong


def test_a_test_event_is_sent_and_listed(partner: Partner, receiver: Receiver, hooks: Settings) -> None:
    endpoint = partner.add(receiver.url())
    assert partner.post(f"/{endpoint['id']}/test").status_code == 202
    deliver(hooks, finished(hooks, 1))
    assert body(receiver.received[0])["type"] == "test"
    (sent,) = partner.deliveries(endpoint)
    assert (sent["event"], sent["state"], sent["attempts"][0]["status"]) == ("test", "delivered", 204)


def test_endpoints_belong_to_their_partner(
    hooks_api: httpx2.Client, partner: Partner, receiver: Receiver, make_key: MakeKey
) -> None:
    endpoint = partner.add(receiver.url())
    assert partner.post(json={"url": receiver.url()}).status_code == 409
    other = Partner(hooks_api, make_key("国家数据局"))
    assert other.get()["items"] == []
    for path in ("", "/pause", "/resume", "/secret", "/test"):
        assert other.post(f"/{endpoint['id']}{path}").status_code in {404, 405}
    address = f"/v1/partners/webhooks/{endpoint['id']}"
    assert hooks_api.get(address, headers=bearer(other.key)).status_code == 404
    assert "secret" not in partner.get(f"/{endpoint['id']}")
    answer = hooks_api.delete(address, headers=bearer(partner.key))
    assert answer.status_code == 204
    assert partner.get()["items"] == []
    reader = Partner(hooks_api, make_key(scopes=["read"]))
    assert reader.post(json={"url": receiver.url()}).status_code == 403


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"url": ""},
        {"url": 7},
        {"url": "https://1.1.1.1/", "events": ["nothing.happened"]},
        {"url": "https://1.1.1.1/", "filters": {"tag": ["no-such-tag"]}},
        {"url": "https://1.1.1.1/", "filters": {"colour": "red"}},
        {"url": "https://1.1.1.1/", "filters": {"tag": ["a"] * 1_000_000}},
        {"url": "https://1.1.1.1/", "more": 1},
        {"url": "https://1.1.1.1/\u0000"},
        [],
    ],
)
def test_what_is_not_understood_is_refused(partner: Partner, wrong: Any) -> None:
    refused = partner.post(json=wrong)
    assert (refused.status_code, refused.headers["content-type"]) == (422, "application/problem+json")


def test_the_example_is_what_the_schema_allows() -> None:
    adapter = TypeAdapter(DeliveryDetail)
    assert adapter.dump_python(adapter.validate_python(DELIVERY), mode="json") == DELIVERY
