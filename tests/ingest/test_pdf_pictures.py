import io
import zlib
from typing import Any

import pytest
from pdfminer.pdftypes import PDFStream
from pdfminer.psparser import LIT
from PIL import Image

from app.ingest import pdf_pictures
from app.ingest.pdf_pictures import picture_file
from tests.kit.pictures import drawing, encoded


def described(data: bytes, size: tuple[int, int], bits: int = 8, **attributes: Any) -> dict[str, Any]:
    """A picture as pdfplumber describes it."""
    return {"stream": PDFStream(attributes, data), "srcsize": size, "bits": bits}


def flate(data: bytes, size: tuple[int, int], bits: int = 8, **attributes: Any) -> dict[str, Any]:
    return described(zlib.compress(data), size, bits, Filter=LIT("FlateDecode"), **attributes)


def test_a_jpeg_is_taken_out_as_it_is() -> None:
    data = encoded(drawing(), "JPEG")
    assert picture_file(described(data, (600, 400), Filter=LIT("DCTDecode"))) == data
    twice = described(zlib.compress(data), (600, 400), Filter=[LIT("FlateDecode"), LIT("DCTDecode")])
    assert picture_file(twice) == data


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK", "1"])
def test_pixels_become_a_png(mode: str) -> None:
    image = drawing(80, 40, mode)
    made = picture_file(flate(image.tobytes(), image.size, 1 if mode == "1" else 8))
    assert Image.open(io.BytesIO(made)).convert("RGB").tobytes() == image.convert("RGB").tobytes()


def test_pixels_that_count_colours_become_a_png() -> None:
    palette = bytes([255, 0, 0, 0, 0, 255])
    space = [LIT("Indexed"), LIT("DeviceRGB"), 1, palette]
    made = picture_file(flate(b"\x00\x01\x01\x00", (2, 2), ColorSpace=space))
    pixels = Image.open(io.BytesIO(made)).tobytes()
    assert pixels == bytes([255, 0, 0, 0, 0, 255, 0, 0, 255, 255, 0, 0])


@pytest.mark.parametrize(
    "picture",
    [
        described(b"no jpeg", (1, 1), Filter=LIT("DCTDecode")),
        described(b"x", (1, 1), Filter=LIT("JPXDecode")),
        flate(b"too little", (100, 100)),
        flate(b"", (0, 0)),
        flate(b"x", (-1, 5)),
        described(b"no deflate", (10, 10), Filter=LIT("FlateDecode")),
        flate(b"\0" * 99, (10**6, 10**6)),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_no_picture(picture: dict[str, Any]) -> None:
    assert picture_file(picture) == b""


def test_a_picture_of_too_many_pixels_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf_pictures, "MAX_PIXELS", 99)
    assert picture_file(flate(b"\0" * 100, (10, 10))) == b""
    assert picture_file(flate(b"\0" * 99, (9, 11))) != b""
