"""Query parameters that are never clamped, ignored or guessed."""

import re
from datetime import UTC, date, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query as QueryParameters
from fastapi import Request
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    Strict,
    WithJsonSchema,
)

from app.kit.problems import invalid_parameter

_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d(?:\.\d{1,6})?)(?:([Zz])|([+ -])(\d\d:\d\d))")
_DIGITS = re.compile(r"0|[1-9][0-9]{0,8}")
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_SHOWN = 5
_CONTROLS = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


def _iso_day(value: Any) -> Any:
    if not isinstance(value, date) and not (isinstance(value, str) and _DAY.fullmatch(value)):
        raise ValueError("a date is written YYYY-MM-DD")
    return value


def _rfc3339(value: Any) -> Any:
    """A ``+`` that was not encoded arrives as a blank."""
    if isinstance(value, str):
        parts = _MOMENT.fullmatch(value)
        if parts is None:
            raise ValueError("a moment is written 2026-06-25T12:00:00+08:00")
        day, time, utc, sign, offset = parts.groups()
        return f"{day}T{time}Z" if utc else f"{day}T{time}{sign.replace(' ', '+')}{offset}"
    return value


def _moment(value: Any) -> Any:
    if not isinstance(value, datetime) and not (isinstance(value, str) and " " not in value):
        raise ValueError("a moment is written 2026-06-25T12:00:00+08:00")
    return _rfc3339(value)


def _past(value: datetime) -> datetime:
    if value > datetime.now(UTC):
        raise ValueError("it is in the future")
    return value


def _digits(value: Any) -> Any:
    if isinstance(value, str) and not _DIGITS.fullmatch(value):
        raise ValueError("a number is written in digits alone, without leading zeros")
    return value


def _plain(value: str) -> str:
    if _CONTROLS.search(value):
        raise ValueError("control characters are not text")
    if not value.strip():
        raise ValueError("it is empty")
    return value


def _canonical(value: Any) -> Any:
    if isinstance(value, str) and not _ID.fullmatch(value):
        raise ValueError("an id is a UUID in lower-case hexadecimal digits with hyphens")
    return value


def shorten(text: str) -> str:
    """A text that somebody sent, short enough to be repeated in an error."""
    return text if len(text) <= 40 else f"{text[:39]}…"


Id = Annotated[UUID, BeforeValidator(_canonical)]
"""A UUID in its one canonical spelling, so that every object has one address."""
Day = Annotated[date, BeforeValidator(_iso_day)]
"""A date in Asia/Shanghai, ``2026-06-25`` and nothing else."""
PastMoment = Annotated[
    AwareDatetime,
    Field(examples=["2026-06-25T12:00:00+08:00"]),
    BeforeValidator(_rfc3339),
    AfterValidator(_past),
]
"""A moment that has passed, in RFC 3339 with its offset."""
Moment = Annotated[AwareDatetime, BeforeValidator(_moment)]
"""A moment in a body, in RFC 3339 with its offset; a number is none."""
Whole = Annotated[int, Strict()]
"""A whole number in a body: neither true nor a number in quotes."""
Flag = Annotated[bool, Strict()]
"""True or false in a body, and nothing that is taken for one."""
Digits = BeforeValidator(_digits)
"""Accepts a whole number in plain digits only; stands after the number's bounds, which it would hide."""
Plain = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_plain)]
"""A short text without control characters."""
Typed = Annotated[str, Field(min_length=1, max_length=512), AfterValidator(_plain)]
"""What somebody typed into a search box: longer, and under the same rules."""
_SLUG = r"^[a-z0-9]+(-[a-z0-9]+)*$"
Slug = Annotated[str, Field(pattern=_SLUG, max_length=80)]


def is_slug(value: str) -> bool:
    """Whether ``value`` could name anything."""
    return re.fullmatch(_SLUG, value) is not None


class Query(BaseModel):
    """Parameters of one operation: an unknown one is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


async def no_parameters(_query: Annotated[Query, QueryParameters()]) -> None:
    """Refuse every parameter: the operation has none."""


REPEATABLE = frozenset({"tag", "tag.any", "tag.not", "source"})


async def once(request: Request) -> None:
    """Refuse a parameter given twice where only one value could count."""
    seen = set()
    for name, _ in request.query_params.multi_items():
        if name in seen and name not in REPEATABLE:
            raise invalid_parameter(name, "it is given more than once")
        seen.add(name)


def one_of(*names: str) -> tuple[AfterValidator, WithJsonSchema]:
    """Makes a string a comma-separated choice among names; a refusal says what is unknown and what exists."""

    def known(value: str) -> str:
        unknown = [name for name in dict.fromkeys(value.split(",")) if name not in names]
        if unknown:
            shown = ", ".join(repr(shorten(name)) for name in unknown[:_SHOWN])
            raise ValueError(f"there is no {shown}; there are {', '.join(names)}")
        return value

    name = f"({'|'.join(map(re.escape, names))})"
    schema = {"type": "string", "pattern": f"^{name}(,{name})*$", "examples": [",".join(names[:2])]}
    return AfterValidator(known), WithJsonSchema(schema)


def chosen(value: str | None) -> frozenset[str] | None:
    """The set named by a comma-separated parameter; None where it is absent."""
    return None if value is None else frozenset(value.split(","))
