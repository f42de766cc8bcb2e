"""A picture inside a PDF as a file of its own: a JPEG as it is, pixels as a PNG."""

import io
from typing import Any

from pdfminer.pdftypes import PDFStream, resolve1
from PIL import Image

MAX_PIXELS = 10_000_000

_DCT = {"DCTDecode", "DCT"}
_UNPACKED = {
    *("FlateDecode", "Fl", "LZWDecode", "LZW", "RunLengthDecode", "RL"),
    *("ASCII85Decode", "A85", "ASCIIHexDecode", "AHx"),
}
_JPEG = b"\xff\xd8\xff"


def picture_file(image: dict[str, Any]) -> bytes:
    """The file of a picture as pdfplumber describes it; empty where it is of a kind that is not read."""
    stream: PDFStream = image["stream"]
    filters = [str(getattr(name, "name", name)) for name, _ in stream.get_filters()]
    width, height = image["srcsize"]
    try:
        if filters and filters[-1] in _DCT:
            data = _unpacked(stream)
            return data if data.startswith(_JPEG) else b""
        if not _UNPACKED.issuperset(filters) or not 0 < width * height <= MAX_PIXELS:
            return b""
        pixels = _pixels(stream, (int(width), int(height)), image["bits"])
    except Exception:  # decoders raise all sorts
        return b""
    file = io.BytesIO()
    pixels.save(file, "PNG")
    return file.getvalue()


def _unpacked(stream: PDFStream) -> bytes:
    """The stream's bytes; it forgets its own when it unpacks them, but a logo stands on every page."""
    raw = stream.rawdata
    data: bytes = stream.get_data()
    stream.rawdata, stream.data = raw, None
    return data


def _pixels(stream: PDFStream, size: tuple[int, int], bits: int) -> Image.Image:
    data = _unpacked(stream)
    if bits == 1:
        return Image.frombytes("1", size, data)
    space = resolve1(stream.get_any(("CS", "ColorSpace")))
    if isinstance(space, list) and str(getattr(space[0], "name", "")) in ("Indexed", "I"):
        image = Image.frombytes("P", size, data)
        palette = resolve1(space[3])
        image.putpalette(palette.get_data() if isinstance(palette, PDFStream) else palette)
        return image.convert("RGB")
    mode = {1: "L", 3: "RGB", 4: "CMYK"}[len(data) // (size[0] * size[1])]
    return Image.frombytes(mode, size, data).convert("RGB")
