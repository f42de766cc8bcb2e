"""Files that never change, by name: kept in a folder now, in an object store one day."""

import os
import re
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Protocol

_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*(/[a-z0-9]+(-[a-z0-9]+)*)*")


class Storage(Protocol):
    """Names are lower-case letters, digits and hyphens, with slashes between parts; others are errors."""

    def put(self, name: str, content: bytes) -> None:
        """Keep the content; what has the name already stays."""
        ...

    def get(self, name: str) -> bytes | None:
        """The content, or None."""
        ...

    def has(self, name: str) -> bool:
        """Whether there is content of this name."""
        ...


class LocalStorage:
    """A folder. A file is there whole or not at all, whoever writes or is killed meanwhile."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, name: str, content: bytes) -> None:
        path = self._path(name)
        if path.exists():
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, unfinished = tempfile.mkstemp(dir=path.parent, prefix=".")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            Path(unfinished).replace(path)
        except BaseException:
            with suppress(OSError):
                Path(unfinished).unlink()
            raise

    def get(self, name: str) -> bytes | None:
        try:
            return self._path(name).read_bytes()
        except FileNotFoundError:
            return None

    def has(self, name: str) -> bool:
        return self._path(name).exists()

    def _path(self, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} is no name of a stored file")
        return self._folder / name
