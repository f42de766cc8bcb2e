"""What no request may hold, wherever: text that the database cannot keep, and values of another type."""

import json
import re
import socket
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from app.editorial.workflow import Role
from app.kit.front_store import Store
from app.kit.settings import Settings
from app.main import create_api
from tests.conftest import Server
from tests.editorial.conftest import join
from tests.partners.conftest import bearer, new_key

ODD = ("a\x00b", "\ud800")
DOCUMENT: dict[str, Any] = create_api(Settings(), Store()).openapi()
OPERATIONS = [
    (method.upper(), path, operation)
    for path, operations in DOCUMENT["paths"].items()
    for method, operation in operations.items()
    if operation["operationId"] != "logOut"
]
ID = "0197a3f2-6f3a-7c40-9a7e-1f2b3c4d5e6f"


@pytest.fixture(scope="module")
def keys(library_server: Server) -> dict[str, dict[str, str]]:
    """Headers by the beginning of an address."""
    settings = library_server.app.state.settings
    partner = {**bearer(new_key(settings, "文字")), "If-Match": '"1"'}
    return {
        "/v1/editorial": {**bearer(join(settings, "text.ada", Role.administrator)), "If-Match": '"1.0"'},
        "/v1/partners": partner,
        "/v1/sync": partner,
    }


def headers_for(keys: dict[str, dict[str, str]], path: str) -> dict[str, str]:
    return next((headers for begin, headers in keys.items() if path.startswith(begin)), {})


@pytest.mark.parametrize(
    ("method", "path", "operation"), OPERATIONS, ids=[f"{m} {p}" for m, p, _ in OPERATIONS]
)
def test_an_odd_address_is_refused_or_leads_nowhere(
    library: httpx2.Client, keys: dict[str, dict[str, str]], method: str, path: str, operation: dict[str, Any]
) -> None:
    parameters = operation.get("parameters", [])
    headers = headers_for(keys, path)
    content = example(body_of(operation)) if "requestBody" in operation else None
    whole = {p["name"]: str(sample(p)) for p in parameters if p["in"] == "path"}
    for name in whole:
        for odd in ("%00", "a%00b"):
            address = path.format(**{**whole, name: odd})
            answer = library.request(method, address, json=content, headers=headers)
            assert answer.status_code in (403, 404, 422), (address, answer.text)
    for name in (p["name"] for p in parameters if p["in"] == "query"):
        answer = library.request(method, f"{path.format(**whole)}?{name}=a%00b", headers=headers)
        assert answer.status_code in (404, 422), (name, answer.text)


WRITES = [
    (method, path, operation)
    for method, path, operation in OPERATIONS
    if "application/json" in operation.get("requestBody", {}).get("content", {})
]


@pytest.mark.parametrize(("method", "path", "operation"), WRITES, ids=[f"{m} {p}" for m, p, _ in WRITES])
def test_an_odd_string_in_a_body_is_refused(
    library: httpx2.Client, keys: dict[str, dict[str, str]], method: str, path: str, operation: dict[str, Any]
) -> None:
    good = example(body_of(operation))
    whole = {p["name"]: str(sample(p)) for p in operation.get("parameters", []) if p["in"] == "path"}
    headers = {**headers_for(keys, path), "Content-Type": "application/json"}
    for place, _ in leaves(good, str):
        for odd in ODD:
            content = json.dumps(replaced(good, place, odd))
            answer = library.request(method, path.format(**whole), content=content, headers=headers)
            hashed = place[-1] in ("password", "current", "new")
            assert answer.status_code in ((404, 422) if not hashed else (401, 404, 409, 422)), answer.text


@pytest.mark.parametrize(("method", "path", "operation"), WRITES, ids=[f"{m} {p}" for m, p, _ in WRITES])
def test_a_value_of_another_type_is_not_taken_for_one(
    library: httpx2.Client, keys: dict[str, dict[str, str]], method: str, path: str, operation: dict[str, Any]
) -> None:
    """An editor's numbers, switches, dates and moments; whole documents are read by their own rules."""
    good = example(body_of(operation))
    whole = {p["name"]: str(sample(p)) for p in operation.get("parameters", []) if p["in"] == "path"}
    others = [(int, (True, "1", 1.0)), (bool, (1, "true", "no"))]
    wrong = [(place, odd) for kind, odds in others for place, _ in leaves(good, kind) for odd in odds]
    wrong += [(place, 123) for place, text in leaves(good, str) if re.match(r"\d{4}-\d\d-\d\d", text)]
    for place, odd in wrong:
        if place[0] != "document" and not re.search(r"/document$|/document/(sections|citations)/", path):
            content = replaced(good, place, odd)
            answer = library.request(
                method, path.format(**whole), json=content, headers=headers_for(keys, path)
            )
            assert answer.status_code == 422, (place, odd, answer.text)
            named = ".".join(map(str, place))
            assert named in [error["parameter"] for error in answer.json()["errors"]], answer.text


@pytest.mark.parametrize("odd", [b"\xff", b"a\x7fb", b"\x00", b"\xed\xa0\x80"])
@pytest.mark.parametrize("name", [b"Idempotency-Key", b"If-Match", b"User-Agent", b"X-Request-Id"])
def test_an_odd_header_is_no_failure(
    library_server: Server, keys: dict[str, dict[str, str]], name: bytes, odd: bytes
) -> None:
    """As bytes, since no client sends them; a refused login keeps who it came from, too."""
    token = keys["/v1/editorial"]["Authorization"].encode()
    path = b"/v1/editorial/tags/compute/merge"
    for address, body in (
        (path, b'{"into":"ai"}'),
        (b"/v1/editorial/tokens", b'{"name":"x","password":"x"}'),
    ):
        head = b"POST %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: %s\r\n" % (address, token)
        head += b"Content-Type: application/json\r\nContent-Length: %d\r\n%s: %s\r\n\r\n" % (
            len(body),
            name,
            odd,
        )
        with socket.create_connection(("127.0.0.1", library_server.port), timeout=20) as connection:
            connection.sendall(head + body)
            status = connection.makefile("rb").readline().split()[1]
        assert status in (b"400", b"401", b"409", b"412", b"422", b"428", b"429"), status


def body_of(operation: dict[str, Any]) -> Any:
    return next(iter(operation["requestBody"]["content"].values()))["schema"]


def sample(parameter: dict[str, Any]) -> Any:
    return parameter.get("examples", parameter["schema"].get("examples", [ID]))[0]


def example(schema: dict[str, Any]) -> Any:
    """A value of a schema, everything given that may be."""
    if "$ref" in schema:
        return example(DOCUMENT["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    if schema.get("type") == "object" and "properties" in schema:
        return {name: example(each) for name, each in schema["properties"].items()}
    if examples := [each for each in schema.get("examples", []) if each not in (None, [])]:
        return examples[0]
    if schema.get("type") == "array":
        return [example(schema.get("items", {}))]
    if "anyOf" in schema or "oneOf" in schema:
        return example((schema.get("anyOf") or schema["oneOf"])[0])
    return {
        "string": schema.get("const", schema.get("enum", ["x"])[0]),
        "integer": 1,
        "boolean": False,
        "object": {},
    }.get(schema.get("type", ""), "x")


def leaves(value: Any, kind: type, place: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Where the values of a type stand in JSON, and what they are."""
    if type(value) is kind:
        yield place, value
    elif isinstance(value, dict | list):
        for key, each in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(each, kind, (*place, key))


def replaced(value: Any, place: tuple[Any, ...], odd: object) -> Any:
    if not place:
        return odd
    made = value.copy()
    made[place[0]] = replaced(value[place[0]], place[1:], odd)
    return made
