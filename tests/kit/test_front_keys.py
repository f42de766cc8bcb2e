from urllib.parse import quote, urlencode

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from starlette.datastructures import QueryParams

from app.kit.front_keys import MAX_PARAMETERS, MAX_TARGET, normalised

PAIRS = st.lists(st.tuples(st.text(max_size=5), st.text(max_size=5)), max_size=6)


def spelled(pairs: list[tuple[str, str]], safe: str) -> bytes:
    return urlencode(pairs, quote_via=quote, safe=safe).encode()


@given(PAIRS.flatmap(lambda pairs: st.tuples(st.just(pairs), st.permutations(pairs))))
def test_order_and_spelling_of_the_parameters_do_not_matter(
    lists: tuple[list[tuple[str, str]], list[tuple[str, str]]],
) -> None:
    first, second = lists
    assert normalised("/a", spelled(first, "~/!")) == normalised("/a", urlencode(second).encode())


@given(st.binary(max_size=20), st.binary(max_size=20))
def test_two_queries_share_a_key_only_if_the_application_sees_the_same_parameters(
    first: bytes, second: bytes
) -> None:
    assume(normalised("/a", first) is not None)
    same = sorted(QueryParams(first).multi_items()) == sorted(QueryParams(second).multi_items())
    assert (normalised("/a", first) == normalised("/a", second)) is same


def test_percent_encoding_is_one_spelling_of_many() -> None:
    assert normalised("/a", b"q=%e6%96%b0+%7e") == normalised("/a", b"q=%E6%96%B0%20~")


def test_a_parameter_given_twice_is_not_one_given_once() -> None:
    assert normalised("/a", b"tag=a&tag=a") != normalised("/a", b"tag=a")


def test_the_path_is_part_of_the_key() -> None:
    assert normalised("/a", b"b=1") != normalised("/b", b"b=1")
    assert normalised("/a?b=1", b"") != normalised("/a", b"b=1")


def test_what_is_too_long_or_has_too_many_parameters_has_no_key() -> None:
    assert normalised("/" * MAX_TARGET, b"") is not None
    assert normalised("/" * MAX_TARGET, b"a") is None
    assert normalised("/a", b"a" * MAX_TARGET) is None
    assert normalised("/a", b"&".join([b"a=1"] * MAX_PARAMETERS)) is not None
    assert normalised("/a", b"&".join([b"a=1"] * (MAX_PARAMETERS + 1))) is None


@pytest.mark.parametrize("query", [b"q=%FF", b"%ED%A0%80=1"])
def test_a_query_that_is_not_utf_8_has_no_key(query: bytes) -> None:
    assert normalised("/a", query) is None
