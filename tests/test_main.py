"""The application as a whole: what it loads, what it keeps, what it tells a cache in front of it."""

import re
import subprocess
import sys
from time import monotonic
from typing import Any

import httpx2
import pytest

from app.bulletins.document import BulletinDocument
from app.kit.settings import Settings
from tests.bulletins.conftest import on_the_shelf
from tests.conftest import Server, publish_into, serving

CREDENTIALS = {"Authorization": "Bearer nqpf_overheard", "Cookie": "session=overheard"}
VALUES = {"kind": "not-found", "number": "1"}


def public_paths(server: Server) -> list[str]:
    """An address of every GET that the description has, and of those that it leaves out."""
    listed = server.client.get("/v1/references?limit=1").json()["items"]
    values = {**VALUES, "id": listed[0]["id"]}
    slugs = {"/v1/tags/{slug}": "data-elements"}
    paths = ["/problems/not-found", "/docs", "/openapi.json", "/nothing", "/v1/bulletins?limit=0"]
    for path, operations in server.app.openapi()["paths"].items():
        if "get" in operations:
            filled = path.replace("{slug}", slugs.get(path, on_the_shelf(0).slug))
            for name, value in values.items():
                filled = filled.replace(f"{{{name}}}", value)
            required = [each for each in operations["get"].get("parameters", ()) if each.get("required")]
            query = "&".join(f"{each['name']}=1" for each in required if each["in"] == "query")
            paths.append(f"{filled}?{query}" if query else filled)
    return paths


def is_kept(server: Server, path: str) -> bool:
    plain, _, query = path.partition("?")
    answer = server.store.hot.get((plain, query.encode()))
    return answer is not None and monotonic() < answer.until


def said(answer: httpx2.Response) -> str:
    """The body without the time that a search took."""
    return re.sub(r'"took_ms":\d+', "", answer.text)


def test_what_is_asked_with_credentials_is_kept_only_if_it_is_for_everybody(
    settings: Settings,
) -> None:
    document: BulletinDocument = on_the_shelf(0)
    publish_into(settings, [document])
    with serving(settings) as server:
        kept = 0
        for path in public_paths(server):
            server.forget()
            alone = server.client.get(path)
            server.forget()
            first, again = (server.client.get(path, headers=CREDENTIALS) for _ in range(2))
            after = server.client.get(path)
            public = "public" in alone.headers.get("cache-control", "")
            for answer in (first, again, after):
                assert answer.status_code == alone.status_code, path
                assert "set-cookie" not in answer.headers, path
                assert "overheard" not in answer.text, path
                assert not public or said(answer) == said(alone), path
            assert public or not is_kept(server, path), path
            kept += is_kept(server, path)
        assert kept > 10


@pytest.fixture
def behind_cdn(settings: Settings) -> Any:
    publish_into(settings, [on_the_shelf(0)])
    with serving(settings.model_copy(update={"purge_url": "http://127.0.0.1:9/purge"})) as server:
        yield server


@pytest.mark.parametrize(
    "path",
    ["/v1/bulletins/2026-03-01", "/v1/bulletins/latest", "/v1/bulletins", "/v1/sections", "/v1/tags"],
)
def test_a_cache_in_front_may_keep_answers_until_it_is_told(behind_cdn: Server, path: str) -> None:
    for _ in range(2):
        headers = behind_cdn.client.get(path).headers
        control = set(headers["cache-control"].split(", "))
        assert control == {"public", "max-age=60", "s-maxage=86400", "stale-while-revalidate=60"}
        names = headers["surrogate-key"].split()
        assert names == headers["cache-tag"].split(",")
        assert "bulletin:2026-03-01" in names or "content" in names


def test_without_a_cache_in_front_nothing_is_said_to_it(server: Server) -> None:
    for _ in range(2):
        headers: httpx2.Headers = server.client.get("/v1/tags").headers
        assert headers["cache-control"] == "public, max-age=60"
        assert not {"surrogate-key", "cache-tag"} & set(headers)


def test_the_application_loads_nothing_that_no_request_needs() -> None:
    heavy = {
        "alembic",
        "charset_normalizer",
        "cryptography",
        "docx",
        "markdown_it",
        "meilisearch",
        "numpy",
        "pdfminer",
        "pdfplumber",
        "psutil",
        "pyarrow",
        "typer",
        "uvicorn",
    }
    code = f"import sys, app.main; assert not {heavy!r} & set(sys.modules), {heavy!r} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
