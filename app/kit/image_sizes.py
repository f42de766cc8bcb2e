"""Which pictures are taken and in which sizes they are given, without what decodes them."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

MAX_BYTES = 10 * 2**20
MAX_SIDE = 2_560
"""Larger pictures are made smaller."""

Format = Literal["JPEG", "PNG", "WEBP", "GIF"]

MEDIA_TYPES: Mapping[Format, str] = {
    "JPEG": "image/jpeg",
    "PNG": "image/png",
    "WEBP": "image/webp",
    "GIF": "image/gif",
}
FULL = "full"


class ImageRefusedError(Exception):
    """The bytes are no picture that is taken. ``code`` is stable, ``message`` Chinese."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class Size:
    """At most so many pixels, and so many bytes; with ``cropped`` exactly of that shape.

    ``website`` sizes are WebP; the others what WeChat takes, JPEG, or PNG for what is drawn.
    """

    width: int
    height: int
    website: bool = False
    cropped: bool = False
    max_bytes: int = MAX_BYTES


SIZES: Mapping[str, Size] = MappingProxyType(
    {
        "w320": Size(320, MAX_SIDE, website=True),
        "w640": Size(640, MAX_SIDE, website=True),
        "w1280": Size(1_280, MAX_SIDE, website=True),
        # WeChat: inline pictures below 1 MB, covers 2.35:1 and 1:1, thumbs of at most 64 KB.
        "wechat": Size(1_080, MAX_SIDE, max_bytes=1_000_000 - 1),
        "wechat-cover": Size(900, 383, cropped=True),
        "wechat-square": Size(500, 500, cropped=True),
        "wechat-thumb": Size(300, 300, cropped=True, max_bytes=64_000),
    }
)


def kind_of(data: bytes) -> Format | None:
    """The format by the first bytes, None for any that is not taken."""
    if data.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "GIF"
    return "WEBP" if data.startswith(b"RIFF") and data[8:12] == b"WEBP" else None
