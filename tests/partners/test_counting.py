import asyncio

import httpx2

from app.kit.settings import Settings
from app.partners.counting import Memory
from app.partners.plans import Rate
from tests.conftest import serving
from tests.partners.conftest import CountingServer, limited

TAGS = "/v1/tags?limit=1"


def statuses(client: httpx2.Client, times: int) -> list[int]:
    return [client.get(TAGS).status_code for _ in range(times)]


def test_several_processes_count_together(settings: Settings, counting: CountingServer) -> None:
    shared = limited(settings, limits_url=counting.url, limits_anonymous="4/year")
    with serving(shared) as one, serving(shared) as other:
        assert statuses(one.client, 2) + statuses(other.client, 3) == [200, 200, 200, 200, 429]
        assert statuses(one.client, 1) == [429]


def test_without_its_server_each_process_counts_for_itself_and_says_so(
    settings: Settings, counting: CountingServer
) -> None:
    shared = limited(settings, limits_url=counting.url, limits_anonymous="2/year")
    with serving(shared) as server:
        assert statuses(server.client, 1) == [200]
        assert server.client.get("/health/ready").json() == {"status": "ok"}
        counting.stop()
        assert statuses(server.client, 3) == [200, 200, 429]
        assert server.client.get("/health/ready").json() == {"status": "degraded", "degraded": ["limits"]}
        counting.start()
        server.app.state.gate.counting.ask_again()
        assert statuses(server.client, 3) == [200, 200, 429]  # the new server begins from nothing
        assert server.client.get("/health/ready").json() == {"status": "ok"}


def test_what_is_given_back_after_its_window_is_lost() -> None:
    rates = (Rate("minute", 20, 60), Rate("day", 100, 86_400))

    async def run() -> list[list[int]]:
        memory = Memory()
        return [
            await memory.add("a", rates, amount, at) for amount, at in [(1, 59), (1, 61), (-1, 59), (1, 62)]
        ]

    assert asyncio.run(run()) == [[1, 1], [1, 2], [1, 1], [2, 2]]
