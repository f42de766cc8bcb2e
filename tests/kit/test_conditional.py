import gzip
from datetime import UTC, datetime

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from app.kit.conditional import compress, date, negotiate, unchanged

HEADER_TEXT = st.text(st.characters(max_codepoint=255), max_size=60)
MOMENT = datetime(2026, 6, 25, 8, 30, 0, 999_999, tzinfo=UTC)
DAY = "Thu, 25 Jun 2026 08:30:00 GMT"


@given(HEADER_TEXT)
def test_any_accept_encoding_leads_to_an_offered_coding(accept: str) -> None:
    assert negotiate(accept) in {"gzip", "zstd", None}


@given(
    st.dictionaries(
        st.sampled_from(["gzip", "zstd", "identity", "br", "*"]),
        st.integers(0, 1000).map(lambda weight: weight / 1000),
    )
)
def test_the_chosen_coding_has_the_greatest_weight_of_those_offered(weights: dict[str, float]) -> None:
    chosen = negotiate(", ".join(f"{coding};q={weight:.3f}" for coding, weight in weights.items()))
    offered = {coding: weights.get(coding, weights.get("*", 0)) for coding in ("gzip", "zstd")}
    best = max(offered.values())
    if best == 0 or best < weights.get("identity", 0):
        assert chosen is None
    else:
        assert chosen is not None
        assert offered[chosen] == best


@given(st.binary(max_size=3000))
def test_compression_gives_the_same_bytes_every_time_and_loses_none(body: bytes) -> None:
    assert gzip.decompress(compress(body, "gzip")) == body
    assert zstandard.ZstdDecompressor().decompress(compress(body, "zstd")) == body
    assert compress(body, None) == body
    assert all(compress(body, coding) == compress(body, coding) for coding in ("gzip", "zstd"))


@given(HEADER_TEXT)
def test_any_text_is_a_date_with_an_offset_or_none(header: str) -> None:
    found = date(header)
    assert found is None or found.tzinfo is not None


@pytest.mark.parametrize(
    ("match", "since", "known"),
    [
        (None, None, False),
        ('"a"', None, True),
        ('W/"a"', None, True),
        ('"x", "b"', None, True),
        ("*", None, True),
        ('"x"', None, False),
        ("a", None, False),
        ('"x"', DAY, False),
        (None, DAY, True),
        (None, "Thu, 25 Jun 2026 08:29:59 GMT", False),
        (None, "Thu, 25 Jun 2026 08:30:00", False),
        (None, "yesterday", False),
    ],
)
def test_an_entity_tag_decides_alone_and_a_date_to_the_second(
    match: str | None, since: str | None, *, known: bool
) -> None:
    assert unchanged(match, since, {'"a"', '"b"'}, MOMENT) is known


def test_a_date_decides_nothing_when_the_time_of_change_is_not_known() -> None:
    assert not unchanged(None, DAY, set(), None)
