import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]
Failure = Callable[[subprocess.CompletedProcess[str]], str]


@pytest.fixture
def published(nqpf: Run, samples: Path) -> None:
    assert nqpf("import", samples / "2026-06-25.txt", "--publish").returncode == 0


@pytest.mark.usefixtures("published")
def test_an_export_is_written_and_verified(nqpf: Run, failure: Failure, tmp_path: Path) -> None:
    done = nqpf("export", tmp_path / "new" / "copy")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Exported 1 bulletins, 5 sections, ")
    assert nqpf("verify", tmp_path / "new" / "copy").stdout == f"{tmp_path / 'new' / 'copy'} is whole.\n"
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["copy"]
    (tmp_path / "new" / "copy" / "tags.parquet").unlink()
    done = nqpf("verify", tmp_path / "new" / "copy")
    assert done.stdout == "tags.parquet: it is missing\n"
    assert "is not a whole copy" in failure(done)


def test_a_folder_with_something_in_it_is_left_alone(nqpf: Run, failure: Failure, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("x")
    assert "is not empty" in failure(nqpf("export", tmp_path))
    assert "is not empty" in failure(nqpf("export", tmp_path / "mine"))
    assert "cannot write" in failure(nqpf("export", tmp_path / "mine" / "below"))
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


@pytest.mark.usefixtures("published")
def test_without_a_folder_the_export_is_one_that_is_served(nqpf: Run, tmp_path: Path) -> None:
    done = nqpf("export", NQPF_DATA=tmp_path / "data")
    assert done.returncode == 0, done.stderr
    (manifest,) = (tmp_path / "data" / "exports").glob("*/manifest.json")
    assert json.loads(manifest.read_text())["name"] == manifest.parent.name


def test_verify_says_in_one_line_that_there_is_no_export(nqpf: Run, tmp_path: Path) -> None:
    assert nqpf("verify", tmp_path).stdout == "manifest.json: No such file or directory\n"
