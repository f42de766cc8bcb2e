"""The description of the API where FastAPI's own falls short."""

from typing import Any

Node = dict[str, Any]


def complete_examples(document: Node) -> None:
    """Put back what FastAPI leaves out of examples: the fields that are null."""
    shapes = document["components"]["schemas"]
    for operations in document["paths"].values():
        for operation in operations.values():
            for response in operation["responses"].values():
                for content in response.get("content", {}).values():
                    if "example" in content:
                        content["example"] = _completed(content["example"], content["schema"], shapes)


def _completed(value: Any, schema: Node, shapes: Node) -> Any:
    if target := schema.get("$ref"):
        return _completed(value, shapes[target.rpartition("/")[2]], shapes)
    if isinstance(value, list) and "items" in schema:
        return [_completed(item, schema["items"], shapes) for item in value]
    if isinstance(value, dict) and "properties" in schema:
        required = schema.get("required", ())
        return {
            name: _completed(value.get(name), shape, shapes)
            for name, shape in schema["properties"].items()
            if name in value or name in required
        }
    return value
