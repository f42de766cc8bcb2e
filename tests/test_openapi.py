import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from app.bulletins import examples, schemas
from app.cli.server import export_openapi
from app.kit.problems import ProblemDetails
from app.kit.settings import Settings
from app.main import create_app

COMMITTED = Path(__file__).parents[1] / "openapi" / "openapi.json"

DOCUMENT: dict[str, Any] = create_app(Settings()).openapi()
OPERATIONS: dict[str, dict[str, Any]] = {
    f"{method.upper()} {path}": operation
    for path, operations in DOCUMENT["paths"].items()
    for method, operation in operations.items()
}


def success(operation: dict[str, Any]) -> str:
    """The status with which an operation does what it is for."""
    return str(next(status for status in operation["responses"] if status.startswith("2")))


def walk(node: Any) -> Iterator[dict[str, Any]]:
    """Every object in the document."""
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from walk(value)
    elif isinstance(node, list):
        for value in node:
            yield from walk(value)


def test_the_committed_document_is_the_one_the_code_makes(tmp_path: Path) -> None:
    made = tmp_path / "openapi.json"
    export_openapi(made)
    fresh = made.read_text("utf-8") == COMMITTED.read_text("utf-8")
    assert fresh, "openapi/openapi.json is stale: run `nqpf export-openapi openapi/openapi.json`"


def test_operation_ids_are_there_and_different() -> None:
    ids = [operation["operationId"] for operation in OPERATIONS.values()]
    assert len(set(ids)) == len(ids) >= 12


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_says_what_it_does_with_an_example(name: str) -> None:
    operation = OPERATIONS[name]
    assert operation["summary"]
    assert operation["description"].endswith(".")
    done = success(operation)
    if done == "204":
        return
    content = operation["responses"][done]["content"]["application/json"]
    shape = DOCUMENT["components"]["schemas"][content["schema"]["$ref"].rpartition("/")[2]]
    assert "example" in content or all("examples" in field for field in shape["properties"].values())
    for parameter in operation.get("parameters", []):
        assert parameter.get("description") or parameter["in"] == "path", parameter["name"]


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_names_every_error_it_can_give(name: str) -> None:
    operation = OPERATIONS[name]
    done = success(operation)
    expected = {done, "422", "500"}
    if "/live" not in name:
        expected.add("503")
    if "/v1/" in name:
        expected |= {"400", "401", "429"}
    if "partners" in operation["tags"]:
        expected |= set(operation["responses"]) & {"403", "404", "409", "410", "412", "428"}
    elif "/v1/" in name:
        expected.add("304")
    if ("{" in name and "partners" not in operation["tags"]) or "latest" in name:
        expected.add("404")
    if "/bulletins/{slug}" in name:
        expected.add("410")
    assert set(operation["responses"]) == expected
    for status in expected - {done, "304"}:
        content = operation["responses"][status]["content"]
        assert set(content) == {"application/problem+json"}
        for example in content["application/problem+json"]["examples"].values():
            assert ProblemDetails.model_validate(example["value"]).status == int(status)
    if any(parameter["name"] == "cursor" for parameter in operation.get("parameters", [])):
        assert (
            "invalid-cursor"
            in operation["responses"]["422"]["content"]["application/problem+json"]["examples"]
        )


@pytest.mark.parametrize(
    "name", [name for name, operation in OPERATIONS.items() if "content" in operation["tags"]]
)
def test_content_can_be_asked_for_sparsely_and_validated(name: str) -> None:
    answer = OPERATIONS[name]["responses"]["200"]
    assert set(answer["content"]) == {"application/json", "application/vnd.nqpf.sparse+json"}
    assert {"ETag", "Last-Modified"} <= set(answer["headers"])
    assert ("Link" in answer["headers"]) == OPERATIONS[name]["operationId"].startswith("list")


def test_the_frameworks_own_error_schema_is_nowhere() -> None:
    assert "HTTPValidationError" not in json.dumps(DOCUMENT)
    assert {"ProblemDetails", "ParameterError"} <= set(DOCUMENT["components"]["schemas"])


def test_every_reference_inside_the_document_leads_somewhere() -> None:
    for node in walk(DOCUMENT):
        if isinstance(target := node.get("$ref"), str):
            assert target.rpartition("/")[2] in DOCUMENT["components"]["schemas"], target


def test_dates_and_times_have_their_formats() -> None:
    named = {"date": "date", "published_at": "date-time", "updated_at": "date-time"}
    found = set()
    for title, schema in DOCUMENT["components"]["schemas"].items():
        for field, kind in named.items():
            if field in schema.get("properties", {}):
                shape = schema["properties"][field]
                assert kind in [form.get("format") for form in shape.get("anyOf", [shape])], (title, field)
                found.add(field)
    assert found == set(named)


def test_examples_are_what_the_schemas_allow() -> None:
    shapes: dict[str, Any] = {
        "TAG": schemas.Tag,
        "TAG_DETAIL": schemas.TagDetail,
        "SECTION": schemas.Section,
        "BULLETIN": schemas.Bulletin,
        "BULLETIN_ITEM": schemas.BulletinItem,
        "REFERENCE": schemas.Reference,
        "REFERENCE_DETAIL": schemas.ReferenceDetail,
        "SOURCE": schemas.Source,
        "REVISION": schemas.Revision,
        "DIFF": schemas.BulletinDiff,
    }
    for name, shape in shapes.items():
        example = getattr(examples, name)
        adapter = TypeAdapter(shape)
        assert adapter.dump_python(adapter.validate_python(example), mode="json") == example, name
