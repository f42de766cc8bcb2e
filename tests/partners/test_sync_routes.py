import asyncio
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import AsyncExitStack
from time import monotonic

import httpx2
import psycopg
import pytest

from app.kit.settings import Settings
from app.partners import keys
from tests.conftest import Publish, Server, serving
from tests.partners.conftest import Later, MakeKey, Within, bearer
from tests.partners.follower import Copy
from tests.partners.test_sync import bulletin, slug

STREAM = {"Accept": "text/event-stream"}
OPEN_STREAMS = 200


@pytest.fixture
def key(make_key: MakeKey) -> str:
    return make_key()


def events(lines: Iterator[str]) -> Iterator[dict[str, str]]:
    """The events of a stream; ``data`` is their JSON."""
    event: dict[str, str] = {}
    for line in lines:
        if not line and event:
            yield event
            event = {}
        elif line and not line.startswith(":"):
            name, _, value = line.partition(": ")
            event[name] = value


def test_a_long_poll_answers_as_soon_as_there_is_a_change(
    api: httpx2.Client, publish: Publish, key: str
) -> None:
    copy = Copy(api, key).catch_up()
    copy.heard.clear()
    polling = threading.Thread(target=copy.page, kwargs={"wait": 30})
    began = monotonic()
    polling.start()
    publish(bulletin(1))
    polling.join()
    assert monotonic() - began < 25
    assert [item["id"] for item in copy.heard] == [slug(1)]


def test_a_long_poll_that_hears_nothing_answers_when_its_time_is_up(
    api: httpx2.Client, publish: Publish, key: str
) -> None:
    copy = Copy(api, key, filters={"tag": "compute"}).catch_up()
    polling = threading.Thread(target=copy.page, kwargs={"wait": 1})
    copy.heard.clear()
    began = monotonic()
    polling.start()
    publish(bulletin(1, "energy"))  # of no concern to this copy
    polling.join()
    assert monotonic() - began >= 1
    assert copy.heard == []


def test_a_stream_brings_the_state_and_changes_as_they_happen(
    api: httpx2.Client, publish: Publish, key: str
) -> None:
    publish(bulletin(1))
    with api.stream("GET", "/v1/sync", headers={**STREAM, **bearer(key)}) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        heard = (event for event in events(answer.iter_lines()) if '"object":"tag"' not in event["data"])
        assert json.loads(next(heard)["data"])["id"] == slug(1)
        publish(bulletin(2), bulletin(2, abstract="更正。"))
        told = [next(heard), next(heard)]
    assert [event["event"] for event in told] == ["bulletin.published", "bulletin.corrected"]
    assert json.loads(told[1]["data"])["bulletin"]["abstract"] == "更正。"


def test_a_stream_goes_on_after_the_last_event_that_was_heard(
    api: httpx2.Client, publish: Publish, key: str
) -> None:
    copy = Copy(api, key).catch_up()
    publish(bulletin(1), bulletin(2), bulletin(3))
    parameters = {"token": copy.token or ""}
    with api.stream("GET", "/v1/sync", params=parameters, headers={**STREAM, **bearer(key)}) as answer:
        first = next(events(answer.iter_lines()))
    again = {**STREAM, **bearer(key), "Last-Event-ID": first["id"]}
    with api.stream("GET", "/v1/sync", params=parameters, headers=again) as answer:
        heard = events(answer.iter_lines())
        assert [json.loads(next(heard)["data"])["id"] for _ in range(2)] == [slug(2), slug(3)]


def test_a_stream_from_a_token_that_leads_nowhere_is_refused_before_it_begins(
    api: httpx2.Client, key: str
) -> None:
    answer = api.get("/v1/sync", headers={**STREAM, **bearer(key), "Last-Event-ID": "nowhere"})
    assert (answer.status_code, answer.headers["content-type"]) == (410, "application/problem+json")


def test_a_stream_ends_when_its_key_is_revoked(
    server: Server, publish: Publish, key: str, within: Within, later: Later
) -> None:
    token = Copy(server.client, key).catch_up().token or ""
    with server.client.stream(
        "GET", "/v1/sync", params={"token": token}, headers={**STREAM, **bearer(key)}
    ) as answer:
        within(lambda session: keys.revoke_key(session, key.split("_")[2]))
        later(keys.REMEMBERED_SECONDS)
        publish(bulletin(1))
        assert list(events(answer.iter_lines())) == []


def test_two_hundred_streams_hear_a_change_and_hold_no_connection(
    settings: Settings, publish: Publish, key: str
) -> None:
    few = settings.model_copy(update={"pool_size": 3})
    with serving(few) as server:
        token = Copy(server.client, key).catch_up().token
        lines = [f"GET /v1/sync?token={token} HTTP/1.1", "Host: localhost", f"Authorization: Bearer {key}"]
        request = "\r\n".join([*lines, "Accept: text/event-stream", "", ""]).encode()

        async def listen() -> list[bytes]:
            async with AsyncExitStack() as stack:
                opened = []
                for _ in range(OPEN_STREAMS):
                    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
                    stack.callback(writer.close)
                    writer.write(request)
                    opened.append(reader)
                heads = [await reader.readuntil(b"\r\n\r\n") for reader in opened]
                assert all(head.startswith(b"HTTP/1.1 200") for head in heads)
                used = await asyncio.to_thread(connections, few)
                assert used <= 3 + 3 + 1, f"{used} connections"  # both pools, and the one that listens
                answer = await asyncio.to_thread(server.client.get, "/v1/tags?limit=1")
                assert answer.status_code == 200
                await asyncio.to_thread(publish, bulletin(1))
                return [await reader.readuntil(b"event: bulletin.published") for reader in opened]

        assert len(asyncio.run(asyncio.wait_for(listen(), 60))) == OPEN_STREAMS


def connections(settings: Settings) -> int:
    """How many connections the database has, but for this one."""
    with psycopg.connect(settings.conninfo) as connection:
        query = (
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        row = connection.execute(query).fetchone()
        assert row
        return int(row[0])


def test_a_client_that_reads_byte_by_byte_keeps_nobody_waiting(
    settings: Settings, publish: Publish, key: str
) -> None:
    publish(*(bulletin(day, abstract="长" * 20_000) for day in range(30)))
    with (
        serving(settings.model_copy(update={"pool_size": 1})) as server,
        socket.create_connection(("127.0.0.1", server.port)) as slow,
    ):
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        lines = ["GET /v1/sync?limit=200 HTTP/1.1", "Host: localhost", f"Authorization: Bearer {key}"]
        slow.sendall("\r\n".join([*lines, "Accept: text/event-stream", "", ""]).encode())
        assert slow.recv(1) == b"H"
        for _ in range(5):
            assert slow.recv(1)
            assert server.client.get("/v1/tags?limit=1").status_code == 200
            assert len(Copy(server.client, key).catch_up().bulletins) == 30


def test_a_filter_of_a_million_entries_is_refused_and_the_server_goes_on(server: Server, key: str) -> None:
    query = b"tag=compute&" * 1_000_000
    with socket.create_connection(("127.0.0.1", server.port)) as raw:
        head = f" HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\nConnection: close\r\n\r\n"
        try:
            raw.sendall(b"GET /v1/sync?" + query + head.encode())
            status = raw.recv(12)
        except OSError:  # It hangs up on who sends so much.
            status = b""
    assert status in {b"HTTP/1.1 400", b"HTTP/1.1 414", b"HTTP/1.1 422", b"HTTP/1.1 431", b""}
    few = server.client.get("/v1/sync", params={"tag": ["compute"] * 60}, headers=bearer(key))
    assert few.status_code == 422
    assert server.client.get("/health/live").status_code == 200
