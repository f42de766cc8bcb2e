from typing import Any

from app.kit.openapi import complete_examples, name_schemas


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


def test_schemas_of_one_name_are_told_apart_by_names_and_the_public_one_keeps_its_own() -> None:
    paths = [
        "app__bulletins__schemas__Section",
        "app__bulletins__document__Section",
        "app__editorial__schemas__Note",
        "Draft-Input",
    ]
    shapes: dict[str, Any] = {path: {"title": "Section"} for path in paths}
    uses = {path: {"$ref": f"#/components/schemas/{path}"} for path in paths}
    named = name_schemas({"components": {"schemas": {**shapes, "Other": uses}}}, "app.bulletins.schemas")
    schemas = named["components"]["schemas"]
    names = ["Section", "DocumentSection", "EditorialNote", "DraftInput"]
    assert list(schemas) == [*names, "Other"]
    assert [schemas[name]["title"] for name in names] == names
    assert [use["$ref"] for use in schemas["Other"].values()] == [
        f"#/components/schemas/{name}" for name in names
    ]
