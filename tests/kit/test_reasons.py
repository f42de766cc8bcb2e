from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any, Literal, get_args
from uuid import UUID

import pytest
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic_core.core_schema import ErrorType

from app.kit import reasons
from app.kit.reasons import reason


class Colour(StrEnum):
    red = "red"
    blue = "blue"


class Cat(BaseModel):
    model_config = ConfigDict(extra="forbid")

    type: Literal["cat"]


class Dog(BaseModel):
    type: Literal["dog"]


Pet = Annotated[Cat | Dog, Field(discriminator="type")]


@pytest.mark.parametrize(
    ("expected", "value", "words"),
    [
        (int, "x", "a whole number is expected"),
        (int, 1.5, "a whole number is expected"),
        (float, "x", "a number is expected"),
        (bool, "x", "true or false is expected"),
        (str, 1, "text is expected"),
        (list[int], "x", "a list is expected"),
        (tuple[int, ...], 1, "a list is expected"),
        (dict[str, int], 1, "an object is expected"),
        (Cat, 1, "an object is expected"),
        (Cat, {}, "it is missing"),
        (Cat, {"type": "cat", "tail": 1}, "it is unknown"),
        (Pet, {"type": "bird"}, "'type' must be one of 'cat', 'dog'"),
        (Pet, {}, "'type' is missing"),
        (date, "x", "a date such as 2026-06-25 is expected"),
        (date, "2026-06-25T12:00:00", "a date such as 2026-06-25 is expected"),
        (datetime, "x", "a moment such as 2026-06-25T12:00:00+08:00 is expected"),
        (AwareDatetime, "2026-06-25T12:00:00", "a moment such as 2026-06-25T12:00:00+08:00 is expected"),
        (UUID, "x", "a UUID is expected"),
        (Colour, "green", "'red' or 'blue' is expected"),
        (Literal["a", "b"], "c", "'a' or 'b' is expected"),
        (Annotated[int, Field(le=200)], 201, "at most 200 is allowed"),
        (Annotated[int, Field(ge=1)], 0, "at least 1 is needed"),
        (Annotated[int, Field(lt=2)], 2, "less than 2 is needed"),
        (Annotated[int, Field(gt=2)], 2, "more than 2 is needed"),
        (Annotated[str, Field(max_length=2)], "abc", "at most 2 characters are allowed"),
        (Annotated[str, Field(min_length=2)], "a", "at least 2 characters are needed"),
        (Annotated[str, Field(min_length=1)], "", "it is empty"),
        (Annotated[str, Field(pattern="^a{2}$")], "b", "it does not match ^a{2}$"),
        (Annotated[list[int], Field(max_length=1)], [1, 2], "its length is at most 1"),
        (Annotated[list[int], Field(min_length=2)], [1], "its length is at least 2"),
    ],
)
def test_refused_value_is_told_of_in_plain_words(expected: Any, value: Any, words: str) -> None:
    with pytest.raises(ValidationError) as refused:
        TypeAdapter(expected).validate_python(value)
    assert reason(refused.value.errors()[0]) == words


def test_json_that_cannot_be_read_is_told_of_with_the_place() -> None:
    with pytest.raises(ValidationError) as refused:
        TypeAdapter(int).validate_json("{")
    assert reason(refused.value.errors()[0]).startswith("it is not JSON: EOF")


def test_our_own_words_stay_as_they_are() -> None:
    assert reason({"type": "value_error", "msg": "Value error, it is empty"}) == "it is empty"


def test_words_stand_for_types_that_exist() -> None:
    known = set(get_args(ErrorType))
    assert set(reasons._REASONS) <= known
