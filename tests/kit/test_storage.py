import os
import threading
from pathlib import Path

import pytest

from app.kit.storage import LocalStorage


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_what_was_put_is_given_back(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    storage.put("images/ab/w320", b"bytes")
    assert storage.get("images/ab/w320") == b"bytes"
    assert storage.get("images/ab/w640") is None
    assert files(tmp_path) == ["images/ab/w320"]


def test_what_has_a_name_already_stays(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    storage.put("a", b"first")
    storage.put("a", b"second")
    assert storage.get("a") == b"first"


@pytest.mark.parametrize(
    "name",
    [
        "", "/", "/etc/passwd", "..", "a/../b", "a/..", "./a", "a//b", "a/", "A", "a\x00b", "a b", "a\\b",
        "ä", "~", "a.b", "a\n",
    ],
)  # fmt: skip
def test_a_name_that_is_none_is_an_error_and_touches_nothing(tmp_path: Path, name: str) -> None:
    storage = LocalStorage(tmp_path / "files")
    with pytest.raises(ValueError, match="no name of a stored file"):
        storage.put(name, b"x")
    with pytest.raises(ValueError, match="no name of a stored file"):
        storage.get(name)
    assert files(tmp_path) == []


def test_a_write_that_fails_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="no space left"):
        LocalStorage(tmp_path).put("a/b", b"x" * 1000)
    assert files(tmp_path) == []


def test_many_writers_of_one_name_leave_one_whole_file(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    contents = [bytes([number]) * 100_000 for number in range(8)]
    threads = [threading.Thread(target=storage.put, args=("a/b", content)) for content in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert storage.get("a/b") in contents
    assert files(tmp_path) == ["a/b"]
