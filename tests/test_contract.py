import os
import subprocess
import sys
from pathlib import Path

from app.editorial.workflow import Role
from app.kit.settings import Settings
from tests.conftest import Server
from tests.editorial.conftest import join

COMMAND = [
    str(Path(sys.executable).with_name("schemathesis")),
    *("run", "--no-color", "--warnings", "off", "--continue-on-failure", "--generation-deterministic"),
]
DESK = ("-path-regex", "^/v1/editorial")
PUBLIC = [
    *("--max-examples", "10", f"--exclude{DESK[0]}", DESK[1]),
    # tests/contract_hooks.py has this check with the refusals that are by design.
    *("--checks", "all", "--exclude-checks", "positive_data_acceptance"),
]
EDITORIAL = [
    *("--max-examples", "5", f"--include{DESK[0]}", DESK[1]),
    # They would end the login that all requests come with.
    *("--exclude-operation-id", "logOut", "--exclude-operation-id", "changePassword"),
    "--checks",
    "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance",
]


def run(server: Server, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments, f"http://127.0.0.1:{server.port}/openapi.json"],
        cwd=folder,
        env={**os.environ, "SCHEMATHESIS_HOOKS": "tests.contract_hooks"},
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )


def test_answers_to_generated_requests_keep_to_the_description(
    library_server: Server, tmp_path: Path
) -> None:
    """Examples, boundary values, random values and chains of requests; no answer is a server error."""
    done = run(library_server, tmp_path, *PUBLIC)
    assert done.returncode == 0, done.stdout + done.stderr


def test_nothing_an_administrator_sends_to_the_desk_is_a_server_error(
    server: Server, settings: Settings, tmp_path: Path
) -> None:
    token = join(settings, "ada", Role.administrator)
    done = run(server, tmp_path, *EDITORIAL, "-H", f"Authorization: Bearer {token}")
    assert done.returncode == 0, done.stdout + done.stderr
