"""The README's examples are run as they stand, against a server with the sample bulletin."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import httpx2
import pytest
from typer.main import get_command

from app.bulletins.taxonomy import curated
from app.cli.main import app as cli
from app.ingest.reader import read_bulletin
from app.kit.settings import Settings, variables
from tests.partners.conftest import bearer, new_key

ROOT = Path(__file__).parents[1]
READMES = ("README.md", "README.zh-CN.md")
ADDRESS = "127.0.0.1:8000"
Serve = Callable[[Settings], AbstractContextManager[Any]]

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Example:
    command: str
    expected: str


def blocks(name: str, language: str) -> list[str]:
    text = (ROOT / name).read_text("utf-8")
    return [body for found, body in _BLOCK.findall(text) if found == language]


def examples() -> Iterator[tuple[str, Example]]:
    for name in READMES:
        for block in blocks(name, "console"):
            for part in block.split("$ ")[1:] if block.startswith("$ ") else []:
                command, _, expected = part.partition("\n")
                yield name, Example(command, expected.strip())


def shown(expected: str) -> re.Pattern[str]:
    """What may be printed where the README prints ``expected``: ``…`` stands for anything."""
    return re.compile(".*".join(map(re.escape, expected.split("…"))), re.DOTALL)


@pytest.fixture
def address(settings: Settings, publish: Callable[..., object], serve: Serve, samples: Path) -> Iterator[str]:
    publish(read_bulletin(samples / "2026-06-25.txt", curated(), date(2026, 6, 26)).document)
    with serve(settings) as server:
        yield f"127.0.0.1:{server.port}"


@pytest.mark.parametrize(("name", "example"), list(examples()))
def test_an_example_of_the_readme_prints_what_it_shows(
    address: str, settings: Settings, name: str, example: Example
) -> None:
    environment = {
        **os.environ,
        "DATABASE_URL": settings.conninfo,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    command = example.command.replace(ADDRESS, address)
    done = subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, cwd=ROOT, env=environment, check=False
    )
    assert shown(example.expected).fullmatch(done.stdout.strip()), f"{name}: {done.stdout} {done.stderr}"


def test_the_readme_shows_examples_in_both_languages() -> None:
    assert {name for name, _ in examples()} == {*READMES}


def test_the_readme_s_program_verifies_the_content_hash(address: str) -> None:
    (program,) = blocks("README.md", "python")
    subprocess.run([sys.executable, "-c", program.replace(ADDRESS, address)], check=True, timeout=60)


def test_the_readme_s_loop_makes_a_copy(address: str, settings: Settings) -> None:
    (program,) = blocks("README.md", "py")
    copy: dict[tuple[str, str], Any] = {}
    with httpx2.Client(base_url=f"http://{address}", headers=bearer(new_key(settings, "博雅云创"))) as client:
        exec(program, {"client": client, "copy": copy})  # noqa: S102 - it is ours
        listed = client.get("/v1/bulletins", params={"tag": "compute"}).json()["items"]
    assert [id_ for kind, id_ in copy if kind == "bulletin"] == [item["slug"] for item in listed] != []


def test_the_readme_lists_every_setting() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    assert [name for name in variables() if f"`{name}`" not in text] == []


def text_of(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def test_the_paragraphs_on_architecture_are_numbered_consecutively() -> None:
    part = text_of("README.md").partition("## Architecture\n")[2].partition("\n## ")[0]
    numbers = [int(number) for number in re.findall(r"^(\d+)\. ", part, re.MULTILINE)]
    assert numbers == list(range(1, len(numbers) + 1)) != []


@pytest.mark.parametrize("name", READMES)
def test_every_command_that_a_readme_names_exists(name: str) -> None:
    groups = getattr(get_command(cli), "commands", {})
    for first, second in re.findall(r"nqpf ([a-z-]+)(?: ([a-z-]+))?", text_of(name)):
        assert first in groups, first
        parts = getattr(groups[first], "commands", None)
        assert not (parts and second) or second in parts, f"{first} {second}"


@pytest.mark.parametrize("name", READMES)
def test_every_address_that_a_readme_names_is_one_of_the_api(name: str) -> None:
    paths = [path.split("/") for path in json.loads(text_of("openapi/openapi.json"))["paths"]]

    def fits(part: str, of_path: str) -> bool:
        return of_path.startswith(part) or re.fullmatch(re.sub(r"{\w+}", r"[^/]+", of_path), part) is not None

    for address in re.findall(r"/v1/[\w{}/.-]*[\w}]", text_of(name)):
        parts = address.split("/")
        assert any(len(parts) <= len(path) and all(map(fits, parts, path[: len(parts)])) for path in paths), (
            address
        )


@pytest.mark.parametrize("name", READMES)
def test_every_file_that_a_readme_names_is_there(name: str) -> None:
    files = re.findall(r"`((?:app|migrations|openapi|scripts|tests)/[\w./-]+)`", text_of(name))
    assert [file for file in files if not (ROOT / file).exists()] == []
