"""Pictures from strangers: checked by content, cleaned of all but what is seen, cut to the sizes needed.

Nothing of a file is passed on: each size is encoded anew from the pixels, so there is no metadata, no
script and no second file inside it.
"""

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from PIL import Image, ImageOps, ImageSequence

from app.kit.image_ends import rest
from app.kit.image_sizes import (
    FULL,
    MAX_BYTES,
    MAX_SIDE,
    MEDIA_TYPES,
    SIZES,
    Format,
    ImageRefusedError,
    Size,
    kind_of,
)

MAX_PIXELS = 40_000_000
"""Of all frames together."""
MAX_FRAMES = 300
_QUALITIES = (88, 80, 70, 55, 40)
_WHITE = (255, 255, 255)


@dataclass(frozen=True, slots=True)
class Encoded:
    media_type: str
    width: int
    height: int
    content: bytes


@dataclass(frozen=True, slots=True)
class Picture:
    """A cleaned picture: ``full``, animated if it was, and each of :data:`SIZES`, which stand still."""

    animated: bool
    sizes: Mapping[str, Encoded]

    @property
    def full(self) -> Encoded:
        return self.sizes[FULL]


def clean(data: bytes) -> Picture:
    """The picture in all its sizes; it takes up to some seconds.

    :raises ImageRefusedError: it is no JPEG, PNG, WebP or GIF alone, too large, or damaged.
    """
    kind = kind_of(data)
    if kind is None:
        raise ImageRefusedError("image.unsupported", "不支持这种图片，可用 JPEG、PNG、WebP、GIF。")
    if len(data) > MAX_BYTES:
        raise ImageRefusedError("image.too-large", f"图片超过 {MAX_BYTES // 2**20} MB，请压缩后再上传。")
    try:
        _refuse_rest(kind, data)
        # MPO is a JPEG with more pictures behind the first one.
        with Image.open(io.BytesIO(data), formats=[kind, "MPO"] if kind == "JPEG" else [kind]) as opened:
            _refuse_bomb(opened)
            return _picture(opened, kind)
    except ImageRefusedError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _too_many_pixels() from None
    except Exception as error:  # decoders raise all sorts
        raise ImageRefusedError("image.damaged", "图片已损坏或不完整，无法读取。") from error


def described(content: bytes) -> tuple[str, int, int, bool]:
    """The media type of a clean picture, its width and height in pixels, and whether it is animated."""
    with Image.open(io.BytesIO(content)) as image:
        animated = getattr(image, "n_frames", 1) > 1
        return Image.MIME[image.format or ""], image.width, image.height, animated


def _refuse_rest(kind: Format, data: bytes) -> None:
    if rest(kind, data):
        raise ImageRefusedError("image.trailing", "图片后面附有别的数据，请另存为新图片后再上传。")


def _refuse_bomb(image: Image.Image) -> None:
    frames = 1 if image.format == "MPO" else getattr(image, "n_frames", 1)
    if image.width * image.height * frames > MAX_PIXELS:
        raise _too_many_pixels()
    if frames > MAX_FRAMES:
        raise ImageRefusedError("image.too-many-frames", f"动图超过 {MAX_FRAMES} 帧，请缩短后再上传。")


def _too_many_pixels() -> ImageRefusedError:
    millions = MAX_PIXELS // 1_000_000
    return ImageRefusedError(
        "image.too-many-pixels", f"图片像素过多（上限 {millions} 百万），请缩小后再上传。"
    )


def _picture(image: Image.Image, kind: Format) -> Picture:
    animated = image.format != "MPO" and getattr(image, "n_frames", 1) > 1
    full = _animation(image, kind) if animated else None
    image.seek(0)
    still = _plain(image)
    drawn = kind in {"PNG", "GIF"}
    sizes = {FULL: full or _encoded(_fitted(still, Size(MAX_SIDE, MAX_SIDE)), kind, MAX_BYTES)}
    for name, size in SIZES.items():
        sizes[name] = _sized(_fitted(still, size), size, drawn)
    return Picture(animated, sizes)


def _plain(image: Image.Image) -> Image.Image:
    """The pixels upright, in RGB or with transparency RGBA, and nothing else."""
    upright = ImageOps.exif_transpose(image)
    if upright.mode.startswith(("I", "F")):  # 16 bits of grey, which a conversion would clip
        upright = upright.convert("I").point(lambda value: value / 256).convert("L")
    plain = upright.convert("RGBA" if upright.has_transparency_data else "RGB")
    plain.info = {}
    return plain


def _fitted(image: Image.Image, size: Size) -> Image.Image:
    """Made smaller, never larger; cropped around the middle where the shape is given."""
    if size.cropped:
        scale = min(image.width / size.width, image.height / size.height, 1)
        shape = max(1, round(size.width * scale)), max(1, round(size.height * scale))
        return ImageOps.fit(image, shape, Image.Resampling.LANCZOS)
    fitted = image.copy()
    fitted.thumbnail((size.width, size.height), Image.Resampling.LANCZOS)
    return fitted


def _sized(image: Image.Image, size: Size, drawn: bool) -> Encoded:
    if size.website:
        return _encoded(image, "WEBP", size.max_bytes)
    if drawn and not size.cropped:
        png = _bytes(image, "PNG", optimize=True)
        if len(png) <= size.max_bytes:
            return Encoded(MEDIA_TYPES["PNG"], image.width, image.height, png)
    return _encoded(image, "JPEG", size.max_bytes)


def _encoded(image: Image.Image, kind: Format, max_bytes: int) -> Encoded:
    """As good as the bytes allow: with less quality, then with fewer pixels."""
    if kind == "JPEG" and image.mode == "RGBA":
        white = Image.new("RGB", image.size, _WHITE)
        white.paste(image, mask=image.getchannel("A"))
        image = white
    while True:
        for content in _attempts(image, kind):
            if len(content) <= max_bytes:
                return Encoded(MEDIA_TYPES[kind], image.width, image.height, content)
        image = image.resize((max(1, image.width * 3 // 4), max(1, image.height * 3 // 4)))


def _attempts(image: Image.Image, kind: Format) -> Iterator[bytes]:
    match kind:
        case "JPEG":
            yield from (_bytes(image, kind, quality=q, optimize=True, progressive=True) for q in _QUALITIES)
        case "WEBP":
            yield from (_bytes(image, kind, quality=q, method=4) for q in _QUALITIES)
        case _:
            yield _bytes(image, kind)


def _animation(image: Image.Image, kind: Format) -> Encoded | None:
    """All frames anew, in their size; None where that is too large, and a still must do."""
    frames, durations = [], []
    for frame in ImageSequence.Iterator(image):
        frames.append(_plain(frame))
        durations.append(frame.info.get("duration", 100))
    times = {"duration": durations, "loop": image.info.get("loop", 0)}
    content = _bytes(frames[0], kind, save_all=True, append_images=frames[1:], **times)
    if len(content) > MAX_BYTES or max(image.size) > MAX_SIDE:
        return None
    return Encoded(MEDIA_TYPES[kind], image.width, image.height, content)


def _bytes(image: Image.Image, kind: Format, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()
