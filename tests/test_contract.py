import os
import subprocess
import sys
from pathlib import Path

from tests.conftest import Server

COMMAND = [
    str(Path(sys.executable).with_name("schemathesis")),
    *("run", "--no-color", "--warnings", "off", "--continue-on-failure"),
    *("--max-examples", "10", "--generation-deterministic"),
    # tests/contract_hooks.py has this check with the refusals that are by design.
    *("--checks", "all", "--exclude-checks", "positive_data_acceptance"),
]


def test_answers_to_generated_requests_keep_to_the_description(
    library_server: Server, tmp_path: Path
) -> None:
    """Examples, boundary values, random values and chains of requests; no answer is a server error."""
    run = subprocess.run(
        [*COMMAND, f"http://127.0.0.1:{library_server.port}/openapi.json"],
        cwd=tmp_path,
        env={**os.environ, "SCHEMATHESIS_HOOKS": "tests.contract_hooks"},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
