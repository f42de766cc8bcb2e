from datetime import UTC, datetime, timedelta

import pytest
from fastapi import Request, Response
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from app.kit.caching import JSON, PUBLIC, SPARSE, CachePolicy, finished, reply
from app.kit.conditional import SMALL

LONG_AGO = datetime(2026, 6, 25, 8, 30, 15, 999_999, tzinfo=UTC)
BODY = b"x" * SMALL
HEADER_TEXT = st.text(st.characters(max_codepoint=255), max_size=60)


def asking(**headers: str) -> Request:
    lines = [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()]
    return Request({"type": "http", "method": "GET", "path": "/", "headers": lines})


def answer(request: Request, body: bytes = BODY, modified: datetime | None = LONG_AGO) -> Response:
    return finished(request, body, JSON, modified=modified)


@given(HEADER_TEXT, HEADER_TEXT)
def test_no_conditional_header_breaks_the_answer(match: str, since: str) -> None:
    assert answer(asking(if_none_match=match)).status_code in (200, 304)
    assert answer(asking(if_modified_since=since)).status_code in (200, 304)


@given(st.datetimes(min_value=datetime(1900, 1, 1), max_value=datetime(2100, 1, 1)))  # noqa: DTZ001
def test_a_date_validates_exactly_what_is_not_younger_to_the_second(since: datetime) -> None:
    header = since.strftime("%a, %d %b %Y %H:%M:%S GMT")
    unchanged = since.replace(microsecond=0, tzinfo=UTC) >= LONG_AGO.replace(microsecond=0)
    assert answer(asking(if_modified_since=header)).status_code == (304 if unchanged else 200)


@pytest.mark.parametrize(("ago", "shown"), [(1.5, False), (-10, False), (2.5, True)])
def test_last_modified_waits_until_its_second_is_over(ago: float, *, shown: bool) -> None:
    moment = datetime.now(UTC) - timedelta(seconds=ago)
    assert ("last-modified" in answer(asking(), modified=moment).headers) is shown


def test_an_answer_without_a_time_of_change_has_only_its_entity_tag() -> None:
    undated = answer(asking(if_modified_since="Tue, 01 Jan 2030 00:00:00 GMT"), modified=None)
    assert undated.status_code == 200
    assert "last-modified" not in undated.headers
    assert undated.headers["etag"]


def test_the_entity_tag_is_of_the_bytes_alone() -> None:
    first, same, other = answer(asking()), answer(asking(), modified=None), answer(asking(), b"y" * SMALL)
    assert first.headers["etag"] == same.headers["etag"] != other.headers["etag"]


def test_a_body_is_compressed_from_a_thousand_bytes_on() -> None:
    for length, coding in [(SMALL - 1, None), (SMALL, "gzip")]:
        found = answer(asking(accept_encoding="gzip"), b"x" * length)
        assert found.headers.get("content-encoding") == coding


def test_several_header_lines_are_one_list() -> None:
    lines = [(b"accept-encoding", b"br"), (b"accept-encoding", b"gzip")]
    request = Request({"type": "http", "method": "GET", "path": "/", "headers": lines})
    assert answer(request).headers["content-encoding"] == "gzip"


class Item(BaseModel):
    a: int
    b: int


class Items(BaseModel):
    items: list[Item]
    next: str | None


def test_the_media_type_says_when_fields_are_left_out() -> None:
    whole = reply(asking(), Item(a=1, b=2), modified=None)
    assert (whole.media_type, bytes(whole.body)) == (JSON, b'{"a":1,"b":2}')
    sparse = reply(asking(), Item(a=1, b=2), modified=None, fields=frozenset({"b"}))
    assert (sparse.media_type, bytes(sparse.body)) == (SPARSE, b'{"b":2}')
    page = Items(items=[Item(a=1, b=2)], next="c")
    listed = reply(asking(), page, modified=None, fields=frozenset({"a"}), listed=True)
    assert bytes(listed.body) == b'{"items":[{"a":1}],"next":"c"}'


def test_the_policy_says_how_long_an_answer_may_be_reused() -> None:
    assert answer(asking()).headers["cache-control"] == PUBLIC.header() == "public, max-age=60"
    brief = finished(asking(), BODY, JSON, modified=None, policy=CachePolicy(max_age=5))
    assert brief.headers["cache-control"] == "public, max-age=5"
