"""Every operation says who may use it, and keeps to it."""

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from app.editorial.access import Right
from app.editorial.workflow import RULES, Action, Role
from app.kit.front_store import Store
from app.kit.settings import Settings
from app.main import create_api
from app.partners.access import Right as PartnersRight
from app.partners.keys import SCOPES
from tests.conftest import Server
from tests.editorial.conftest import join
from tests.partners.conftest import bearer, new_key

PUBLIC = (
    "/v1/bulletins",
    "/v1/sections",
    "/v1/tags",
    "/v1/references",
    "/v1/sources",
    "/v1/search",
    "/v1/images",
    "/v1/feed.",
    "/v1/sitemap",
    "/v1/topics.opml",
    "/v1/stats",
    "/v1/exports",
    "/v1/wechat/js-config",
    "/health",
)
"""Whoever can reach the server may read what begins so, and nothing may be written there."""
PUBLIC_ALONE = {
    "/docs/{name}",
    "/docs",
    "/docs/oauth2-redirect",
    "/redoc",
    "/openapi.json",
    "/problems/{kind}",
}
BEFORE_LOGIN = {("POST", "/v1/editorial/tokens")}
SIGNED = ("/wechat/callback", "/wechat/callback/{account}")
"""WeChat's servers call it, and each call is signed."""
LINKED = ("/v1/previews/{token}", "/v1/previews/{token}.html", "/v1/previews/{token}/images/{sha256}")
"""Whoever has a link from the desk may see its draft."""


def routes() -> Iterator[tuple[str, str, list[Right | PartnersRight]]]:
    """Method, path and rights of every route of the application, hidden ones included."""
    for found in create_api(Settings(), Store()).routes:
        inside: Any = getattr(found, "effective_route_contexts", None)
        route: Any
        for route in inside() if inside else [found]:
            dependant = getattr(route, "dependant", None)
            rights = list(rights_of(dependant)) if dependant else []
            for method in route.methods - {"HEAD"}:
                yield method, route.path, rights


def rights_of(dependant: Dependant) -> Iterator[Right | PartnersRight]:
    for each in dependant.dependencies:
        if isinstance(each.call, Right | PartnersRight):
            yield each.call
        yield from rights_of(each)


ROUTES = list(routes())
DESK = [
    (method, path, right.role)
    for method, path, rights in ROUTES
    for right in rights
    if isinstance(right, Right)
]
PARTNERS = [
    (method, path, right.scope)
    for method, path, rights in ROUTES
    for right in rights
    if isinstance(right, PartnersRight)
]


def test_no_route_is_without_a_rule() -> None:
    assert len(DESK) > 35
    for method, path, rights in ROUTES:
        open_ = path in (*PUBLIC_ALONE, *SIGNED, *LINKED) or (method, path) in BEFORE_LOGIN
        readable = method == "GET" and path.startswith(PUBLIC)
        assert len(rights) == (0 if open_ or readable else 1), f"{method} {path}"


def test_the_moves_of_the_workflow_ask_for_the_role_of_their_table() -> None:
    moves = [(path, role) for method, path, role in DESK if method == "POST" and "/drafts/" in path]
    roles = {path.rpartition("/")[2]: role for path, role in moves}
    for action in set(Action) - {Action.save}:
        assert roles[action.replace("_", "-")] is RULES[action].role, action


@pytest.fixture(scope="module")
def tokens(library_server: Server) -> dict[Role, str]:
    database = library_server.app.state.settings
    return {role: join(database, f"rights.{role}", role) for role in Role}


@pytest.mark.parametrize(("method", "path", "role"), DESK, ids=[f"{m} {p}" for m, p, _ in DESK])
def test_a_right_is_kept_before_anything_else_is_looked_at(
    library: httpx2.Client, tokens: dict[Role, str], method: str, path: str, role: Role
) -> None:
    address = path.replace("{", "").replace("}", "")
    assert library.request(method, address).status_code in (401, 422)
    plain = "0197a3f2-6f3a-7c40-9a7e-1f2b3c4d5e6f"
    values = {"number": 1, "name": "nobody", "sha256": "x", "size": "x", "slug": "2026-06-25"}
    address = path.format(id=plain, comment=plain, **values)
    assert library.request(method, address).status_code == 401
    for lower in Role:
        if not lower.includes(role):
            headers = {"Authorization": f"Bearer {tokens[lower]}"}
            answer = library.request(method, address, headers=headers)
            assert (answer.status_code, answer.json()["type"]) == (403, "/problems/forbidden")


@pytest.fixture(scope="module")
def keys_without(library_server: Server) -> dict[str, str]:
    """For each scope a key that has all others."""
    database = library_server.app.state.settings
    rest = {scope: [each for each in SCOPES if each != scope] for scope in SCOPES}
    return {scope: new_key(database, "权限", scopes=others) for scope, others in rest.items()}


@pytest.mark.parametrize(("method", "path", "scope"), PARTNERS, ids=[f"{m} {p}" for m, p, _ in PARTNERS])
def test_a_partners_operation_needs_a_key_with_its_scope(
    library: httpx2.Client, keys_without: dict[str, str], method: str, path: str, scope: str | None
) -> None:
    address = path.format(id="0197a3f2-6f3a-7c40-9a7e-1f2b3c4d5e6f", extension="atom")
    assert library.request(method, address).status_code == 401
    if scope:
        answer = library.request(method, address, headers=bearer(keys_without[scope]))
        assert (answer.status_code, answer.json()["type"]) == (403, "/problems/forbidden")


def test_every_write_says_which_state_it_replaces_and_every_post_can_be_repeated() -> None:
    document: dict[str, Any] = create_api(Settings(), Store()).openapi()
    # They replace nothing that one has read.
    unconditional = {"logOut", "revokeToken", "changePassword", "reconcileWechat"}
    appended = {
        "createDraft",
        "importFile",
        "addStaff",
        "addComment",
        "createPreview",
        "createTag",
        "retagArchive",
        "cancelRetagging",
        "resolveComment",
        "logIn",
        "uploadImage",
    }
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if not path.startswith("/v1/editorial") or method == "get":
                continue
            headers = {p["name"] for p in operation.get("parameters", []) if p["in"] == "header"}
            name = operation["operationId"]
            assert ("If-Match" in headers) == (name not in unconditional | appended), name
            if name not in {"logIn", "uploadImage"}:  # A token is kept nowhere; a picture is the same again.
                assert ("Idempotency-Key" in headers) == (method == "post"), name


def test_routes_are_what_fastapi_made() -> None:
    """If the framework hides its routes in another way, this file must learn it."""
    assert any(isinstance(route, APIRoute) for route in create_api(Settings(), Store()).routes)
    assert {path for _, path, _ in ROUTES} >= {"/v1/editorial/drafts", "/v1/bulletins/{slug}", "/health/live"}
