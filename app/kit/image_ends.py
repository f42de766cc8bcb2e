"""Where an image ends inside a file: what stands behind it is no part of it."""

from collections.abc import Callable, Mapping

_PNG_HEADER = 8
_GIF_HEADER = 13
_STANDALONE = {0x01, *range(0xD0, 0xD9)}
"""JPEG markers without a length."""


def rest(kind: str, data: bytes) -> bytes:
    """What stands behind the image, apart from padding.

    :raises ValueError: the image has no end.
    """
    try:
        return data[_ENDS[kind](data) :].strip(b"\0\t\r\n ")
    except IndexError:
        raise ValueError("it has no end") from None


def _png(data: bytes) -> int:
    at = _PNG_HEADER
    while data[at + 4 : at + 8] != b"IEND":
        at += 12 + int.from_bytes(data[at : at + 4], "big")
        data[at]  # beyond the end there is no chunk
    data[at + 11]
    return at + 12


def _webp(data: bytes) -> int:
    size = int.from_bytes(data[4:8], "little")
    data[size + 7]
    return 8 + size + size % 2


def _gif(data: bytes) -> int:
    at = _GIF_HEADER + _colours(data[10])
    while (block := data[at]) != 0x3B:
        if block == 0x2C:
            at += 11 + _colours(data[at + 9])
        elif block == 0x21:
            at += 2
        else:
            raise ValueError("it has an unknown block")
        while size := data[at]:
            at += 1 + size
        at += 1
    return at + 1


def _colours(flags: int) -> int:
    """The bytes of a colour table."""
    return 3 * 2 ** ((flags & 7) + 1) if flags & 0x80 else 0


def _jpeg(data: bytes) -> int:
    """The end of the first picture and, as cameras add previews, of those right behind it."""
    at = _picture(data, 0)
    while data[at : at + 3] == b"\xff\xd8\xff":
        at = _picture(data, at)
    return at


def _picture(data: bytes, start: int) -> int:
    at = start + 2
    while True:
        if data[at] != 0xFF:
            raise ValueError("a marker is missing")
        marker = data[at + 1]
        if marker == 0xD9:
            return at + 2
        if marker == 0xFF:
            at += 1
        elif marker in _STANDALONE:
            at += 2
        else:
            at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
            at = _scanned(data, at) if marker == 0xDA else at


def _scanned(data: bytes, at: int) -> int:
    """The next marker behind compressed data, which holds ``FF 00`` and restarts."""
    while True:
        at = data.index(b"\xff", at)
        if data[at + 1] and not 0xD0 <= data[at + 1] <= 0xD7:
            return at
        at += 2


_ENDS: Mapping[str, Callable[[bytes], int]] = {"PNG": _png, "WEBP": _webp, "GIF": _gif, "JPEG": _jpeg}
