from collections import defaultdict
from datetime import UTC, datetime, timedelta

import httpx2
import psycopg
import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from app.kit.settings import Settings
from app.partners import delivering, messages, sending, webhooks
from app.partners.delivering import Pace, backoff
from tests.conftest import Publish, Withdraw
from tests.partners.conftest import MakeKey, Partner
from tests.partners.hooks import (
    QUICK,
    body,
    deliver,
    execute,
    fan_out,
    finished,
    rows,
    run_deliverer,
    wait_until,
)
from tests.partners.receiver import Answer, Received, Receiver
from tests.partners.test_sync import bulletin, slug


@pytest.fixture(autouse=True)
def _settled_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(messages, "SETTLING", timedelta(0))


def test_messages_are_signed_as_the_standard_says_and_name_version_and_etag(
    hooks_api: httpx2.Client, partner: Partner, receiver: Receiver, publish: Publish, hooks: Settings
) -> None:
    endpoint = partner.add(receiver.url())
    publish(bulletin(1, "compute"))
    deliver(hooks, finished(hooks, 1))
    (received,) = receiver.received
    assert Webhook(endpoint["secret"]).verify(received.body, received.headers) == body(received)
    with pytest.raises(WebhookVerificationError):
        Webhook(endpoint["secret"]).verify(received.body + b" ", received.headers)
    told = body(received)
    answer = hooks_api.get(told["data"]["url"], headers={"Accept-Encoding": "identity"})
    assert (told["type"], told["data"]["id"], told["data"]["version"]) == ("bulletin.published", slug(1), 1)
    assert told["data"]["etag"] == answer.headers["etag"]
    assert datetime.fromisoformat(told["timestamp"]) <= datetime.now(UTC)


def test_a_receiver_whose_clock_is_wrong_refuses_and_a_late_retry_is_signed_anew() -> None:
    secret = webhooks.new_secret()
    for minutes, fine in ((-4, True), (4, True), (-6, False), (6, False)):
        at = datetime.now(UTC) + timedelta(minutes=minutes)
        message = sending.Message(1, None, "msg_1", "", "{}", [secret], 0, None)  # type: ignore[arg-type]
        headers = sending.headers(message, at)
        if fine:
            Webhook(secret).verify(b"{}", headers)
        else:
            with pytest.raises(WebhookVerificationError, match="timestamp"):
                Webhook(secret).verify(b"{}", headers)


def test_topics_and_event_types_choose_and_leaving_a_topic_is_told(
    partner: Partner, receiver: Receiver, publish: Publish, withdraw: Withdraw, hooks: Settings
) -> None:
    partner.add(receiver.url("/topic"), filters={"tag": ["compute"]})
    partner.add(receiver.url("/gone"), events=["bulletin.withdrawn"])
    publish(bulletin(1, "compute"), bulletin(2, "energy"))
    publish(bulletin(1, "energy"))
    withdraw(slug(2))
    deliver(hooks, finished(hooks, 4))
    told = sorted(
        (r.path, body(r)["type"], body(r)["data"]["id"], body(r)["data"].get("reason"))
        for r in receiver.received
    )
    assert told == [
        ("/gone", "bulletin.withdrawn", slug(2), "withdrawn"),
        ("/topic", "bulletin.corrected", slug(1), "filtered"),
        ("/topic", "bulletin.published", slug(1), None),
        ("/topic", "bulletin.withdrawn", slug(2), "withdrawn"),
    ]


def test_messages_of_one_object_wait_for_each_other_and_others_do_not(
    partner: Partner, receiver: Receiver, publish: Publish, hooks: Settings
) -> None:
    failed: list[str] = []

    def stubborn(received: Received) -> Answer:
        told = body(received)["data"]
        if told["id"] == slug(1) and told["version"] == 1 and len(failed) < 3:
            failed.append(received.headers["webhook-id"])
            return 503, {}, b""
        return 200, {}, b""

    receiver.behaviours["/"] = stubborn
    partner.add(receiver.url())
    publish(bulletin(1), bulletin(1, abstract="二"), bulletin(1, abstract="三"), bulletin(2))
    deliver(hooks, finished(hooks, 4))
    told = [(body(r)["data"]["id"], body(r)["data"]["version"]) for r in receiver.received]
    assert [version for id_, version in told if id_ == slug(1)] == [1, 1, 1, 1, 2, 3]
    assert told.index((slug(2), 1)) < told.index((slug(1), 2))
    assert len(set(failed)) == 1


def test_retries_wait_longer_each_time_with_jitter_and_not_forever() -> None:
    waits = [backoff(attempts, chance=lambda low, high: (low + high) / 2) for attempts in range(12)]
    assert waits[:3] == [timedelta(seconds=5), timedelta(seconds=20), timedelta(seconds=80)]
    assert waits == sorted(waits)
    assert waits[-1] == timedelta(hours=8)
    assert len({backoff(3) for _ in range(20)}) > 1
    assert all(timedelta(seconds=256) <= backoff(3) <= timedelta(seconds=384) for _ in range(100))


def test_retry_after_is_respected(
    partner: Partner, receiver: Receiver, publish: Publish, hooks: Settings
) -> None:
    receiver.behaviours["/"] = lambda _: (503, {"Retry-After": "3600"}, b"")
    endpoint = partner.add(receiver.url())
    publish(bulletin(1))
    deliver(hooks, lambda: rows(hooks, "SELECT 1 FROM webhook_attempt"))
    (waiting,) = partner.deliveries(endpoint)
    wait = datetime.fromisoformat(waiting["due_at"]) - datetime.now(UTC)
    assert timedelta(minutes=58) < wait <= timedelta(hours=1)
    assert waiting["attempts"][0]["status"] == 503


def test_410_disables_at_once_and_the_other_endpoints_are_told(
    partner: Partner, receiver: Receiver, publish: Publish, hooks: Settings
) -> None:
    receiver.behaviours["/gone"] = lambda _: (410, {}, b"")
    gone = partner.add(receiver.url("/gone"))
    partner.add(receiver.url("/other"), events=["endpoint.disabled"])
    publish(bulletin(1))
    deliver(hooks, lambda: [r for r in receiver.received if r.path == "/other"])
    (told,) = receiver.wait(1, within="/other")
    assert body(told)["data"]["endpoint"] == gone["id"]
    assert partner.get(f"/{gone['id']}")["status"] == "disabled"
    publish(bulletin(2))
    fan_out(hooks)
    assert len(partner.deliveries(gone)) == 1


def test_failing_for_72_hours_disables_and_the_message_is_given_up(
    partner: Partner, receiver: Receiver, publish: Publish, hooks: Settings
) -> None:
    receiver.behaviours["/"] = lambda _: (500, {}, "内部错误".encode())
    endpoint = partner.add(receiver.url())
    publish(bulletin(1))
    deliver(hooks, lambda: rows(hooks, "SELECT 1 FROM webhook_attempt"), QUICK)
    execute(  # The deliverer may have been stopped over the next attempt.
        hooks,
        "UPDATE webhook_delivery SET first_tried_at = now() - interval '73 hours', due_at = now(),"
        " held_until = NULL",
    )
    execute(hooks, "UPDATE webhook_endpoint SET failing_since = now() - interval '73 hours'")
    deliver(hooks, finished(hooks, 1))
    (given_up,) = partner.deliveries(endpoint)
    assert given_up["state"] == "failed"
    assert given_up["attempts"][0]["answer"] == "内部错误"
    assert "72 hours" in partner.get(f"/{endpoint['id']}")["status_note"]


def test_a_late_answer_counts_and_none_is_tried_again(
    partner: Partner, receiver: Receiver, publish: Publish, hooks: Settings
) -> None:
    receiver.behaviours["/never"] = receiver.never

    def late(_: Received) -> Answer:
        receiver.stopped.wait(0.5)
        return 200, {}, b""

    receiver.behaviours["/late"] = late
    never = partner.add(receiver.url("/never"))
    partner.add(receiver.url("/late"))
    publish(bulletin(1))
    pace = Pace(patience=1, idle=0.01, first_wait=timedelta(hours=1))
    deliver(hooks, lambda: len(rows(hooks, "SELECT 1 FROM webhook_attempt")) == 2, pace)
    assert finished(hooks, 1)()
    (waiting,) = partner.deliveries(never)
    assert (waiting["state"], waiting["attempts"][0]["error"]) == ("pending", "it did not answer within 1 s")
    assert delivering.PATIENCE >= 30  # an answer after 29 s counts


def test_redirects_are_not_followed_and_long_answers_are_cut(
    partner: Partner, receiver: Receiver, publish: Publish, hooks: Settings
) -> None:
    receiver.behaviours["/moved"] = lambda _: (302, {"Location": receiver.url("/inside")}, b"")
    receiver.behaviours["/long"] = lambda _: (200, {}, b"x" * 50_000_000)
    moved, long = partner.add(receiver.url("/moved")), partner.add(receiver.url("/long"))
    publish(bulletin(1))
    pace = Pace(patience=10, idle=0.01, first_wait=timedelta(hours=1))
    deliver(hooks, lambda: len(rows(hooks, "SELECT 1 FROM webhook_attempt")) == 2, pace)
    assert {r.path for r in receiver.received} == {"/moved", "/long"}
    assert partner.deliveries(moved)[0]["attempts"][0]["error"] == "redirects are not followed"
    (sent,) = partner.deliveries(long)
    assert (sent["state"], len(sent["attempts"][0]["answer"])) == ("delivered", 500)


def test_an_address_that_leads_inside_is_refused_when_it_is_registered_and_when_it_is_reached(
    partner: Partner, receiver: Receiver, publish: Publish, hooks: Settings, settings: Settings
) -> None:
    for url in ("https://10.0.0.1/", "https://169.254.169.254/", "http://localhost.localdomain.invalid/"):
        refused = partner.post(json={"url": url})
        assert (refused.status_code, refused.json()["errors"][0]["parameter"]) == (422, "url")
    endpoint = partner.add(receiver.url())
    publish(bulletin(1))
    deliver(settings, lambda: rows(hooks, "SELECT 1 FROM webhook_attempt"))  # allows no loopback
    assert receiver.received == []
    assert "not on the internet" in partner.deliveries(endpoint)[0]["attempts"][0]["error"]


def test_nothing_is_sent_before_search_has_followed(
    partner: Partner, receiver: Receiver, publish: Publish, hooks: Settings
) -> None:
    partner.add(receiver.url())
    publish(bulletin(1), bulletin(2))
    fan_out(hooks)
    execute(hooks, "UPDATE change_position SET seq = 1 WHERE follower = 'meilisearch'")

    def act() -> None:
        receiver.wait(1)
        assert [body(r)["data"]["id"] for r in receiver.received] == [slug(1)]
        fan_out(hooks)
        receiver.wait(2)

    run_deliverer(hooks, act)


def test_messages_wait_until_every_cache_has_heard(
    partner: Partner, publish: Publish, hooks: Settings, monkeypatch: pytest.MonkeyPatch, receiver: Receiver
) -> None:
    monkeypatch.setattr(messages, "SETTLING", timedelta(seconds=3))
    partner.add(receiver.url())
    publish(bulletin(1))
    fan_out(hooks)
    ((wait,),) = rows(hooks, "SELECT due_at - created_at FROM webhook_delivery")
    assert timedelta(seconds=2.9) < wait < timedelta(seconds=10)


def test_healthy_endpoints_are_not_held_up_by_slow_and_dead_ones(
    hooks: Settings, make_key: MakeKey, receiver: Receiver
) -> None:
    """10,000 deliveries to 50 endpoints: ten never answer, ten refuse connections, thirty are healthy."""
    make_key()
    urls = [
        *(receiver.url(f"/slow/{number}") for number in range(10)),
        *("http://127.0.0.1:1/" for _ in range(10)),
        *(receiver.url(f"/fine/{number}") for number in range(30)),
    ]
    for number in range(10):
        receiver.behaviours[f"/slow/{number}"] = receiver.never
    with psycopg.connect(hooks.conninfo) as connection:
        for url in urls:
            connection.execute(
                """INSERT INTO webhook_endpoint
                   (id, partner_id, url, description, events, filters, selection, secret)
                   SELECT gen_random_uuid(), id, %s, '', '[]', '{}', '{}', 'plain:whsec_c2VjcmV0'
                   FROM partner""",
                (url,),
            )
        connection.execute(
            """INSERT INTO webhook_delivery (endpoint_id, message_id, seq, event, subject, body, due_at)
               SELECT e.id, 'msg_' || e.id || n, 0, 'test', 'bulletin:' || n, '{}', now()
               FROM webhook_endpoint e, generate_series(1, 200) n"""
        )
    healthy = "SELECT 1 FROM webhook_delivery WHERE state = 'delivered'"
    pace = Pace(patience=20, idle=0.05, first_wait=timedelta(hours=1))

    def all_are_delivered() -> None:
        receiver.wait(30 * 200, 200, within="/fine/")
        wait_until(lambda: len(rows(hooks, healthy)) >= 30 * 200)

    run_deliverer(hooks, all_are_delivered, pace)
    fine: dict[str, list[str]] = defaultdict(list)
    for received in receiver.received:
        if received.path.startswith("/fine/"):
            fine[received.path].append(received.headers["webhook-id"])
    assert {len(ids) for ids in fine.values()} == {200}
    assert all(len(set(ids)) == 200 for ids in fine.values())
    slow = [received for received in receiver.received if received.path.startswith("/slow/")]
    assert len(slow) <= 10 * 4 * 11  # no more than four at a time to each
