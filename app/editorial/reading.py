"""Reading an imported file without holding up other requests."""

import asyncio
from pathlib import PurePosixPath

from app.bulletins.taxonomy import Taxonomy
from app.editorial.revisions import today
from app.ingest.report import ImportResult

_AT_ONCE = 2
_NAME_LENGTH = 200

_reading = asyncio.Semaphore(_AT_ONCE)


async def read(name: str, data: bytes, tags: Taxonomy) -> ImportResult:
    """The document and report of a file's bytes; ``name`` gives its format, ``tags`` are those to suggest.

    :raises UnreadableFileError: the content gives no document.
    """
    async with _reading:
        return await asyncio.to_thread(_read, name, data, tags)


def _read(name: str, data: bytes, tags: Taxonomy) -> ImportResult:
    from app.ingest.reader import read_bytes  # 5 MB, which processes that read no files do without

    return read_bytes(name, data, tags, today())


def plain_name(name: str) -> str:
    """The last part of a file's name as browsers of any system send it, its ending kept when it is long."""
    last = PurePosixPath(name.replace("\\", "/")).name
    return last if len(last) <= _NAME_LENGTH else last[-_NAME_LENGTH:]
