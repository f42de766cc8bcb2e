import gzip
from typing import Any

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Message

from app.kit.front_answer import Answer, asks
from app.kit.whole import whole

BODY = "新质生产力每日动态".encode() * 100
DAY = b"Thu, 25 Jun 2026 08:30:00 GMT"
HEADERS = [
    (b"content-type", b"application/json"),
    (b"cache-control", b"public, max-age=60"),
    (b"content-location", b"/v1/bulletins/2026-06-25"),
    (b"etag", b'"v1"'),
    (b"last-modified", DAY),
    (b"link", b'</v1/bulletins?cursor=a>; rel="next"'),
    (b"vary", b"Accept-Encoding"),
    (b"content-length", b"1"),
]
HEADER = st.binary(max_size=60)


def made(body: bytes = BODY, **options: Any) -> Answer:
    arguments: dict[str, Any] = {"keys": frozenset({"a"}), "lifetime": 60, "now": 100.0, **options}
    return Answer(arguments.pop("status", 200), arguments.pop("headers", HEADERS), body, **arguments)


def got(answer: Answer, **headers: bytes) -> tuple[int, dict[bytes, bytes], bytes]:
    """Status, headers and body for a request, the same in two messages and in one."""
    said = answer.reply({name.replace("_", "-").encode(): value for name, value in headers.items()})
    start, body, at_once = said
    assert at_once == whole(start["status"], start["headers"], body["body"])
    return start["status"], dict(start["headers"]), body["body"]


def test_a_plain_request_gets_the_whole_answer() -> None:
    status, headers, body = got(made())
    assert (status, body) == (200, BODY)
    assert headers == {**dict(HEADERS), b"content-length": b"%d" % len(BODY), b"age": b"0"}


@pytest.mark.parametrize(
    ("accept", "coding"),
    [(b"gzip", b"gzip"), (b"zstd, gzip", b"zstd"), (b"br", None), (b"gzip;q=0", None), (b"", None)],
)
def test_each_coding_is_an_answer_of_its_own(accept: bytes, coding: bytes | None) -> None:
    _, headers, body = got(made(), accept_encoding=accept)
    match coding:
        case b"gzip":
            assert gzip.decompress(body) == BODY
        case b"zstd":
            assert zstandard.ZstdDecompressor().decompress(body) == BODY
        case _:
            assert body == BODY
    assert headers.get(b"content-encoding") == coding
    assert headers[b"content-length"] == b"%d" % len(body)
    assert headers[b"etag"] == (b'"v1"' if coding is None else b'"v1-%s"' % coding)


def test_a_body_is_compressed_once() -> None:
    answer = made()
    assert answer.reply({b"accept-encoding": b"gzip"}) == answer.reply({b"accept-encoding": b"gzip"})
    first, second = (answer.reply({b"accept-encoding": b"gzip"})[1]["body"] for _ in range(2))
    assert first is second


def test_the_applications_own_compressed_forms_are_used() -> None:
    ready = gzip.compress(BODY, 9)
    assert got(made(ready={"gzip": ready}), accept_encoding=b"gzip")[2] is ready


@pytest.mark.parametrize("body", [b"", b"x" * 999, bytes(range(256)) * 8])
def test_a_body_that_gains_nothing_stays_as_it_is(body: bytes) -> None:
    ready = {"gzip": body + b"longer"}
    _, headers, found = got(made(body, ready=ready), accept_encoding=b"gzip")
    assert found == body
    assert b"content-encoding" not in headers


@pytest.mark.parametrize(
    "match",
    [b'"%s"', b'W/"%s"', b'"a", "%s", W/"b"', b'"a",W/"%s"', b"*", b" * "],
)
@pytest.mark.parametrize("accept", [b"identity", b"gzip"])
def test_a_client_that_has_the_answer_is_told_so(match: bytes, accept: bytes) -> None:
    known = match.replace(b"%s", b"v1" if accept == b"identity" else b"v1-gzip")
    status, headers, body = got(made(), if_none_match=known, accept_encoding=accept)
    assert (status, body) == (304, b"")
    assert headers == {
        b"cache-control": b"public, max-age=60",
        b"content-location": b"/v1/bulletins/2026-06-25",
        b"last-modified": DAY,
        b"link": b'</v1/bulletins?cursor=a>; rel="next"',
        b"vary": b"Accept-Encoding",
        b"etag": b'"v1"' if accept == b"identity" else b'"v1-gzip"',
        b"age": b"0",
    }


@pytest.mark.parametrize("match", [b'"v2"', b'"v1-gzip"', b"v1", b'"v1', b"", b'"v1-br"', b"W/", b"\xff"])
def test_a_client_that_has_another_answer_gets_this_one(match: bytes) -> None:
    assert got(made(), if_none_match=match, if_modified_since=DAY)[0] == 200


def test_a_weak_entity_tag_stays_weak_in_every_coding() -> None:
    answer = made(headers=[(b"etag", b'W/"v1"')])
    assert got(answer, accept_encoding=b"gzip")[1][b"etag"] == b'W/"v1-gzip"'
    assert got(answer, if_none_match=b'"v1"')[0] == 304


@pytest.mark.parametrize(
    ("since", "status"),
    [
        (DAY, 304),
        (b"Thu, 25 Jun 2026 08:30:01 GMT", 304),
        (b"Thu, 25 Jun 2026 08:29:59 GMT", 200),
        (b"Thursday, 25-Jun-26 08:30:00 GMT", 304),
        (b"2026-06-25", 200),
        (b"yesterday", 200),
        (b"Thu, 99 Jun 2026 08:30:00 GMT", 200),
        (b"Thu, 25 Jun 99999999999 08:30:00 GMT", 200),
        (b"", 200),
        (b"\xff\xfe", 200),
    ],
)
def test_a_date_that_is_one_validates_and_any_other_is_ignored(since: bytes, status: int) -> None:
    assert got(made(), if_modified_since=since)[0] == status


def test_an_answer_without_validators_is_always_given() -> None:
    bare = made(headers=[(b"content-type", b"text/plain")])
    assert got(bare, if_none_match=b'"v1", "-gzip"', if_modified_since=DAY)[0] == 200
    assert b"etag" not in got(bare, accept_encoding=b"gzip")[1]


def test_an_answer_that_is_not_200_has_no_unchanged_form() -> None:
    assert got(made(status=404), if_none_match=b'"v1"')[0] == 404


def test_headers_of_one_connection_are_not_repeated_on_others() -> None:
    answer = made(headers=[*HEADERS, (b"transfer-encoding", b"chunked"), (b"connection", b"close")])
    assert not {b"transfer-encoding", b"connection"} & got(answer)[1].keys()


@given(HEADER, HEADER, HEADER)
def test_no_request_header_breaks_an_answer(accept: bytes, match: bytes, since: bytes) -> None:
    given = {"accept_encoding": accept, "if_none_match": match}
    assert got(made(), **given)[0] in {200, 304}
    assert got(made(), if_modified_since=since)[0] in {200, 304}


def test_several_lines_of_one_header_are_one_list() -> None:
    lines = [(b"if-none-match", b'"a"'), (b"x", b"y"), (b"if-none-match", b'"v1"')]
    assert asks(lines) == {b"if-none-match": b'"a", "v1"'}


def test_age_counts_whole_seconds_and_every_message_moves_on_together() -> None:
    answer = made()
    first = answer.reply({b"accept-encoding": b"gzip"})[0]
    assert answer.tick == 101
    answer.renew(107.9)
    assert answer.tick == 108
    for headers in ({}, {"accept_encoding": b"gzip"}, {"if_none_match": b"*"}):
        assert got(answer, **headers)[1][b"age"] == b"7"
    assert dict(first["headers"])[b"age"] == b"0", "a message on its way is not changed"


def test_the_last_tick_is_the_end_of_the_lifetime() -> None:
    answer = made(lifetime=2.5)
    answer.renew(102.2)
    assert answer.tick == answer.until == 102.5


def test_a_stale_answer_says_so_and_is_not_to_be_kept() -> None:
    start, body, _ = made().stale(130.0).reply({})
    headers = [item for item in start["headers"] if item[0] in {b"cache-control", b"cache-status", b"age"}]
    assert sorted(headers) == [
        (b"age", b"30"),
        (b"cache-control", b"no-cache"),
        (b"cache-status", b"nqpf; hit; detail=stale"),
    ]
    assert body["body"] == BODY
    assert dict(made().stale(131.0).reply({})[0]["headers"])[b"etag"] == b'"v1"'


def test_a_stale_answer_ages_too() -> None:
    answer = made()
    ages = [dict(answer.stale(now).reply({})[0]["headers"])[b"age"] for now in (130.0, 130.5, 131.0)]
    assert ages == [b"30", b"30", b"31"]


def test_an_answer_counts_the_memory_of_every_form_it_has() -> None:
    answer = made()
    sizes: list[int] = []
    answer.grown = lambda: sizes.append(answer.size)
    plain = answer.size
    forms: list[Message] = [answer.reply({b"accept-encoding": coding})[1] for coding in (b"gzip", b"zstd")]
    assert plain > len(BODY)
    assert answer.size == sizes[-1] > plain + sum(len(form["body"]) for form in forms)
    assert len(sizes) == 2
