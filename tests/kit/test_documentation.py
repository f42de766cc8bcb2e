import re
from html.parser import HTMLParser

import httpx2
import pytest


class Addresses(HTMLParser):
    """Every address that a page loads something from."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert not (tag == "script" and "src" not in dict(attrs)), "the policy forbids a script in the page"
        self.found += [value or "" for name, value in attrs if name in {"src", "href"}]


def test_the_page_loads_everything_from_this_server(library: httpx2.Client) -> None:
    page = library.get("/docs")
    assert page.status_code == 200
    addresses = Addresses()
    addresses.feed(page.text)
    assert len(addresses.found) == 4
    for address in addresses.found:
        assert re.match("/[^/]", address), address
        asset = library.get(address)
        assert asset.status_code == 200, address
        assert "max-age=" in asset.headers["cache-control"]
        if address.endswith(".css"):
            assert not re.search(r"@import|url\((?!\s*[\"']?data:)", asset.text)
    assert not re.search("https?://", page.text)


def test_the_page_may_load_from_nowhere_else(library: httpx2.Client) -> None:
    policy = library.get("/docs").headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "http" not in policy


def test_the_page_shows_the_description_of_this_server(library: httpx2.Client) -> None:
    start = library.get("/docs/start.js").text
    assert 'url: "/openapi.json"' in start
    assert "validatorUrl: null" in start


def test_an_unknown_asset_is_refused(library: httpx2.Client) -> None:
    for name in ("main.py", "__init__.py", "..%2Fmain.py"):
        assert library.get(f"/docs/{name}").status_code in {404, 422}


@pytest.mark.parametrize("coding", ["gzip", "zstd", None])
@pytest.mark.parametrize("address", ["/openapi.json", "/docs/swagger-ui-bundle.js"])
def test_description_and_assets_are_compressed_and_validated(
    library: httpx2.Client, address: str, coding: str | None
) -> None:
    asked = {"Accept-Encoding": coding or "identity"}
    answer = library.get(address, headers=asked)
    assert answer.headers.get("content-encoding") == coding
    assert answer.headers["vary"] == "Accept-Encoding"
    assert "max-age=" in answer.headers["cache-control"]
    etag = answer.headers["etag"]
    assert etag.startswith('"')
    again = library.get(address, headers={**asked, "If-None-Match": etag})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
    assert library.head(address, headers=asked).headers["etag"] == etag


def test_the_description_is_the_one_the_application_makes(library: httpx2.Client) -> None:
    assert library.get("/openapi.json").json()["info"]["title"] == "新质生产力每日动态"


def test_the_description_has_no_parameters(library: httpx2.Client) -> None:
    answer = library.get("/openapi.json?x=1")
    assert (answer.status_code, answer.json()["errors"][0]["parameter"]) == (422, "x")
