import asyncio
import re
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Annotated
from uuid import UUID

import pytest
from fastapi import Request
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from app.kit.parameters import Day, Id, PastMoment, Plain, Query, Slug, chosen, is_slug, once, one_of
from app.kit.problems import Problem

DAY: TypeAdapter[date] = TypeAdapter(Day)
PLAIN: TypeAdapter[str] = TypeAdapter(Plain)
MOMENT: TypeAdapter[datetime] = TypeAdapter(PastMoment)
SLUG: TypeAdapter[str] = TypeAdapter(Slug)


@given(st.dates())
def test_a_day_is_written_one_way(day: date) -> None:
    assert DAY.validate_python(day.isoformat()) == day
    for other in (day.strftime("%Y%m%d"), f"{day.isoformat()}T00:00:00", f" {day.isoformat()}"):
        with pytest.raises(ValidationError):
            DAY.validate_python(other)


@pytest.mark.parametrize(
    "text", ["2026-02-29", "2026-13-01", "0000-01-01", "２０２６-01-01", "", "0", "20260625"]
)
def test_what_is_no_day_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        DAY.validate_python(text)


OFFSETS = st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(st.datetimes(max_value=datetime(2026, 1, 1), timezones=OFFSETS))  # noqa: DTZ001 - offsets are added
def test_a_moment_keeps_its_instant_and_its_plus_may_arrive_as_a_blank(moment: datetime) -> None:
    written = moment.isoformat()
    assert MOMENT.validate_python(written) == moment
    assert MOMENT.validate_python(written.replace("+", " ")) == moment


@pytest.mark.parametrize(
    "text",
    [
        "2026-06-25", "2026-06-25T12:00:00", "2026-06-25T12:00+08:00", "2026-06-25 12:00:00+08:00", "now", "",
        "1782360000", "2026-06-31T12:00:00Z", "2026-06-25T25:00:00Z", "2026-06-25T12:00:00+25:00",
        "2026-06-25T12:00:00+08", "２０２６-06-25T12:00:00Z", " 2026-06-25T12:00:00Z",
        "2026-06-25T12:00:00Z ",
    ],
)  # fmt: skip
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        MOMENT.validate_python(text)


def test_the_future_is_refused() -> None:
    now = datetime.now(UTC)
    assert MOMENT.validate_python(now.isoformat()) == now
    with pytest.raises(ValidationError, match="in the future"):
        MOMENT.validate_python((now + timedelta(minutes=1)).isoformat())


@given(st.text(max_size=250))
def test_plain_text_says_something_without_control_characters(text: str) -> None:
    control = re.search("[\x00-\x1f\x7f\ud800-\udfff]", text)
    if 1 <= len(text) <= 200 and text.strip() and not control:
        assert PLAIN.validate_python(text) == text
    else:
        with pytest.raises(ValidationError):
            PLAIN.validate_python(text)


@pytest.mark.parametrize("text", ["compute", "5g", "summer-davos", "2026-06-25", "a" * 80])
def test_slugs_are_words_joined_by_hyphens(text: str) -> None:
    assert SLUG.validate_python(text) == text
    assert is_slug(text)


@pytest.mark.parametrize(
    "text", ["", "-", "a-", "-a", "a--b", "A", "a_b", "a b", "算力", "a\n", "a\x00", "ａ"]
)
def test_what_is_no_slug_names_nothing(text: str) -> None:
    assert not is_slug(text)
    with pytest.raises(ValidationError):
        SLUG.validate_python(text)


def test_a_query_refuses_what_it_does_not_know() -> None:
    with pytest.raises(ValidationError, match="extra_forbidden"):
        Query.model_validate({"unknown": "1"})


def ask(query: str) -> None:
    asyncio.run(once(Request({"type": "http", "query_string": query.encode(), "headers": []})))


@pytest.mark.parametrize("query", ["", "a=1&b=1", "tag=a&tag=b&tag.any=a&tag.any=b", "source=a&source=a"])
def test_filters_may_be_repeated(query: str) -> None:
    ask(query)


@pytest.mark.parametrize("query", ["limit=1&limit=1", "a=1&limit=1&a=2&limit=", "q&q", "limit=1&%6Cimit=2"])
def test_other_parameters_may_not(query: str) -> None:
    with pytest.raises(Problem, match=f"^{re.split('[=&]', query)[0]}: it is given more than once"):
        ask(query)


FIELDS: TypeAdapter[str] = TypeAdapter(Annotated[str, *one_of("slug", "title")])
PATTERN = FIELDS.json_schema()["pattern"]


@pytest.mark.parametrize("text", ["slug", "title,slug", "slug,slug"])
def test_a_choice_is_a_comma_separated_list_of_names(text: str) -> None:
    assert FIELDS.validate_python(text) == text
    assert re.fullmatch(PATTERN, text)
    assert chosen(text) == frozenset(text.split(","))


@pytest.mark.parametrize(
    "text", ["", ",", "slug,", ",slug", "slug,,title", "slug, title", "slugtitle", "Slug", "s.ug", "slug\n"]
)
def test_other_lists_are_no_choice(text: str) -> None:
    with pytest.raises(ValidationError):
        FIELDS.validate_python(text)
    assert not re.search(PATTERN.replace("$", r"\Z"), text)


def test_a_refused_choice_says_what_is_unknown_and_what_exists() -> None:
    with pytest.raises(ValidationError, match=r"error, there is no 'name', 'Slug'; there are slug, title "):
        FIELDS.validate_python("slug,name,Slug,name")
    with pytest.raises(ValidationError) as caught:
        FIELDS.validate_python(",".join(f"{n}{'x' * 5000}" for n in range(100)))
    assert len(caught.value.errors()[0]["msg"]) < 400


def test_names_are_taken_literally_and_absence_is_no_choice() -> None:
    dotted: TypeAdapter[str] = TypeAdapter(Annotated[str, *one_of("tag.any")])
    assert re.fullmatch(dotted.json_schema()["pattern"], "tag.any")
    assert not re.fullmatch(dotted.json_schema()["pattern"], "tagXany")
    assert chosen(None) is None


def test_an_id_is_spelt_one_way() -> None:
    ids: TypeAdapter[UUID] = TypeAdapter(Id)
    written = "01999999-0000-7000-8000-00000000abcd"
    assert ids.validate_python(written) == UUID(written)
    odd = [written.upper(), f"{{{written}}}", written.replace("-", ""), f"urn:uuid:{written}", f" {written}"]
    for other in [*odd, f"{written}\n", written.replace("0", "０")]:
        with pytest.raises(ValidationError, match="lower-case hexadecimal digits with hyphens"):
            ids.validate_python(other)
