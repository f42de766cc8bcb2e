"""Why a value is refused, in plain words."""

from collections.abc import Mapping
from typing import Any

from pydantic_core import ErrorDetails

_TYPES = {
    "it is missing": "missing",
    "it is unknown": "extra_forbidden",
    "it is not JSON: {error}": "json_invalid",
    "a whole number is expected": "int_type int_parsing int_parsing_size int_from_float",
    "a number is expected": "float_type float_parsing finite_number",
    "true or false is expected": "bool_type bool_parsing",
    "text is expected": "string_type string_unicode",
    "a list is expected": "list_type tuple_type set_type frozen_set_type",
    "an object is expected": "model_type model_attributes_type dict_type mapping_type",
    "a date such as 2026-06-25 is expected": (
        "date_type date_parsing date_from_datetime_parsing date_from_datetime_inexact"
    ),
    "a moment such as 2026-06-25T12:00:00+08:00 is expected": (
        "datetime_type datetime_parsing datetime_from_date_parsing datetime_object_invalid timezone_aware"
    ),
    "a UUID is expected": "uuid_type uuid_parsing",
    "{expected} is expected": "literal_error enum",
    "{discriminator} must be one of {expected_tags}": "union_tag_invalid",
    "{discriminator} is missing": "union_tag_not_found",
    "at most {le} is allowed": "less_than_equal",
    "at least {ge} is needed": "greater_than_equal",
    "less than {lt} is needed": "less_than",
    "more than {gt} is needed": "greater_than",
    "at most {max_length} characters are allowed": "string_too_long",
    "at least {min_length} characters are needed": "string_too_short",
    "it does not match {pattern}": "string_pattern_mismatch",
    "its length is at most {max_length}": "too_long",
    "its length is at least {min_length}": "too_short",
}
"""Pydantic's types of errors by our words; its own are for programmers in Python."""

_REASONS = {each: words for words, types in _TYPES.items() for each in types.split()}


def reason(error: ErrorDetails | Mapping[str, Any]) -> str:
    """One of a validation's errors in plain words, without its place."""
    context = error.get("ctx", {})
    if context.get("min_length") == 1:
        return "it is empty"
    if words := _REASONS.get(error["type"]):
        return words.format_map(context)
    return str(error["msg"]).removeprefix("Value error, ")
