from collections.abc import Iterator

import httpx2
import pytest

from app.kit.settings import Settings
from tests.bulletins.conftest import problem
from tests.conftest import serving

SITE = "https://www.example.org"
OTHER = "https://evil.example"


@pytest.fixture
def shared(settings: Settings) -> Iterator[httpx2.Client]:
    """A client of the API that one website may read."""
    with serving(settings.model_copy(update={"cors_origins": (SITE, "http://localhost:3000")})) as server:
        yield server.client


def preflight(client: httpx2.Client, origin: str, method: str, headers: str = "") -> httpx2.Response:
    asked = {"Origin": origin, "Access-Control-Request-Method": method}
    if headers:
        asked["Access-Control-Request-Headers"] = headers
    return client.options("/v1/bulletins", headers=asked)


def test_only_configured_origins_may_read(shared: httpx2.Client) -> None:
    for path, status in [("/v1/tags", 200), ("/v1/nothing", 404), ("/v1/tags?limit=0", 422)]:
        allowed = shared.get(path, headers={"Origin": SITE})
        assert (allowed.status_code, allowed.headers["access-control-allow-origin"]) == (status, SITE)
        refused = shared.get(path, headers={"Origin": OTHER})
        assert refused.status_code == status
        assert "access-control-allow-origin" not in refused.headers
    exposed = shared.get("/v1/tags", headers={"Origin": SITE}).headers["access-control-expose-headers"]
    assert {"ETag", "Last-Modified", "Link", "Content-Location"} <= set(exposed.split(", "))


def test_caches_keep_the_answers_to_different_origins_apart(shared: httpx2.Client) -> None:
    for headers in ({}, {"Origin": SITE}, {"Origin": OTHER}):
        varies = shared.get("/v1/tags", headers=headers).headers["vary"]
        assert varies == "Accept-Encoding, Origin"
    etag = shared.get("/v1/tags").headers["etag"]
    unchanged = shared.get("/v1/tags", headers={"Origin": SITE, "If-None-Match": etag})
    assert unchanged.status_code == 304
    assert unchanged.headers["access-control-allow-origin"] == SITE


def test_a_preflight_allows_reading_and_revalidating_and_nothing_else(shared: httpx2.Client) -> None:
    allowed = preflight(shared, SITE, "GET", "If-None-Match, If-Modified-Since")
    assert (allowed.status_code, allowed.headers["access-control-allow-origin"]) == (200, SITE)
    assert set(allowed.headers["access-control-allow-methods"].split(", ")) == {"GET", "HEAD"}
    assert preflight(shared, SITE, "POST").status_code == 400
    assert preflight(shared, SITE, "GET", "Authorization").status_code == 400
    refused = preflight(shared, OTHER, "GET")
    assert refused.status_code == 400
    assert "access-control-allow-origin" not in refused.headers


@pytest.mark.parametrize(
    ("origin", "method", "headers", "refused"),
    [
        (OTHER, "GET", "", "origin"),
        (SITE, "POST", "", "method"),
        (SITE, "GET", "Authorization", "headers"),
        (OTHER, "PUT", "X-Other", "origin, method, headers"),
    ],
)
def test_a_refused_preflight_is_a_problem_that_says_why(
    shared: httpx2.Client, origin: str, method: str, headers: str, refused: str
) -> None:
    answer = preflight(shared, origin, method, headers)
    body = problem(answer, 400, "cors-refused")
    assert body["detail"] == f"Disallowed CORS {refused}."
    assert answer.headers["vary"] == "Origin"


def test_without_configured_origins_nobody_elses_page_may_read(api: httpx2.Client) -> None:
    answer = api.get("/v1/tags", headers={"Origin": SITE})
    assert not [name for name in answer.headers if name.startswith("access-control-")]
    assert preflight(api, SITE, "GET").status_code == 405
