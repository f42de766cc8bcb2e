from typing import Any

from app.kit.openapi import complete_examples


def test_examples_get_back_the_fields_that_are_null() -> None:
    name = {"type": "object", "properties": {"a": {}, "b": {}, "c": {}}, "required": ["a", "b"]}
    page = {
        "type": "object",
        "properties": {"items": {"items": {"$ref": "#/components/schemas/Name"}}, "next": {}},
        "required": ["items", "next"],
    }
    content: dict[str, Any] = {
        "schema": {"$ref": "#/components/schemas/Page"},
        "example": {"items": [{"b": 1}]},
    }
    complete_examples(
        {
            "components": {"schemas": {"Name": name, "Page": page}},
            "paths": {"/": {"get": {"responses": {"200": {"content": {"application/json": content}}}}}},
        }
    )
    assert content["example"] == {"items": [{"a": None, "b": 1}], "next": None}
