"""Exports on the command line and in the worker: whole, or not there."""

import asyncio
import gzip
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import psycopg
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest
import zstandard

from app.kit.db import connect
from app.kit.settings import Settings
from app.partners import export, export_shelf
from app.partners.export_manifest import MANIFEST, TABLES, Export
from app.partners.verify import verify
from tests.conftest import Server

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def made(library_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An export of the shared library."""

    parent = tmp_path_factory.mktemp("exports")

    async def run() -> None:
        async with connect(library_server.settings) as database:
            await export.build(database, parent, "copy")

    asyncio.run(run())
    return parent / "copy"


def rows(folder: Path, table: str, extension: str) -> list[Any]:
    path = folder / f"{table}.{extension}"
    raw = gzip.decompress(path.read_bytes()) if extension.endswith("gz") else b""
    if extension.endswith("zst"):
        with zstandard.open(path) as file:
            raw = file.read()
    return [json.loads(line) for line in raw.splitlines()]


def everything(client: httpx2.Client, path: str) -> list[Any]:
    items: list[Any] = []
    following: str | None = path
    while following:
        answer = client.get(following)
        items += answer.json()["items"]
        following = answer.links["next"]["url"] if "next" in answer.links else None
    return items


@pytest.mark.parametrize("extension", ["ndjson.gz", "ndjson.zst"])
def test_an_export_has_every_public_object_as_the_api_gives_it(
    made: Path, library: httpx2.Client, extension: str
) -> None:
    listed = everything(library, "/v1/bulletins?order=date&limit=200&include=sections,citations,contacts")
    found = rows(made, "bulletins", extension)
    assert found == listed
    assert found[-1] == library.get("/v1/bulletins/latest").json()
    sections = rows(made, "sections", extension)
    assert sections == everything(library, "/v1/sections?order=date&limit=200")
    assert rows(made, "tags", extension) == everything(library, "/v1/tags?limit=200")
    references = rows(made, "references", extension)
    assert references == everything(library, "/v1/references?limit=200")[::-1]


def test_the_columns_of_parquet_say_the_same(made: Path) -> None:
    for table in TABLES:
        objects = rows(made, table, "ndjson.gz")
        columns = pq.read_table(made / f"{table}.parquet").to_pylist()
        assert len(columns) == len(objects) > 0
        for row, whole in zip(columns, objects, strict=True):
            assert set(row) == set(whole)
            for name, value in row.items():
                expected = whole[name]
                if name == "tags":
                    expected = [tag["slug"] for tag in expected]
                elif name == "bulletin":
                    expected = expected["slug"]
                elif name in {"body", "contacts", "sections"} or (table, name) == ("bulletins", "citations"):
                    value = json.loads(value)  # noqa: PLW2901
                elif name == "date":
                    value = value and value.isoformat()  # noqa: PLW2901
                elif name.endswith("_at"):
                    value = value.isoformat().replace("+00:00", "Z")  # noqa: PLW2901
                assert value == expected, (table, name)


def test_the_manifest_counts_the_rows_and_names_the_last_change(made: Path, library_server: Server) -> None:
    manifest = Export.model_validate_json((made / MANIFEST).read_bytes())
    with psycopg.connect(library_server.settings.conninfo) as connection:
        last = connection.execute("SELECT max(seq) FROM change").fetchone()
    assert last == (manifest.seq,)
    assert manifest.tables["bulletins"] == 31
    assert len(manifest.files) == 12


def test_an_export_is_of_one_moment(
    settings: Settings, publish: Callable[..., object], tmp_path: Path
) -> None:
    """What is published while it is written is in neither the rows nor ``seq``."""

    from scripts.archive import generate

    early, late = list(generate(2, seed=3))
    publish(early)

    async def run() -> Export:
        async with connect(settings) as database:
            whole = export._rows

            async def slow(session: Any) -> Any:
                async for table, found in whole(session):
                    yield table, found
                    if table == "bulletins":
                        await asyncio.to_thread(publish, late)

            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(export, "_rows", slow)
                return await export.build(database, tmp_path, "copy")

    manifest = asyncio.run(run())
    with psycopg.connect(settings.conninfo) as connection:
        later = connection.execute(
            "SELECT subject FROM change WHERE seq > %s ORDER BY seq", [manifest.seq]
        ).fetchall()
    assert later == [(late.slug,)]
    assert [row["slug"] for row in rows(tmp_path / "copy", "bulletins", "ndjson.gz")] == [early.slug]
    assert {row["bulletin"]["slug"] for row in rows(tmp_path / "copy", "sections", "ndjson.gz")} == {
        early.slug
    }
    assert manifest.tables["references"] == len(early.citations)
    assert list(verify(tmp_path / "copy")) == []


def test_a_killed_export_leaves_nothing_to_be_seen_and_the_next_one_cleans_up(
    settings: Settings, publish: Callable[..., object], tmp_path: Path
) -> None:
    from scripts.archive import generate

    publish(*generate(1, seed=3))
    shelf = tmp_path / "exports"
    program = (
        "import asyncio, os, signal, sys; from pathlib import Path;"
        "from app.kit.db import connect; from app.kit.settings import Settings;"
        "from app.partners import export, export_shelf;"
        "export._described = lambda *_: os.kill(os.getpid(), signal.SIGKILL);\n"
        "async def run():\n"
        "    async with connect(Settings.load()) as database:\n"
        "        await export_shelf.add(database, Path(sys.argv[1]))\n"
        "asyncio.run(run())"
    )
    environment = {**os.environ, "DATABASE_URL": settings.conninfo}
    killed = subprocess.run([sys.executable, "-c", program, shelf], cwd=ROOT, env=environment, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert [path for path in shelf.iterdir() if not path.name.startswith(".")] == []
    assert list(shelf.glob(".unfinished-*")) != []
    assert export_shelf.exports(shelf) == []

    async def run() -> Export | None:
        async with connect(settings) as database:
            return await export_shelf.add(database, shelf)

    made = asyncio.run(run())
    assert made is not None
    assert export_shelf.exports(shelf) == [made]
    assert list(shelf.glob(".unfinished-*")) == []


def test_the_oldest_exports_go_when_there_are_too_many(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export_shelf, "KEPT", 2)

    async def run() -> list[str]:
        async with connect(settings) as database:
            made = [await export_shelf.add(database, tmp_path) for _ in range(4)]
        return [each.name for each in made if each]

    names = asyncio.run(run())
    assert [each.name for each in export_shelf.exports(tmp_path)] == names[:1:-1]
    assert sorted(path.name for path in tmp_path.iterdir()) == [".lock", *names[2:]]


def damage(folder: Path, kind: str) -> None:
    path = folder / "bulletins.ndjson.gz"
    match kind:
        case "missing":
            path.unlink()
        case "shorter":
            path.write_bytes(path.read_bytes()[:-10])
        case "bit":
            whole = bytearray(path.read_bytes())
            whole[len(whole) // 2] ^= 1
            path.write_bytes(whole)
        case "extra":
            (folder / "more.txt").write_text("x")
        case "no manifest":
            (folder / MANIFEST).unlink()
        case "bad manifest":
            (folder / MANIFEST).write_text('{"name": 1}')


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("missing", "bulletins.ndjson.gz: it is missing"),
        ("shorter", "bulletins.ndjson.gz: it has "),
        ("bit", "bulletins.ndjson.gz: its SHA-256 is another"),
        ("extra", "more.txt: the manifest does not name it"),
        ("no manifest", "manifest.json: No such file or directory"),
        ("bad manifest", "manifest.json: it is no manifest"),
    ],
)
def test_verify_names_what_is_damaged(made: Path, tmp_path: Path, kind: str, said: str) -> None:

    copy = shutil.copytree(made, tmp_path / "copy")
    assert list(verify(copy)) == []
    damage(copy, kind)
    (trouble,) = verify(copy)
    assert trouble.startswith(said)


@pytest.mark.parametrize("table", ["bulletins", "sections"])
def test_verify_counts_rows_and_hashes_again_although_the_sums_agree(
    made: Path, tmp_path: Path, table: str
) -> None:
    """A manifest that was written to fit a changed file is found out by the rows and the content hashes."""

    copy = shutil.copytree(made, tmp_path / "copy")
    path = copy / f"{table}.ndjson.gz"
    lines = gzip.decompress(path.read_bytes()).splitlines(keepends=True)
    changed = [lines[0].replace("：".encode(), b"!!"), *lines[1:]] if table == "bulletins" else lines[1:]
    path.write_bytes(gzip.compress(b"".join(changed)))
    manifest = json.loads((copy / MANIFEST).read_text())
    for file in manifest["files"]:
        if file["name"] == path.name:
            file |= {"bytes": path.stat().st_size, "sha256": export.digest(path)}
    (copy / MANIFEST).write_text(json.dumps(manifest))
    (trouble,) = verify(copy)
    assert ("another hash" if table == "bulletins" else "rows instead of") in trouble


def test_two_exports_at_once_make_one(settings: Settings, tmp_path: Path) -> None:

    async def run() -> list[Export | None]:
        async with connect(settings) as database:
            return await asyncio.gather(*(export_shelf.add(database, tmp_path) for _ in range(3)))

    assert sum(made is not None for made in asyncio.run(run())) == 1
    assert len(export_shelf.exports(tmp_path)) == 1
