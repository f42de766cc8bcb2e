"""Real pictures of every kind, and things that only look like pictures."""

import io
import struct
import zipfile
import zlib
from typing import Any

from PIL import Image, ImageDraw

SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


def drawing(width: int = 600, height: int = 400, mode: str = "RGB") -> Image.Image:
    """A picture whose left upper quarter is red, on a coloured ground."""
    image = Image.new("RGB", (width, height), (30, 90, 200))
    ImageDraw.Draw(image).rectangle((0, 0, width // 2 - 1, height // 2 - 1), fill=(220, 20, 20))
    return image.convert(mode)


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def animation(kind: str, frames: int = 4) -> bytes:
    first, *others = (Image.new("RGB", (60, 40), (60 * number, 0, 0)) for number in range(frames))
    return encoded(first, kind, save_all=True, append_images=others, duration=120, loop=0)


def photo_with_metadata() -> bytes:
    """A JPEG held sideways, with a place, a comment and a thumbnail's worth of EXIF."""
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees
    exif[0x010F] = "SECRET-CAMERA"
    exif.get_ifd(0x8825)[1] = "N"
    return encoded(drawing(), "JPEG", quality=90, exif=exif, comment=b"SECRET-COMMENT")


def png(width: int, height: int, *chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG as its chunks say, whatever they say."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = [b"\x89PNG\r\n\x1a\n"]
    for name, content in ((b"IHDR", header), *chunks, (b"IEND", b"")):
        checksum = struct.pack(">I", zlib.crc32(name + content))
        parts.append(struct.pack(">I", len(content)) + name + content + checksum)
    return b"".join(parts)


def bomb() -> bytes:
    """30,000 × 30,000 black pixels in about three megabytes... of which only a piece is needed."""
    return png(30_000, 30_000, (b"IDAT", zlib.compress(b"\0" * 1_000_000, 9)))


def archive() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as zipped:
        zipped.writestr("payload.js", "alert(1)")
    return file.getvalue()
