"""The problems that there are (RFC 9457): their kinds, their body, and how OpenAPI describes them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import MISSING, BaseModel, Field

MEDIA_TYPE = "application/problem+json"

KINDS: Mapping[str, tuple[int, str, str]] = {
    "invalid-parameter": (422, "A parameter is not acceptable", "`errors` names each parameter and why."),
    "invalid-cursor": (422, "The cursor cannot be used", "Start again without `cursor`."),
    "key-in-address": (
        400,
        "A key does not belong into an address",
        "Send it as `Authorization: Bearer …`; addresses are logged on the way, so replace this key.",
    ),
    "unauthenticated": (401, "Who is asking is not known", "Log in and send the token as a bearer token."),
    "forbidden": (403, "This account has not the right to do it", "`detail` names the right that it needs."),
    "refused": (409, "The state of things does not allow it", "`reasons` says what is missing, in Chinese."),
    "precondition-failed": (412, "It has changed since you read it", "Read it again; `ETag` is the new one."),
    "too-large": (413, "The request is too large", "`detail` says what is allowed."),
    "idempotency-mismatch": (422, "The key belongs to another request", "Take a new `Idempotency-Key`."),
    "unreadable-file": (422, "The file cannot be read", "`reasons` says why, in Chinese."),
    "precondition-required": (428, "If-Match is needed", "Send the `ETag` that you have read as `If-Match`."),
    "too-many-requests": (429, "Too many requests", "Ask again after `Retry-After` seconds."),
    "not-found": (404, "There is nothing here", "The address or the object it names does not exist."),
    "withdrawn": (
        410,
        "It has been withdrawn",
        "`note` says why, `withdrawn_at` since when; it may return as a newer version.",
    ),
    "export-withdrawn": (410, "Something in it has been withdrawn", "Take a newer one: `GET /v1/exports`."),
    "link-invalid": (403, "The link is not one of ours", "Copy it whole, or ask for another one."),
    "link-expired": (410, "The link shows nothing any more", "Ask for another one."),
    "conflict": (409, "The state of things does not allow it", "`detail` says what stands against it."),
    "restart": (410, "The token cannot be used any more", "Begin again: `GET /v1/sync` without `token`."),
    "method-not-allowed": (405, "This method is not allowed here", "`Allow` lists the ones that are."),
    "malformed-request": (
        400,
        "The request is not HTTP",
        "`detail` says where; an address is percent-encoded.",
    ),
    "head-too-large": (431, "The request line and headers are too long", "Send fewer and shorter ones."),
    "cors-refused": (400, "The preflight is refused", "`detail` names what is not allowed across origins."),
    "not-acceptable": (406, "There is no such form", "`detail` lists the media types that exist."),
    "range-not-satisfiable": (416, "The range is not in the file", "`Content-Range` says how long it is."),
    "unavailable": (503, "The service is not ready", "Ask again after `Retry-After` seconds."),
    "internal": (500, "Something went wrong on our side", "It has been logged; quote `instance`."),
    "http": (400, "The request cannot be served", "The title and status say why."),
}
"""Every stable problem type: status, title, what to do. ``http`` stands for the framework's others."""


class ParameterError(BaseModel):
    parameter: str = Field(description="Name of the parameter", examples=["limit"])
    detail: str = Field(examples=["at most 200 is allowed"])


class Reason(BaseModel):
    """One thing that is missing, for editors."""

    code: str = Field(description="Stable", examples=["note.missing"])
    message: str = Field(description="In Chinese", examples=["请写明原因。"])


class ProblemDetails(BaseModel):
    """The body of every error."""

    type: str = Field(
        description="Stable; a relative address that explains it", examples=["/problems/not-found"]
    )
    title: str = Field(examples=["There is nothing here"])
    status: int = Field(examples=[404])
    detail: str = Field(examples=["No bulletin 2026-06-25 is published."])
    instance: str = Field(
        description="Path of the request, percent-encoded", examples=["/v1/bulletins/2026-06-25"]
    )
    errors: list[ParameterError] | MISSING = Field(
        default=MISSING, description="With invalid-parameter and invalid-cursor only"
    )
    reasons: list[Reason] | MISSING = Field(
        default=MISSING, description="With refused and unreadable-file only"
    )
    note: str | MISSING = Field(
        default=MISSING, description="With withdrawn only: what the editors say of it"
    )
    withdrawn_at: datetime | MISSING = Field(default=MISSING, description="With withdrawn only")


def unheard(kind: str, detail: str) -> ProblemDetails:
    """The problem of what could not be read as a request; its instance is unknown and empty."""
    status, title, _ = KINDS[kind]
    return ProblemDetails(type=f"/problems/{kind}", title=title, status=status, detail=detail, instance="")


def schemas() -> dict[str, Any]:
    """The body of every error and its parts, for OpenAPI's components."""
    schema = ProblemDetails.model_json_schema(ref_template="#/components/schemas/{model}")
    return {**schema.pop("$defs"), "ProblemDetails": schema}


def responses(*kinds: str) -> dict[int | str, dict[str, Any]]:
    """OpenAPI's description of the problems an operation can answer with, ``internal`` always."""
    schema = {"$ref": "#/components/schemas/ProblemDetails"}
    described: dict[int | str, dict[str, Any]] = {}
    for kind in (*kinds, "internal"):
        status, title, advice = KINDS[kind]
        example = {
            "type": f"/problems/{kind}",
            "title": title,
            "status": status,
            "detail": advice,
            "instance": "/v1/…",
        }
        entry = described.setdefault(
            status,
            {"description": title, "content": {MEDIA_TYPE: {"schema": schema, "examples": {}}}},
        )
        entry["content"][MEDIA_TYPE]["examples"][kind] = {"value": example}
    return described
