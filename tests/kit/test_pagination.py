import base64
import json
from contextlib import suppress
from datetime import date
from typing import Annotated, Any

import pytest
from fastapi import Request
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, TypeAdapter

from app.kit import pagination
from app.kit.pagination import PageQuery
from app.kit.problems import Problem

DAYS = TypeAdapter(tuple[date, Annotated[int, Field(ge=1)]])


class Things(PageQuery):
    colour: str = "red"
    fields: str | None = None
    include: str | None = None


def coded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


@given(st.dates(), st.integers(min_value=1, max_value=10**12), st.text(max_size=12))
def test_a_cursor_holds_its_key(day: date, number: int, owner: str) -> None:
    cursor = pagination.encode((day, number), owner)
    assert pagination.decode(cursor, owner, DAYS) == (day, number)
    PageQuery(cursor=cursor)


@given(st.text("ABCDEFabcdef0123456789-_", max_size=60) | st.binary(max_size=60).map(coded))
def test_anything_else_is_refused_as_a_cursor(cursor: str) -> None:
    with pytest.raises(Problem) as error:
        pagination.decode(cursor, "things", DAYS)
    assert error.value.kind == "invalid-cursor"


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=5,
)


@given(st.lists(JSON_VALUES, max_size=3))
def test_a_forged_key_is_refused_or_of_the_right_kind(key: list[Any]) -> None:
    cursor = coded(json.dumps(["things", *key]).encode())
    with suppress(Problem):
        day, number = pagination.decode(cursor, "things", DAYS)
        assert isinstance(day, date)
        assert number >= 1


def test_a_cursor_of_another_list_is_refused() -> None:
    with pytest.raises(Problem, match="another list"):
        pagination.decode(pagination.encode((date(2026, 1, 1), 1), "things"), "others", DAYS)


def test_a_list_is_known_by_its_name_and_filters_and_not_by_how_it_is_shown() -> None:
    plain = pagination.scope(Things(), "things")
    shown = Things(limit=5, cursor="abc", fields="a", include="b")
    assert pagination.scope(shown, "things") == plain
    assert pagination.scope(Things(colour="blue"), "things") != plain
    assert pagination.scope(Things(), "others") != plain


@pytest.mark.parametrize(("rows", "page", "last"), [(0, 0, None), (2, 2, None), (3, 3, None), (4, 3, 2)])
def test_a_page_ends_with_a_cursor_only_when_there_is_more(rows: int, page: int, last: int | None) -> None:
    found, cursor = pagination.cut(range(rows), 3, lambda row: (row,), "things")
    assert list(found) == list(range(page))
    assert cursor == (None if last is None else pagination.encode((last,), "things"))


def test_the_link_keeps_the_parameters_and_replaces_the_cursor() -> None:
    query = b"tag=a&tag=b&q=%E6%95%B0%20%25&cursor=old&limit=2"
    request = Request(
        {"type": "http", "method": "GET", "path": "/v1/things", "query_string": query, "headers": []}
    )
    link = pagination.next_link(request, "new")["Link"]
    assert link == '</v1/things?tag=a&tag=b&q=%E6%95%B0+%25&limit=2&cursor=new>; rel="next"'
    assert pagination.next_link(request, None) == {}
