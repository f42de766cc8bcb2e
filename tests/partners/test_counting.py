import httpx2

from app.kit.settings import Settings
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
