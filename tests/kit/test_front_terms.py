import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kit.front_terms import Terms, terms

CONTROL = (b"cache-control", b"public, max-age=60")
KEYS = (b"surrogate-key", b"bulletin:2026-06-25 list")
NAMES = [b"cache-control", b"surrogate-key", b"vary", b"set-cookie", b"etag", b"x"]


def test_an_answer_opts_in_by_a_public_lifetime_and_surrogate_keys() -> None:
    assert terms(200, [CONTROL, KEYS]) == Terms(60, frozenset({"bulletin:2026-06-25", "list"}))


@pytest.mark.parametrize("status", [404, 410])
def test_what_is_not_there_may_opt_in_too(status: int) -> None:
    assert terms(status, [CONTROL, KEYS]) is not None


@pytest.mark.parametrize(
    ("control", "lifetime"),
    [
        (b"public, max-age=5, s-maxage=86400, stale-while-revalidate=30", 5),
        (b"public, s-maxage=86400", 86_400),
        (b'Public , MAX-AGE="7"', 7),
    ],
)
def test_the_lifetime_is_the_one_that_age_counts_against(control: bytes, lifetime: int) -> None:
    found = terms(200, [(b"cache-control", control), KEYS])
    assert found is not None
    assert found.lifetime == lifetime


@pytest.mark.parametrize(
    "control",
    [
        b"",
        b"max-age=60",
        b"public",
        b"public, max-age=0",
        b"public, max-age=-1",
        b"public, max-age=x",
        b"public, max-age=" + b"9" * 5_000,
        b"public, max-age=60, private",
        b"public, max-age=60, no-store",
        b"public, max-age=60, no-cache",
        b"public, max-age=60, private=set-cookie",
    ],
)
def test_an_answer_without_a_public_lifetime_is_not_kept(control: bytes) -> None:
    assert terms(200, [(b"cache-control", control), KEYS]) is None


@pytest.mark.parametrize(
    "more",
    [
        (b"set-cookie", b"a=b"),
        (b"vary", b"*"),
        (b"vary", b"Accept-Encoding, Cookie"),
        (b"vary", b"Authorization"),
        (b"content-encoding", b"gzip"),
        (b"cache-control", b"private"),
        (b"link", b"<a>\r\nset-cookie: a=b"),
        (b"x\r\nset-cookie", b"a=b"),
        (b"x", b"a\0b"),
    ],
)
def test_an_answer_that_is_not_the_same_for_all_or_not_safe_is_not_kept(more: tuple[bytes, bytes]) -> None:
    assert terms(200, [CONTROL, KEYS, more]) is None


def test_an_answer_may_vary_with_coding_and_origin() -> None:
    varying = [(b"vary", b"Accept-Encoding"), (b"vary", b"origin")]
    assert terms(200, [CONTROL, KEYS, *varying]) is not None


@pytest.mark.parametrize("keys", [[], [(b"surrogate-key", b" ")]])
def test_an_answer_without_surrogate_keys_is_not_kept(keys: list[tuple[bytes, bytes]]) -> None:
    assert terms(200, [CONTROL, *keys]) is None


@pytest.mark.parametrize("status", [201, 206, 301, 304, 401, 403, 422, 500, 503])
def test_no_other_status_is_kept(status: int) -> None:
    assert terms(status, [CONTROL, KEYS]) is None


@given(st.lists(st.tuples(st.sampled_from(NAMES), st.binary(max_size=30)), max_size=8))
def test_no_header_breaks_the_reading_of_terms(headers: list[tuple[bytes, bytes]]) -> None:
    found = terms(200, headers)
    assert found is None or (found.lifetime > 0 and found.keys)
