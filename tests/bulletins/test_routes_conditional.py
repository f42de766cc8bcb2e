import gzip
from datetime import timedelta
from email.utils import format_datetime, parsedate_to_datetime

import httpx2
import psycopg
import pytest
import zstandard

from app.bulletins.document import BulletinDocument
from app.kit.settings import Settings
from tests.conftest import Publish, Server

BULLETIN = "/v1/bulletins/2026-03-06"
ADDRESSES = [
    "/v1/bulletins",
    "/v1/bulletins/latest",
    BULLETIN,
    f"{BULLETIN}/sections/1",
    f"{BULLETIN}?fields=slug,title",
    "/v1/sections",
    "/v1/tags",
    "/v1/tags/compute",
    "/v1/references",
    "/v1/references/{id}",
    "/v1/sources",
]


@pytest.fixture(params=ADDRESSES)
def address(request: pytest.FixtureRequest, reading: httpx2.Client) -> str:
    """The address of each operation that reads content."""
    reference = reading.get("/v1/references?limit=1&fields=id").json()["items"][0]["id"]
    return str(request.param).format(id=reference)


def test_answers_can_be_cached_and_validated(reading: httpx2.Client, address: str) -> None:
    answer = reading.get(address)
    assert answer.headers["cache-control"] == "public, max-age=60"
    assert answer.headers["vary"].endswith("Accept-Encoding")
    assert answer.headers["etag"].startswith('"')
    assert answer.headers["etag"].endswith('"')
    assert answer.headers["last-modified"].endswith(" GMT")
    assert reading.get(address).headers["etag"] == answer.headers["etag"]


@pytest.mark.parametrize("form", ["{}", "W/{}", '"other", {}', '{}, "other"', '"a,b" ,\tW/{}', "*"])
def test_a_client_that_has_the_answer_gets_none(reading: httpx2.Client, address: str, form: str) -> None:
    full = reading.get(address)
    answer = reading.get(address, headers={"If-None-Match": form.format(full.headers["etag"])})
    assert (answer.status_code, answer.content) == (304, b"")
    kept = ("etag", "cache-control", "vary", "last-modified", "content-location", "link")
    assert {k: answer.headers.get(k) for k in kept} == {k: full.headers.get(k) for k in kept}
    assert "content-type" not in answer.headers
    assert "content-encoding" not in answer.headers


@pytest.mark.parametrize("form", ['"other"', "{bare}", '"*"', "", '"{bare}', "{etag[0]}", '"x{bare}"'])
def test_another_validator_gets_the_answer(reading: httpx2.Client, form: str) -> None:
    etag = reading.get(BULLETIN).headers["etag"]
    header = form.format(bare=etag.strip('"'), etag=etag)
    assert reading.get(BULLETIN, headers={"If-None-Match": header}).status_code == 200


def test_a_validator_may_stand_on_a_second_line(reading: httpx2.Client) -> None:
    etag = reading.get(BULLETIN).headers["etag"]
    lines = [("If-None-Match", '"other"'), ("If-None-Match", etag)]
    assert reading.get(BULLETIN, headers=lines).status_code == 304


@pytest.mark.parametrize(("seconds", "status"), [(-1, 200), (0, 304), (1, 304), (86_400, 304)])
def test_what_has_not_changed_since_is_not_sent_again(
    reading: httpx2.Client, address: str, seconds: int, status: int
) -> None:
    modified = parsedate_to_datetime(reading.get(address).headers["last-modified"])
    since = format_datetime(modified + timedelta(seconds=seconds), usegmt=True)
    assert reading.get(address, headers={"If-Modified-Since": since}).status_code == status


@pytest.mark.parametrize(
    "since",
    [
        "",
        "tomorrow",
        "2030-01-01",
        "Tue, 01 Jan 2030",
        "Tue, 99 Jan 2030 00:00:00 GMT",
        "Tue, 01 Jan 99999999999999 00:00:00 GMT",
        "Tue, 01 Jan 2030 00:00:00 +99999999999999",
        "Tue, 01 Jan 2030 00:00:00 -0000",
        "1893456000",
    ],
)
def test_a_malformed_date_is_as_good_as_none(reading: httpx2.Client, since: str) -> None:
    assert reading.get(BULLETIN, headers={"If-Modified-Since": since}).status_code == 200


def test_the_entity_tag_outweighs_the_date(reading: httpx2.Client) -> None:
    full = reading.get(BULLETIN)
    later = {"If-Modified-Since": "Tue, 01 Jan 2030 00:00:00 GMT"}
    assert reading.get(BULLETIN, headers={"If-None-Match": '"other"', **later}).status_code == 200
    stale = {"If-Modified-Since": "Sat, 01 Jan 2000 00:00:00 GMT", "If-None-Match": full.headers["etag"]}
    assert reading.get(BULLETIN, headers=stale).status_code == 304


def test_content_younger_than_two_seconds_has_no_last_modified(
    settings: Settings, publish: Publish, server: Server, shelf: list[BulletinDocument]
) -> None:
    publish(shelf[0])
    address = f"/v1/bulletins/{shelf[0].slug}"

    def changed(ago: str) -> httpx2.Response:
        with psycopg.connect(settings.conninfo) as connection:
            connection.execute("UPDATE change SET at = clock_timestamp() - %s::interval", [ago])
        server.forget()
        return server.client.get(address, headers={"If-Modified-Since": "Tue, 01 Jan 2030 00:00:00 GMT"})

    young = changed("1 second")
    assert young.status_code == 200
    assert "last-modified" not in young.headers
    ahead = changed("-1 hour")
    assert ahead.status_code == 200
    assert "last-modified" not in ahead.headers
    old = changed("3 seconds")
    assert old.status_code == 304
    assert "last-modified" in old.headers


def test_a_correction_changes_the_validators_of_all_that_shows_it(
    settings: Settings, publish: Publish, api: httpx2.Client, shelf: list[BulletinDocument]
) -> None:
    publish(*shelf[:2])
    with psycopg.connect(settings.conninfo) as connection:
        connection.execute("UPDATE change SET at = at - interval '1 hour'")
    address = f"/v1/bulletins/{shelf[0].slug}"
    before = {path: api.get(path) for path in (address, "/v1/bulletins", f"/v1/bulletins/{shelf[1].slug}")}
    publish(shelf[0].model_copy(update={"title": "更正"}))
    for path, answer in before.items():
        asked = {"If-None-Match": answer.headers["etag"]}
        status = 304 if path.endswith(shelf[1].slug) else 200
        assert api.get(path, headers=asked).status_code == status
        since = {"If-Modified-Since": answer.headers["last-modified"]}
        assert api.get(path, headers=since).status_code == status


@pytest.mark.parametrize("headers", [{}, {"Accept-Encoding": "identity"}, {"Accept-Encoding": "zstd"}])
def test_head_answers_as_get_does_without_the_body(
    reading: httpx2.Client, address: str, headers: dict[str, str]
) -> None:
    get = reading.get(address, headers=headers)
    head = reading.head(address, headers=headers)
    assert (head.status_code, head.content) == (200, b"")
    assert int(head.headers["age"]) >= int(get.headers["age"])
    passing = {"date": "", "age": ""}
    assert {**head.headers, **passing} == {**get.headers, **passing}
    assert int(head.headers["content-length"]) > 0
    known = {**headers, "If-None-Match": get.headers["etag"]}
    assert reading.head(address, headers=known).status_code == 304


@pytest.mark.parametrize("path", ["/v1/nothing", "/v1/bulletins?limit=0", "/health/ready"])
def test_head_answers_errors_and_health_as_get_does(reading: httpx2.Client, path: str) -> None:
    get, head = reading.get(path), reading.head(path)
    assert head.content == b""
    assert {**head.headers, "date": ""} == {**get.headers, "date": ""}


@pytest.mark.parametrize(
    ("accept", "coding"),
    [
        ("gzip", "gzip"),
        ("zstd", "zstd"),
        ("gzip, zstd", "zstd"),
        ("gzip;q=1.0, zstd;q=0.5", "gzip"),
        ("zstd;q=0, gzip", "gzip"),
        ("gzip;q=0", None),
        ("*", "zstd"),
        ("*;q=0", None),
        ("*, zstd;q=0", "gzip"),
        ("GZIP", "gzip"),
        ("gzip; q=0.001", "gzip"),
        ("br, deflate", None),
        ("br;q=1.0, gzip;q=0.8, *;q=0.1", "gzip"),
        ("identity", None),
        ("identity;q=0.5, gzip;q=1", "gzip"),
        ("identity, gzip;q=0.5", None),
        ("", None),
        ("gzip;q=much", None),
        ("gzip;q=nan", None),
        (",;,=", None),
    ],
)
def test_the_content_coding_is_the_one_preferred(
    reading: httpx2.Client, accept: str, coding: str | None
) -> None:
    plain = reading.get(BULLETIN, headers={"Accept-Encoding": "identity"}).content
    with reading.stream("GET", BULLETIN, headers={"Accept-Encoding": accept}) as answer:
        body = b"".join(answer.iter_raw())
    assert answer.headers.get("content-encoding") == coding
    assert int(answer.headers["content-length"]) == len(body)
    match coding:
        case "gzip":
            assert gzip.decompress(body) == plain
        case "zstd":
            assert zstandard.ZstdDecompressor().decompress(body) == plain
        case _:
            assert body == plain
    assert not coding or len(body) < len(plain) * 0.8


def test_each_coding_has_its_own_entity_tag_and_only_that_one_validates(reading: httpx2.Client) -> None:
    codings = ["identity", "gzip", "zstd"]
    tags = {c: reading.get(BULLETIN, headers={"Accept-Encoding": c}).headers["etag"] for c in codings}
    assert len(set(tags.values())) == 3
    for coding in codings:
        for owner, tag in tags.items():
            asked = {"Accept-Encoding": coding, "If-None-Match": tag}
            assert reading.get(BULLETIN, headers=asked).status_code == (304 if owner == coding else 200)


def test_a_small_answer_is_not_compressed(reading: httpx2.Client) -> None:
    answer = reading.get(f"{BULLETIN}?fields=slug", headers={"Accept-Encoding": "gzip, zstd"})
    assert "content-encoding" not in answer.headers
    assert answer.headers["vary"].endswith("Accept-Encoding")
