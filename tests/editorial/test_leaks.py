"""What is only drafted is in no public answer, feed or index."""

from collections.abc import Iterator
from itertools import product
from typing import Any

import httpx2
import psycopg

from app.kit.settings import Settings
from tests.conftest import Server
from tests.editorial.conftest import approved, bulletin

WORDS = "机密泄露"
VALUES = {
    "slug": ["2026-06-25", "hubei", "compute", "ji-mi-xie-lou"],
    "number": ["1", "2"],
    "kind": ["internal"],
    "sha256": ["0" * 64],
    "size": ["full"],
    "name": ["x"],
    "extension": ["html", "md", "txt", "atom", "rss", "json"],
    "year": ["2026"],
    "file": ["x"],
    "token": ["x"],
}
QUERIES: list[dict[str, Any]] = [
    {},
    {"q": WORDS},
    {"q": "jmxl"},
    {"include": "sections,citations,contacts"},
    {"from": 1, "to": 1},
    {"version": 1},
]
EDITORS_TABLES = {"draft", "revision", "comment", "audit_entry", "source_file", "finished_request"}


def addresses(document: dict[str, Any], values: dict[str, list[str]]) -> Iterator[tuple[str, set[str]]]:
    """Every public address to read, with the query parameters that it takes."""
    for path, operations in document["paths"].items():
        if "get" in operations and not path.startswith("/v1/editorial"):
            parameters = operations["get"].get("parameters", [])
            names = [p["name"] for p in parameters if p["in"] == "path"]
            taken = {p["name"] for p in parameters if p["in"] == "query"}
            for chosen in product(*(values[name] for name in names)):
                yield path.format(**dict(zip(names, chosen, strict=True))), taken


def edit(client: httpx2.Client, reviewer: httpx2.Client) -> None:
    """Publish version 1, then write the words into every part of the draft."""
    draft = approved(client, reviewer, bulletin("公开的话"))
    draft.step("publish")
    draft.client = client
    everywhere = {
        **dict.fromkeys(("title", "abstract", "organisation"), WORDS),
        "producers": [WORDS],
        "contacts": [{"name": WORDS}],
        "unplaced": [WORDS],
    }
    section = {"heading": WORDS, "body": [{"type": "paragraph", "text": WORDS}], "tags": [{"slug": "hubei"}]}
    citation = {"reference": {"source": WORDS, "title": WORDS}, "purpose": WORDS}
    for path, patch in (("", everywhere), ("/sections/1", section), ("/citations/1", citation)):
        assert draft.send("PATCH", f"/document{path}?note={WORDS}", patch).status_code == 200
    assert client.post(f"{draft.path}/comments", json={"text": WORDS}).status_code == 201


def test_the_words_of_a_draft_are_in_no_public_answer(
    editor: httpx2.Client, reviewer: httpx2.Client, api: httpx2.Client, server: Server
) -> None:
    edit(editor, reviewer)
    references = [item["id"] for item in api.get("/v1/references").json()["items"]]
    asked = 0
    for address, taken in addresses(server.app.openapi(), VALUES | {"id": references}):
        for query in QUERIES:
            if set(query) <= taken:
                answer = api.get(address, params=query)
                assert answer.status_code in (200, 401, 403, 404, 422), answer.url
                assert WORDS not in answer.text.replace(f"q={WORDS}", ""), answer.url
                asked += answer.status_code == 200
    assert asked > 15
    assert api.get("/v1/search", params={"q": WORDS}).json()["items"] == []
    assert api.get("/v1/tags/hubei").json()["section_count"] == 0


def test_the_words_of_a_draft_are_in_the_editors_tables_alone(
    editor: httpx2.Client, reviewer: httpx2.Client, settings: Settings
) -> None:
    edit(editor, reviewer)
    with psycopg.connect(settings.conninfo) as connection:
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        found = set()
        for (table,) in tables:
            rows = connection.execute(f'SELECT t::text FROM "{table}" t').fetchall()  # noqa: S608 - its own names
            if WORDS in str(rows):
                found.add(table)
    assert {"draft", "revision", "comment"} <= found <= EDITORS_TABLES
