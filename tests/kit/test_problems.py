import asyncio
from http import HTTPStatus
from typing import Any

import httpx2
import pytest
from fastapi import APIRouter, FastAPI, HTTPException
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from app.kit.problem_kinds import KINDS, ProblemDetails, responses
from app.kit.problems import Problem, install, invalid_parameter

RAISED: dict[str, Exception] = {
    "problem": Problem("not-found", "No thing.", headers={"X-Hint": "1"}),
    "parameter": invalid_parameter("tag.any", "there is no tag 'x'"),
    "forbidden": HTTPException(403, "Not for you", headers={"X-Hint": "2"}),
    "teapot": HTTPException(418, {"detail": "structured"}),
    "operational": OperationalError("SELECT secret", None, Exception("secret")),
    "interface": InterfaceError("SELECT secret", None, Exception("secret")),
    "pool": PoolTimeoutError("secret"),
    "bug": ValueError("secret"),
}


def get(path: str, method: str = "GET") -> httpx2.Response:
    """The answer of an application whose operation ``/raise/{name}`` fails."""
    app = FastAPI()
    install(app)

    @app.get("/raise/{name}")
    async def fail(name: str, number: int = 1) -> None:
        raise RAISED[name] if number else AssertionError

    @app.post("/write")
    async def write() -> None:
        """Only to be written to."""

    for each in ("GET", "DELETE", "PATCH"):
        router = APIRouter(prefix="/several")
        router.add_api_route("/{id}", write, methods=[each])
        app.include_router(router)

    async def ask() -> httpx2.Response:
        transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
        async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.request(method, path)

    return asyncio.run(ask())


@pytest.mark.parametrize(
    ("path", "kind", "status"),
    [
        ("/raise/problem", "not-found", 404),
        ("/raise/parameter", "invalid-parameter", 422),
        ("/raise/problem?number=x", "invalid-parameter", 422),
        ("/raise/forbidden", "http", 403),
        ("/raise/teapot", "http", 418),
        ("/raise/operational", "unavailable", 503),
        ("/raise/interface", "unavailable", 503),
        ("/raise/pool", "unavailable", 503),
        ("/raise/bug", "internal", 500),
        ("/nowhere", "not-found", 404),
        ("/write", "method-not-allowed", 405),
        ("/problems/unknown", "not-found", 404),
    ],
)
def test_every_error_is_a_problem_of_a_stable_type(path: str, kind: str, status: int) -> None:
    answer = get(path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    problem = ProblemDetails.model_validate(answer.json())
    assert (problem.type, problem.status) == (f"/problems/{kind}", status)
    assert problem.instance == path.partition("?")[0]
    assert "secret" not in answer.text
    assert problem.title == (HTTPStatus(status).phrase if kind == "http" else KINDS[kind][1])


@pytest.mark.parametrize(
    "path", ["/nowhere/%0A%1B%5B31m", "/nowhere/%E7%AE%97%22%5C", "/raise/parameter%E2%80%A8"]
)
def test_what_was_sent_stands_in_an_error_without_characters_that_disturb(path: str) -> None:
    problem = get(path).json()
    assert problem["instance"] == path
    assert problem["detail"] == f"GET {path}" or path.startswith("/raise")


def test_control_and_format_characters_are_escaped_in_details() -> None:
    problem = invalid_parameter("a\x00\u202e", "there is no tag '\u2028\ud800算力'")
    (error,) = problem.errors or []
    assert (error.parameter, error.detail) == (r"a\x00\u202e", r"there is no tag '\u2028\ud800算力'")
    RAISED["controls"] = Problem("not-found", "No bulletin \x1b[31m is published.")
    try:
        assert get("/raise/controls").json()["detail"] == r"No bulletin \x1b[31m is published."
    finally:
        del RAISED["controls"]


def test_headers_of_an_error_reach_the_client() -> None:
    assert get("/raise/problem").headers["x-hint"] == "1"
    assert get("/raise/forbidden").headers["x-hint"] == "2"
    assert int(get("/raise/pool").headers["retry-after"]) > 0
    assert get("/raise/bug").headers["connection"] == "close"


def test_the_methods_allowed_include_head_only_where_there_is_get() -> None:
    assert get("/raise/problem", "DELETE").headers["allow"] == "GET, HEAD"
    assert get("/write", "DELETE").headers["allow"] == "POST"


def test_a_refused_parameter_is_named_with_its_reason() -> None:
    assert get("/raise/parameter").json()["errors"] == [
        {"parameter": "tag.any", "detail": "there is no tag 'x'"}
    ]
    (error,) = get("/raise/problem?number=x").json()["errors"]
    assert error["parameter"] == "number"
    assert "errors" not in get("/raise/problem").json()


@pytest.mark.parametrize("kind", KINDS)
def test_the_address_of_a_type_explains_it(kind: str) -> None:
    status, title, advice = KINDS[kind]
    explained: dict[str, Any] = get(f"/problems/{kind}").json()
    assert explained == {"type": f"/problems/{kind}", "status": status, "title": title, "advice": advice}


def test_descriptions_gather_the_kinds_of_one_status_and_always_have_500() -> None:
    described = responses("invalid-parameter", "invalid-cursor", "not-found")
    assert set(described) == {422, 404, 500}
    content = described[422]["content"]["application/problem+json"]
    assert set(content["examples"]) == {"invalid-parameter", "invalid-cursor"}
    for status, entry in described.items():
        for example in entry["content"]["application/problem+json"]["examples"].values():
            assert ProblemDetails.model_validate(example["value"]).status == status


def test_all_methods_of_an_address_are_allowed_whichever_router_has_them() -> None:
    assert get("/several/1", "POST").headers["allow"] == "GET, HEAD, PATCH, DELETE"
