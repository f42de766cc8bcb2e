"""Errors as RFC 9457 problem details, the framework's own included."""

from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from psycopg import OperationalError as PsycopgError
from pydantic import MISSING, ValidationError
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException
from starlette.routing import Match

from app.kit.problem_kinds import KINDS, MEDIA_TYPE, ParameterError, ProblemDetails, schemas
from app.kit.reasons import reason

log = structlog.get_logger(__name__)

DATABASE_AWAY = (OperationalError, InterfaceError, PoolTimeoutError, PsycopgError)
"""What is raised when the database does not answer, or has no connection to spare."""


class Problem(Exception):  # noqa: N818 - it is RFC 9457's word
    """Raise it to answer with a problem of a kind from :data:`KINDS`; ``members`` are its kind's own."""

    def __init__(
        self,
        kind: str,
        detail: str,
        *,
        errors: list[ParameterError] | None = None,
        members: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
        self.errors = errors
        self.members = dict(members or {})
        self.headers = dict(headers or {})


def invalid_parameter(parameter: str, detail: str) -> Problem:
    """The problem of one unacceptable parameter."""
    return _of_parameter("invalid-parameter", parameter, detail)


def invalid_cursor(detail: str) -> Problem:
    """The problem of a cursor that cannot be used."""
    return _of_parameter("invalid-cursor", "cursor", detail)


def _of_parameter(kind: str, parameter: str, detail: str) -> Problem:
    error = ParameterError(parameter=_printable(parameter), detail=_printable(detail))
    return Problem(kind, f"{error.parameter}: {error.detail}", errors=[error])


def instance(request: Request) -> str:
    """The path of a request as it was sent: percent-encoded, ASCII alone."""
    sent = request.scope.get("raw_path") or request.scope["path"].encode()
    return quote(sent, safe="%/:@!$&'()*+,;=~")


def answer(request: Request, problem: Problem) -> JSONResponse:
    """The answer that tells of a problem, for layers outside of the framework's error handling."""
    return _answer(
        request,
        problem.kind,
        problem.detail,
        errors=problem.errors,
        members=problem.members,
        headers=problem.headers,
    )


def _printable(text: str) -> str:
    r"""Text with ``\x1b`` for what would disturb a log or a terminal: what was sent may be quoted in it."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _answer(
    request: Request, kind: str, detail: str, *, status: int | None = None, title: str | None = None,
    errors: list[ParameterError] | None = None, members: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:  # fmt: skip
    default_status, default_title, _ = KINDS[kind]
    problem = ProblemDetails(
        type=f"/problems/{kind}",
        title=title or default_title,
        status=status or default_status,
        detail=_printable(detail),
        instance=instance(request),
        errors=errors or MISSING,
        **(members or {}),
    )
    return JSONResponse(
        problem.model_dump(mode="json"),
        status_code=problem.status,
        media_type=MEDIA_TYPE,
        headers={"Cache-Control": "no-store", **(headers or {})},
    )


async def _on_problem(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Problem)  # noqa: S101 - for the type checker
    return answer(request, error)


async def _on_http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101
    detail = f"{request.method} {instance(request)}"
    if error.status_code == 404:
        return _answer(request, "not-found", detail)
    if error.status_code == 405:
        return _answer(request, "method-not-allowed", detail, headers={"Allow": ", ".join(_allowed(request))})
    if error.status_code == 413:
        return _answer(request, "too-large", str(error.detail))
    title = HTTPStatus(error.status_code).phrase
    return _answer(
        request, "http", str(error.detail), status=error.status_code, title=title, headers=error.headers
    )


def _allowed(request: Request) -> Iterator[str]:
    """The methods of all routes to the address: the framework names only those of the first."""
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
        scope = {**request.scope, "method": method}
        if any(route.matches(scope)[0] is Match.FULL for route in request.app.routes):
            yield from ("GET", "HEAD") if method == "GET" else (method,)


async def _on_invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101
    return answer(request, _invalid(error.errors()))


def invalid(error: ValidationError) -> Problem:
    """The problem of a body that is not what it should be."""
    return _invalid([{**item, "loc": ("body", *item["loc"])} for item in error.errors()])


def _invalid(items: Sequence[Any]) -> Problem:
    errors = [ParameterError(parameter=_parameter(item["loc"]), detail=_reason(item)) for item in items]
    detail = "; ".join(f"{item.parameter}: {item.detail}" for item in errors)
    return Problem("invalid-parameter", detail, errors=errors)


def _parameter(loc: tuple[Any, ...]) -> str:
    """The parameter's name out of ``("query", "tag.any", 0)``, the place in a body with its numbers."""
    if loc[0] == "body":
        # Of JSON that cannot be read, only the number of a character is known.
        return _printable(".".join(map(str, loc[1:])) if loc[1:] and isinstance(loc[1], str) else "body")
    return _printable(".".join(str(part) for part in loc[1:] if not isinstance(part, int)) or str(loc[0]))


def _reason(error: dict[str, Any]) -> str:
    if error["type"] == "extra_forbidden":
        return "unknown parameter"
    return _printable(reason(error))


async def on_database(request: Request, error: Exception) -> JSONResponse:
    """The answer where one of :data:`DATABASE_AWAY` was raised."""
    log.error("database.unavailable", path=instance(request), error=type(error).__name__)
    return _answer(request, "unavailable", "The database does not answer.", headers={"Retry-After": "2"})


async def _on_bug(request: Request, error: Exception) -> JSONResponse:
    log.error("request.failed", path=instance(request), error=type(error).__name__)
    # Starlette raises it again, so that the server logs the traceback and closes the connection.
    return _answer(request, "internal", "An unexpected error was logged.", headers={"Connection": "close"})


def install(app: FastAPI) -> None:
    """Make every error of ``app`` a problem, and explain each type under ``/problems``."""
    app.add_exception_handler(Problem, _on_problem)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    for unavailable in DATABASE_AWAY:
        app.add_exception_handler(unavailable, on_database)
    app.add_exception_handler(Exception, _on_bug)

    generated = app.openapi

    def openapi() -> dict[str, Any]:
        document = generated()
        document["components"]["schemas"].update(schemas())
        return document

    app.openapi = openapi  # type: ignore[method-assign]

    @app.get("/problems/{kind}", include_in_schema=False)
    async def explain(kind: str) -> JSONResponse:
        if kind not in KINDS:
            raise Problem("not-found", f"No problem type {kind}.")
        status, title, advice = KINDS[kind]
        return JSONResponse({"type": f"/problems/{kind}", "status": status, "title": title, "advice": advice})
