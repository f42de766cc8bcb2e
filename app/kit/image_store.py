"""Cleaned pictures by the SHA-256 of the bytes that they came as."""

import asyncio
import hashlib
import re
from dataclasses import dataclass

from app.kit.image_sizes import FULL, MEDIA_TYPES, SIZES, kind_of
from app.kit.settings import Settings
from app.kit.storage import LocalStorage, Storage

_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class StoredImage:
    """A stored picture; width and height are those of its full size."""

    sha256: str
    media_type: str
    width: int
    height: int
    animated: bool

    @property
    def src(self) -> str:
        """How a document names it."""
        return f"sha256:{self.sha256}"


class ImageStore:
    """Pictures in a storage. The same bytes are cleaned and kept once."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def add(self, data: bytes, sha256: str | None = None) -> StoredImage:
        """Clean and keep a picture.

        :param sha256: its name, where the bytes were only made of what is named so.
        :raises ImageRefusedError: it is no picture that is taken.
        """
        return await asyncio.to_thread(self._add, data, sha256 or hashlib.sha256(data).hexdigest())

    async def has(self, sha256: str) -> bool:
        """Whether the picture is kept, in all its sizes."""
        known = _DIGEST.fullmatch(sha256)
        return known is not None and await asyncio.to_thread(self._storage.has, _name(sha256, FULL))

    async def get(self, sha256: str, size: str) -> tuple[str, bytes] | None:
        """The media type and the bytes of a picture in one of its sizes, or None."""
        if not _DIGEST.fullmatch(sha256) or size not in (FULL, *SIZES):
            return None
        content = await asyncio.to_thread(self._storage.get, _name(sha256, size))
        kind = kind_of(content or b"")
        return (MEDIA_TYPES[kind], content) if content and kind else None

    def _add(self, data: bytes, sha256: str) -> StoredImage:
        # What decodes takes 9 MB, which a process that only reads does without.
        from app.kit.images import clean, described

        known = self._storage.get(_name(sha256, FULL))
        if known is None:
            sizes = clean(data).sizes
            # The full size comes last: where it is, all the others are.
            for size in (*SIZES, FULL):
                self._storage.put(_name(sha256, size), sizes[size].content)
            known = sizes[FULL].content
        return StoredImage(sha256, *described(known))


def image_store(settings: Settings) -> ImageStore:
    """The pictures of this installation, in its data folder."""
    return ImageStore(LocalStorage(settings.data / "files"))


def _name(sha256: str, size: str) -> str:
    return f"images/{sha256[:2]}/{sha256}/{size}"
