import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, TypeAdapter

from app.bulletins import examples, schemas
from app.cli.server import export_openapi
from app.editorial import schemas as desk_schemas
from app.kit.front_store import Store
from app.kit.problem_kinds import ProblemDetails
from app.kit.settings import Settings
from app.knowledge import examples as knowledge_examples
from app.knowledge import schemas as knowledge
from app.main import create_api
from app.wechat import schemas as wechat_schemas

COMMITTED = Path(__file__).parents[1] / "openapi" / "openapi.json"

DOCUMENT: dict[str, Any] = create_api(Settings(), Store()).openapi()
OPERATIONS: dict[str, dict[str, Any]] = {
    f"{method.upper()} {path}": operation
    for path, operations in DOCUMENT["paths"].items()
    for method, operation in operations.items()
}

READS = [name for name in OPERATIONS if "/v1/editorial" not in name]
DESK = [name for name in OPERATIONS if "/v1/editorial" in name]


MORE = {
    **{name: {"406"} for name in ("getBulletin", "getLatestBulletin")},
    **{name: {"403", "409", "410"} for name in ("getPreview", "getPreviewPage", "getPreviewImage")},
    **{name: {"308"} for name in ("getTag", "getTagFeed", "getTagTimeline", "getReference")},
    **{name: {"308"} for name in ("listRelatedTags", "listRelatedReferences")},
    "getExport": {"410"},
    "downloadExport": {"206", "410", "416"},
}
"""What else single operations answer with."""


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


@pytest.mark.parametrize("name", READS)
def test_an_operation_says_what_it_does_with_an_example(name: str) -> None:
    operation = OPERATIONS[name]
    assert operation["summary"]
    assert operation["description"].endswith(".")
    done = success(operation)
    if done == "204":
        return
    answers = operation["responses"][done]["content"]
    for parameter in operation.get("parameters", []):
        assert parameter.get("description") or parameter["in"] == "path", parameter["name"]
    if "application/json" not in answers:
        return
    content = answers["application/json"]
    shape = DOCUMENT["components"]["schemas"][content["schema"]["$ref"].rpartition("/")[2]]
    assert "example" in content or all("examples" in field for field in shape["properties"].values())


def statuses(name: str) -> set[str]:
    """The statuses that an operation can answer with."""
    operation = OPERATIONS[name]
    done = success(operation)
    expected = {done, "422", "500"}
    if "/live" not in name:
        expected.add("503")
    if "/v1/" in name and "/v1/wechat" not in name:
        expected |= {"400", "401", "429"} | (set() if "/v1/previews" in name else {"304"})
    if re.search(r"\{(?!extension)", name) or "latest" in name or "/v1/wechat" in name:
        expected.add("404")
    expected |= MORE.get(operation["operationId"], set())
    if "/bulletins/{slug}" in name:
        expected.add("410")
    return expected


def partners_statuses(name: str) -> set[str]:
    """The statuses that a partners' operation can answer with."""
    operation = OPERATIONS[name]
    expected = {success(operation), "400", "401", "403", "422", "429", "500", "503"}
    headers = {p["name"] for p in operation.get("parameters", []) if p["in"] == "header"}
    expected |= {"404"} if "{" in name or name == "POST /v1/partners/webhooks" else set()
    expected |= {"412", "428"} if "If-Match" in headers else set()
    expected |= {"413"} if "requestBody" in operation else set()
    conflicting = {"addWebhook", "changeWebhook", "testWebhook", "replayWebhook", "saveTopic", "deleteTopic"}
    expected |= {"409"} if operation["operationId"] in conflicting else set()
    expected |= {"410"} if name.endswith("/sync") else set()
    expected |= {"304"} if "/feed." in name else set()
    return expected - ({"403"} if name.endswith("/usage") else set())


@pytest.mark.parametrize("name", READS)
def test_an_operation_names_every_error_it_can_give(name: str) -> None:
    operation = OPERATIONS[name]
    expected = partners_statuses(name) if "partners" in operation["tags"] else statuses(name)
    assert set(operation["responses"]) == expected
    for status in expected - {success(operation), "206", "304", "308"}:
        content = operation["responses"][status]["content"]
        page = operation["operationId"] == "getBulletinAs" and status in {"404", "410"}
        assert set(content) == {"application/problem+json"} | ({"text/html"} if page else set())
        for example in content["application/problem+json"]["examples"].values():
            assert ProblemDetails.model_validate(example["value"]).status == int(status)
    if any(parameter["name"] == "cursor" for parameter in operation.get("parameters", [])):
        assert (
            "invalid-cursor"
            in operation["responses"]["422"]["content"]["application/problem+json"]["examples"]
        )


@pytest.mark.parametrize("name", DESK)
def test_an_operation_of_the_desk_says_what_it_does_and_every_error_it_can_give(name: str) -> None:
    operation = OPERATIONS[name]
    assert operation["summary"]
    assert operation["description"].endswith((".", "`)."))
    responses = operation["responses"]
    headers = {p["name"] for p in operation.get("parameters", []) if p["in"] == "header"}
    expected = {"401", "403", "422", "500", "503"}
    expected |= {"404"} if "{" in name or "/wechat/" in name else set()
    expected |= {"409", "412", "428"} if "If-Match" in headers else set()
    expected |= {"400", "413"} if "requestBody" in operation or name.startswith("POST") else set()
    successes = {status for status in responses if status < "300"}
    assert successes
    assert expected <= set(responses)
    assert set(responses) - expected - successes <= {"409", "429"}
    for success in successes:
        assert ("content" in responses[success]) == (success != "204")
    for status in expected:
        assert set(responses[status]["content"]) == {"application/problem+json"}
    for parameter in operation.get("parameters", []):
        assert parameter.get("description") or parameter["in"] == "path", parameter["name"]


def test_every_field_of_the_desk_has_an_example() -> None:
    for model in [*vars(desk_schemas).values(), *vars(wechat_schemas).values()]:
        if isinstance(model, type) and issubclass(model, BaseModel) and model.__module__.endswith(".schemas"):
            for name, field in model.model_fields.items():
                nested = "schemas." in str(field.annotation) or name in PARTS_OF_OTHERS
                assert field.examples or nested, (model.__name__, name)


PARTS_OF_OTHERS = {"document", "findings", "report", "date"}


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
        keeps(shape, example)


def test_examples_of_what_is_counted_are_what_the_schemas_allow() -> None:
    shapes: dict[str, Any] = {
        "TIMELINE": knowledge.Timeline,
        "RELATED_TAGS": knowledge.RelatedTags,
        "TRENDING": knowledge.TrendingTags,
        "SOURCE_DETAIL": knowledge.SourceDetail,
        "RELATED_REFERENCES": knowledge.RelatedReferences,
        "STATS": knowledge.Stats,
    }
    for name, shape in shapes.items():
        keeps(shape, getattr(knowledge_examples, name))


def keeps(shape: Any, example: Any) -> None:
    """The example is the shape's, with nothing more and nothing less."""
    adapter = TypeAdapter(shape)
    assert adapter.dump_python(adapter.validate_python(example), mode="json") == example


def test_schemas_have_names_and_not_the_paths_of_modules() -> None:
    assert [name for name in DOCUMENT["components"]["schemas"] if "__" in name] == []
