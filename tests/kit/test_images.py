import io
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from app.kit import images
from app.kit.image_sizes import MAX_BYTES, SIZES, ImageRefusedError, kind_of
from app.kit.images import MAX_FRAMES, Picture, clean
from tests.kit import pictures
from tests.kit.pictures import animation, drawing, encoded

KINDS = ["JPEG", "PNG", "WEBP", "GIF"]


def opened(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content))


def refusal(data: bytes) -> str:
    with pytest.raises(ImageRefusedError) as refused:
        clean(data)
    assert refused.value.message.endswith("。")
    return refused.value.code


def red(image: Image.Image, x: float, y: float) -> bool:
    found: Any = image.convert("RGB").getpixel((int(image.width * x), int(image.height * y)))
    return bool(found[0] > 150 and found[2] < 100)


@pytest.mark.parametrize("kind", KINDS)
def test_each_format_keeps_its_format_and_gets_all_sizes(kind: str) -> None:
    picture = clean(encoded(drawing(2_000, 1_000), kind))
    assert picture.full.media_type == f"image/{kind.lower()}"
    assert set(picture.sizes) == {"full", *SIZES}
    assert not picture.animated
    for size in picture.sizes.values():
        image = opened(size.content)
        assert (image.width, image.height) == (size.width, size.height)
        assert Image.MIME[image.format or ""] == size.media_type
        assert red(image, 0.3, 0.3)
        assert not red(image, 0.9, 0.9)


def test_sizes_are_what_the_website_and_wechat_take() -> None:
    sizes = clean(encoded(drawing(3_000, 2_000), "JPEG")).sizes
    shapes = {name: (size.media_type, size.width, size.height) for name, size in sizes.items()}
    assert shapes == {
        "full": ("image/jpeg", 2_560, 1_707),
        "w320": ("image/webp", 320, 213),
        "w640": ("image/webp", 640, 427),
        "w1280": ("image/webp", 1_280, 853),
        "wechat": ("image/jpeg", 1_080, 720),
        "wechat-cover": ("image/jpeg", 900, 383),
        "wechat-square": ("image/jpeg", 500, 500),
        "wechat-thumb": ("image/jpeg", 300, 300),
    }
    assert abs(900 / 383 - 2.35) < 0.001


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_wechat_sizes_stay_below_its_limits_even_for_noise(kind: str) -> None:
    noise = Image.merge("RGB", [Image.effect_noise((1_100, 1_600), 200) for _ in range(3)])
    sizes = clean(encoded(noise, kind)).sizes
    assert len(sizes["wechat"].content) < 1_000_000
    assert len(sizes["wechat-thumb"].content) <= 64_000
    assert len(sizes["full"].content) <= MAX_BYTES


def test_a_drawing_stays_sharp_for_wechat_and_nothing_is_enlarged() -> None:
    code = Image.effect_noise((120, 120), 200).point(lambda value: 255 if value > 128 else 0).convert("1")
    sizes = clean(encoded(code, "PNG")).sizes
    assert sizes["wechat"].media_type == "image/png"
    assert opened(sizes["wechat"].content).convert("1").tobytes() == code.tobytes()
    assert all(size.width <= 120 and size.height <= 120 for size in sizes.values())
    assert (sizes["wechat-cover"].width, sizes["wechat-cover"].height) == (120, 51)


def test_metadata_is_gone_and_the_picture_upright() -> None:
    data = pictures.photo_with_metadata()
    assert b"SECRET" in data
    for size in clean(data).sizes.values():
        image = opened(size.content)
        assert b"SECRET" not in size.content
        assert not image.getexif()
        assert not {"comment", "exif", "icc_profile", "xmp"} & set(image.info)
    full = opened(clean(data).full.content)
    assert (full.width, full.height) == (400, 600)
    assert red(full, 0.9, 0.1)
    assert not red(full, 0.1, 0.1)


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "GIF"])
def test_text_hidden_in_a_picture_is_not_passed_on(kind: str) -> None:
    from PIL.PngImagePlugin import PngInfo

    text = PngInfo()
    text.add_text("Comment", "<script>alert(1)</script>", zip=False)
    options: dict[str, dict[str, Any]] = {
        "PNG": {"pnginfo": text},
        "WEBP": {"xmp": b"<script>alert(1)</script>"},
        "GIF": {"comment": b"<script>alert(1)</script>"},
    }
    data = encoded(drawing(), kind, **options[kind])
    assert b"<script>" in data
    assert not any(b"<script>" in size.content for size in clean(data).sizes.values())


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "I;16"])
def test_every_kind_of_pixels_is_understood(mode: str) -> None:
    image = drawing(mode="L" if mode == "I;16" else mode)
    if mode == "I;16":
        image = image.convert("I;16").point(lambda value: value * 256)
    data = encoded(image, "JPEG" if mode == "CMYK" else "PNG")
    full = opened(clean(data).full.content).convert("L")
    expected = drawing(mode="L")
    for place in ((100, 100), (500, 300)):
        here, there = full.getpixel(place), expected.getpixel(place)
        assert isinstance(here, int)
        assert isinstance(there, int)
        assert mode == "1" or abs(here - there) < 25


def test_transparency_is_kept_where_there_is_any_and_white_in_a_jpeg() -> None:
    image = drawing(mode="RGBA")
    image.putpixel((0, 0), (0, 0, 0, 0))
    image.paste((0, 0, 0, 0), (300, 200, 600, 400))
    sizes = clean(encoded(image, "PNG")).sizes
    assert opened(sizes["full"].content).getchannel("A").getextrema() == (0, 255)
    corner: Any = opened(sizes["wechat-square"].content).getpixel((390, 390))
    assert min(corner) > 240


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_an_animation_moves_in_its_full_size_and_stands_still_in_the_others(kind: str) -> None:
    picture = clean(animation(kind))
    assert picture.animated
    full: Any = opened(picture.full.content)
    assert (full.format, full.n_frames) == (kind, 4)
    full.seek(1)
    full.load()
    assert full.info["duration"] == 120
    for name in SIZES:
        still: Any = opened(picture.sizes[name].content)
        assert getattr(still, "n_frames", 1) == 1


def test_too_many_frames_are_refused() -> None:
    frames = [Image.new("L", (2, 2), number % 256) for number in range(MAX_FRAMES + 1)]
    data = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=10)
    assert refusal(data) == "image.too-many-frames"


@pytest.mark.parametrize(
    "data",
    [
        b"", b"\0" * 100, b"GIF", b"hello", pictures.SVG, b"\xef\xbb\xbf" + pictures.SVG, b"%PDF-1.7 ...",
        b"BM" + b"\0" * 60,
        b"II*\0" + b"\0" * 60, b"<html><script>alert(1)</script>", b"#!/bin/sh\n", pictures.archive(),
        b"RIFF\x10\0\0\0WAVEfmt ", b"\0\0\0\x18ftypheic" + b"\0" * 40, b"%!PS-Adobe-3.0 EPSF-3.0\n",
    ],
)  # fmt: skip
def test_what_is_no_picture_of_ours_is_refused(data: bytes) -> None:
    assert kind_of(data) is None
    assert refusal(data) == "image.unsupported"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "behind",
    [pictures.archive(), b"<script>alert(1)</script>;", b"<?php system(1); ?>", pictures.SVG, b"\xff\xd9;"],
    ids=["zip", "script", "php", "svg", "marks"],
)  # fmt: skip
def test_a_second_file_behind_the_picture_is_refused(kind: str, behind: bytes) -> None:
    assert refusal(encoded(drawing(), kind) + behind) == "image.trailing"


def test_a_picture_that_is_a_script_as_well_becomes_a_picture_alone() -> None:
    data = encoded(drawing(), "GIF", comment=b"*/=1;alert(document.domain)//")
    assert all(b"alert" not in size.content for size in clean(data).sizes.values())


@pytest.mark.parametrize("kind", KINDS)
def test_padding_behind_a_picture_is_no_second_file(kind: str) -> None:
    assert clean(encoded(drawing(), kind) + b"\0\0\r\n").full.width == 600


def test_the_previews_of_cameras_are_left_out() -> None:
    data = encoded(drawing(), "MPO", save_all=True, append_images=[drawing(60, 40)])
    picture = clean(data)
    assert (picture.full.media_type, picture.animated) == ("image/jpeg", False)
    assert (picture.full.width, picture.full.height) == (600, 400)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("part", [0.02, 0.3, 0.6, 0.95, 0.999])
def test_a_truncated_picture_is_refused(kind: str, part: float) -> None:
    data = encoded(drawing(), kind)
    assert refusal(data[: max(12, int(len(data) * part))]) == "image.damaged"


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(KINDS), st.data())
def test_damage_anywhere_is_a_refusal_or_a_picture_never_a_crash(kind: str, data: st.DataObject) -> None:
    content = bytearray(encoded(drawing(60, 40), kind))
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    with suppress(ImageRefusedError):
        assert isinstance(clean(bytes(content)), Picture)


@pytest.mark.parametrize("width", [30_000, 2**31 - 1])
def test_a_bomb_is_refused_before_it_is_unpacked(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def unpacked(*_: object) -> None:
        raise AssertionError("it was unpacked")

    monkeypatch.setattr(Image.Image, "convert", unpacked)
    data = pictures.bomb() if width == 30_000 else pictures.png(width, 2, (b"IDAT", b""))
    assert refusal(data) in {"image.too-many-pixels", "image.damaged"}


def test_an_animated_bomb_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "MAX_PIXELS", 4 * 60 * 40 - 1)
    assert refusal(animation("GIF")) == "image.too-many-pixels"


def test_a_bomb_of_text_is_no_danger() -> None:
    import zlib

    text = b"Comment\0\0" + zlib.compress(b"\0" * 90_000_000, 9)
    whole = zlib.compress(b"".join(b"\0" + b"\x80" * 30 for _ in range(10)))
    data = pictures.png(10, 10, (b"zTXt", text), (b"IDAT", whole))
    assert refusal(data) == "image.damaged"


def test_a_file_that_is_too_large_is_refused() -> None:
    data = encoded(drawing(), "JPEG")
    assert refusal(data + b"\0" * MAX_BYTES) == "image.too-large"
