"""The description of the API where FastAPI's own falls short."""

import json
from typing import Any

from fastapi import FastAPI

Node = dict[str, Any]


def install(app: FastAPI, public: str) -> None:
    """Mend the description that ``app`` gives, after whatever else adds to it.

    :param public: the module whose schemas keep their names where others are called the same.
    """
    generated = app.openapi

    def openapi() -> Node:
        document = name_schemas(generated(), public)
        complete_examples(document)
        return document

    app.openapi = openapi  # type: ignore[method-assign]


def name_schemas(document: Node, public: str) -> Node:
    """Names instead of the paths of modules, which FastAPI gives to schemas that are called the same.

    One of ``document.Section`` becomes ``DocumentSection``, one of ``editorial.schemas.Revision``
    ``EditorialRevision``, a ``Section-Input`` ``SectionInput``. Generators take titles for names,
    so these change too.
    """
    text = json.dumps(document)
    names = {path: _name(path, public) for path in document["components"]["schemas"]}
    names = {path: name for path, name in names.items() if path != name}
    for path, name in names.items():
        text = text.replace(
            json.dumps(f"#/components/schemas/{path}"), json.dumps(f"#/components/schemas/{name}")
        )
    renamed: Node = json.loads(text)
    shapes = renamed["components"]["schemas"]
    renamed["components"]["schemas"] = {names.get(path, path): shape for path, shape in shapes.items()}
    for name in names.values():
        renamed["components"]["schemas"][name]["title"] = name
    return renamed


def _name(path: str, public: str) -> str:
    *modules, name = path.replace("-", "").split("__")
    if not modules or ".".join(modules) == public:
        return name
    *_, package, module = modules
    owner = package if module == "schemas" else module
    return owner.title().replace("_", "") + name


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
