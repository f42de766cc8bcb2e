from datetime import UTC, datetime, timedelta

import pytest
from fastapi import FastAPI, Request, Response
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from app.kit.caching import JSON, PUBLIC, READY, SPARSE, Body, CachePolicy, reply, sparse, without
from app.kit.conditional import SMALL

LONG_AGO = datetime(2026, 6, 25, 8, 30, 15, 999_999, tzinfo=UTC)
BODY = b"x" * SMALL
HEADER_TEXT = st.text(st.characters(max_codepoint=255), max_size=60)


def asking(**headers: str) -> Request:
    lines = [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()]
    return request(lines)


def request(lines: list[tuple[bytes, bytes]]) -> Request:
    app = FastAPI()
    app.state.policy = PUBLIC
    return Request({"type": "http", "method": "GET", "path": "/", "headers": lines, "app": app})


def answer(request: Request, body: bytes = BODY, modified: datetime | None = LONG_AGO) -> Response:
    return reply(request, Body(body), keys=["thing"], modified=modified)


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
    assert answer(request(lines)).headers["content-encoding"] == "gzip"


def test_the_media_type_says_when_fields_are_left_out() -> None:
    item = '{"a":1,"b":"“甲”\\n\\u0001/\\"","c":[null,true]}'.encode()
    assert (sparse(item, None).media_type, sparse(item, None).content) == (JSON, item)
    only = sparse(item, frozenset({"b"}))
    assert (only.media_type, only.content) == (SPARSE, '{"b":"“甲”\\n\\u0001/\\""}'.encode())
    page = sparse(b'{"items":[%b],"next":"c"}' % item, frozenset({"a", "c"}), listed=True)
    assert page.content == b'{"items":[{"a":1,"c":[null,true]}],"next":"c"}'
    assert without(item, frozenset({"b"})) == b'{"a":1,"c":[null,true]}'


class Said(BaseModel):
    text: str


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=50))
def test_a_part_is_written_as_the_whole_is(text: str) -> None:
    whole = Said(text=text).model_dump_json().encode()
    assert sparse(whole, frozenset({"text"})).content == whole


def test_what_is_ready_is_sent_and_offered_instead_of_being_made_again() -> None:
    made = Body(BODY, etag="made", ready={"gzip": b"packed"})
    answered = reply(asking(accept_encoding="gzip"), made, keys=[], modified=None)
    assert (bytes(answered.body), answered.headers["etag"]) == (b"packed", '"made-gzip"')
    offered: dict[str, bytes] = {}
    plain = asking()
    plain.scope["extensions"] = {READY: offered}
    assert bytes(reply(plain, made, keys=[], modified=None).body) == BODY
    assert offered == {"gzip": b"packed"}


def test_the_part_that_lasts_says_whether_an_answer_has_changed() -> None:
    answers = [reply(asking(), Body(each, lasting=b"x"), keys=[], modified=None) for each in (b"1", b"2")]
    assert answers[0].headers["etag"] == answers[1].headers["etag"]
    assert answers[0].headers["etag"].startswith('W/"')


def test_an_answer_names_the_keys_by_which_it_is_dropped() -> None:
    assert answer(asking()).headers["surrogate-key"] == "everything thing"


def test_the_policy_says_how_long_an_answer_may_be_reused() -> None:
    assert answer(asking()).headers["cache-control"] == PUBLIC.header() == "public, max-age=60"
    long = CachePolicy(max_age=5, s_maxage=86_400, stale_while_revalidate=30)
    brief = reply(asking(), Body(BODY), keys=[], modified=None, policy=long)
    assert brief.headers["cache-control"] == "public, max-age=5, s-maxage=86400, stale-while-revalidate=30"
