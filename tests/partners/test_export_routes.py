import asyncio
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import httpx2
import pytest

from app.bulletins.document import BulletinDocument
from app.kit.db import connect
from app.kit.settings import Settings
from app.partners import export_shelf
from app.partners.export_manifest import Export, ExportFile
from scripts.archive import generate
from tests.bulletins.conftest import problem, refused
from tests.conftest import Publish, Withdraw, serving


@dataclass(frozen=True)
class Shelf:
    client: httpx2.Client
    export: Export
    file: ExportFile
    content: bytes
    document: BulletinDocument
    settings: Settings

    @property
    def slug(self) -> str:
        return self.document.slug

    def replace(self) -> Export | None:
        """What the worker does each minute."""

        async def run() -> Export | None:
            async with connect(self.settings) as database:
                return await export_shelf.replace(database, self.settings.data / "exports")

        return asyncio.run(run())

    @property
    def url(self) -> str:
        return f"/v1/exports/{self.export.name}/{self.file.name}"


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    """With a folder of the test's own; whoever publishes or withdraws waits for the server that has them."""
    return settings.model_copy(update={"data": tmp_path})


@pytest.fixture
def shelf(settings: Settings, publish: Publish, tmp_path: Path) -> Iterator[Shelf]:
    documents = list(generate(2, seed=5))
    publish(*documents)

    async def run() -> Export | None:
        async with connect(settings) as database:
            return await export_shelf.add(database, tmp_path / "exports")

    made = asyncio.run(run())
    assert made is not None
    file = next(file for file in made.files if file.name == "bulletins.ndjson.zst")
    content = (tmp_path / "exports" / made.name / file.name).read_bytes()
    with serving(settings) as server:
        yield Shelf(server.client, made, file, content, documents[0], settings)


def test_exports_are_listed_with_their_manifests_and_downloaded_whole(shelf: Shelf) -> None:
    assert shelf.client.get("/v1/exports").json()["items"] == [shelf.export.model_dump(mode="json")]
    manifest = shelf.client.get(f"/v1/exports/{shelf.export.name}").json()
    assert manifest == shelf.export.model_dump(mode="json")
    for file in shelf.export.files:
        answer = shelf.client.get(f"/v1/exports/{shelf.export.name}/{file.name}")
        assert answer.status_code == 200
        assert hashlib.sha256(answer.content).hexdigest() == file.sha256
        assert answer.headers["content-type"] == file.media_type
        assert answer.headers["accept-ranges"] == "bytes"
        assert answer.headers["cache-control"] == "no-cache"
        assert answer.headers["etag"] == f'"{file.sha256}"'


def test_a_download_is_resumed_by_ranges(shelf: Shelf) -> None:
    size = len(shelf.content)
    parts = b""
    while len(parts) < size:
        wanted = {"Range": f"bytes={len(parts)}-{len(parts) + 999}", "If-Range": f'"{shelf.file.sha256}"'}
        answer = shelf.client.get(shelf.url, headers=wanted)
        assert answer.status_code == 206
        last = min(len(parts) + 1000, size) - 1
        assert answer.headers["content-range"] == f"bytes {len(parts)}-{last}/{size}"
        parts += answer.content
    assert parts == shelf.content
    assert shelf.client.get(shelf.url, headers={"Range": "bytes=-10"}).content == shelf.content[-10:]


def test_a_range_of_another_file_gets_the_whole_one(shelf: Shelf) -> None:
    for stale in ('"another"', f'W/"{shelf.file.sha256}"', "Mon, 01 Jan 2024 00:00:00 GMT"):
        answer = shelf.client.get(shelf.url, headers={"Range": "bytes=5-", "If-Range": stale})
        assert (answer.status_code, answer.content) == (200, shelf.content)


@pytest.mark.parametrize("wanted", ["bytes=99999999-", "bytes=-0"])
def test_a_range_that_is_not_there_is_a_416_problem_with_the_length(shelf: Shelf, wanted: str) -> None:
    answer = shelf.client.get(shelf.url, headers={"Range": wanted})
    problem(answer, 416, "range-not-satisfiable")
    assert answer.headers["content-range"] == f"bytes */{len(shelf.content)}"


@pytest.mark.parametrize("wanted", ["bytes=5-1", "bytes=abc", "bytes=a-b", "lines=1-2", "bytes", "bytes="])
def test_a_range_that_is_not_understood_is_ignored(shelf: Shelf, wanted: str) -> None:
    answer = shelf.client.get(shelf.url, headers={"Range": wanted})
    assert (answer.status_code, answer.content) == (200, shelf.content)


def test_who_has_the_file_is_told_so_and_head_has_no_body(shelf: Shelf) -> None:
    again = shelf.client.get(shelf.url, headers={"If-None-Match": f'"{shelf.file.sha256}"'})
    assert (again.status_code, again.content) == (304, b"")
    head = shelf.client.head(shelf.url)
    assert (head.content, head.headers["content-length"]) == (b"", str(len(shelf.content)))


def test_head_does_not_read_the_file_and_has_no_ranges(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = dict(shelf.client.get(shelf.url).headers)
    monkeypatch.setattr("starlette.responses.anyio.open_file", None)
    for asked in ({}, {"Range": "bytes=5-9"}):
        head = shelf.client.head(shelf.url, headers=asked)
        assert (head.status_code, {**head.headers, "date": ""}) == (200, {**whole, "date": ""})


def test_an_export_that_holds_what_is_withdrawn_is_gone_with_its_files(
    shelf: Shelf, withdraw: Withdraw
) -> None:
    assert len(shelf.client.get("/v1/exports").json()["items"]) == 1
    withdraw(shelf.slug)
    assert shelf.client.get("/v1/exports").json() == {"items": []}
    for path in (shelf.url, f"/v1/exports/{shelf.export.name}"):
        known = {"If-None-Match": f'"{shelf.file.sha256}"', "Range": "bytes=0-9"}
        problem(shelf.client.get(path), 410, "export-withdrawn")
        problem(shelf.client.get(path, headers=known), 410, "export-withdrawn")
    assert shelf.client.head(shelf.url).status_code == 410


def test_an_export_stays_when_what_is_withdrawn_was_not_in_it(
    shelf: Shelf, publish: Publish, withdraw: Withdraw
) -> None:
    (later,) = generate(1, seed=6, until=date(2026, 7, 31))
    publish(later)
    withdraw(later.slug)
    assert shelf.client.get("/v1/exports").json()["items"] == [shelf.export.model_dump(mode="json")]
    assert shelf.client.get(shelf.url).content == shelf.content


def test_a_withdrawal_is_followed_by_a_new_export(shelf: Shelf, publish: Publish, withdraw: Withdraw) -> None:
    assert shelf.replace() is None
    withdraw(shelf.slug)
    made = shelf.replace()
    assert made is not None
    assert made.tables["bulletins"] == 1
    assert shelf.replace() is None
    assert shelf.client.get(f"/v1/exports/{made.name}").status_code == 200
    # What was withdrawn before an export and is public again since was not in it.
    publish(shelf.document)
    withdraw(shelf.slug)
    assert shelf.client.get(f"/v1/exports/{made.name}").status_code == 200
    problem(shelf.client.get(shelf.url), 410, "export-withdrawn")


@pytest.mark.parametrize(
    "path",
    [
        "1-20260625T000000000000Z",
        "..",
        ".lock",
        "%2e%2e%2f%2e%2e%2fetc",
        "{name}/manifest.json",
        "{name}/..%2f..%2f.lock",
        "{name}/passwd",
        "1-20260625T000000000000Z/tags.parquet",
    ],
)
def test_nothing_but_the_files_of_exports_is_served(shelf: Shelf, path: str) -> None:
    answer = shelf.client.get(f"/v1/exports/{path.replace('{name}', shelf.export.name)}")
    assert answer.status_code == 404


def test_unknown_parameters_are_refused(shelf: Shelf) -> None:
    for path in ("/v1/exports", f"/v1/exports/{shelf.export.name}", shelf.url):
        refused(shelf.client.get(f"{path}?a=1"), "a")


def test_without_any_export_the_list_is_empty(api: httpx2.Client) -> None:
    assert api.get("/v1/exports").json() == {"items": []}
