import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NAMES = ("build", "development", "local", "production")


def text(name: str) -> str:
    return (ROOT / "requirements" / f"{name}.txt").read_text()


def versions(name: str) -> dict[str, str]:
    return dict(re.findall(r"^([\w.-]+)(?:\[[\w,-]+\])?==(\S+)", text(name), re.MULTILINE))


def normal(requirement: str) -> str:
    return re.sub(r"[-_.]+", "-", re.split(r"[\[ <>=;]", requirement)[0]).lower()


@pytest.mark.parametrize("name", NAMES)
def test_lock_names_no_index_and_no_address(name: str) -> None:
    lines = text(name).splitlines()
    assert not [line for line in lines if "://" in line or re.match(r"\s*--(?!hash=)", line)]
    assert not [line for line in lines if re.search(r"(^|\s)/", line)]


@pytest.mark.parametrize("name", NAMES)
def test_every_requirement_has_a_version_and_a_hash(name: str) -> None:
    requirements = re.split(
        r"^(?=[\w])", re.sub(r"^ *#.*\n", "", text(name), flags=re.MULTILINE), flags=re.MULTILINE
    )
    assert len(requirements) > 2
    for requirement in filter(None, requirements):
        assert re.match(r"[\w.-]+(\[[\w,-]+\])?==\S+ ", requirement)
        assert "--hash=sha256:" in requirement


@pytest.mark.parametrize("name", ["build", "local", "production"])
def test_other_locks_are_parts_of_the_development_one(name: str) -> None:
    assert versions(name).items() <= versions("development").items()


def test_locks_hold_what_the_project_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = {normal(name) for name in project["project"]["dependencies"]}
    local = {normal(name) for name in project["project"]["optional-dependencies"]["local"]}
    groups = project["dependency-groups"]
    build = {normal(name) for name in groups["build"]}
    development = {normal(name) for name in groups["dev"] if isinstance(name, str)}
    assert wanted <= set(versions("production"))
    assert not local & set(versions("production"))
    assert wanted | local | build <= set(versions("local"))
    assert build <= set(versions("build"))
    assert wanted | local | build | development <= set(versions("development"))
