"""Bytes of a text file into characters: UTF-8, UTF-16, GB18030, a mixture of them, or a neighbour's."""

import codecs
import re

from charset_normalizer import from_bytes

from app.ingest.report import Finding, Severity, UnreadableFileError

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_ORDINARY = re.compile(r"[\t\n\r\x20-\x7e\u2010-\u2027\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]")
_CONTROLS = re.compile(r"[\x00-\x06\x0e-\x1a\x1c-\x1f\x7f]")
_SAMPLE = 100_000
_ORDINARY_SHARE = 0.97
_ZERO_SHARE = 0.1
_NOISE_SHARE = 0.02
_MIXED_SHARE = 0.1
_NEIGHBOURS = {
    "big5hkscs": "Big5（繁体中文）",
    "cp932": "Shift-JIS（日文）",
    "euc_jp": "EUC-JP（日文）",
    "cp949": "EUC-KR（韩文）",
}
_TELLING = 200
"""So many bytes beyond ASCII tell one East Asian encoding from another."""


def decode(data: bytes) -> tuple[str, list[Finding]]:
    """The text without its byte order mark, and what is doubtful about it.

    A file in which some lines are UTF-8 and others GB18030 is read line by line; bytes that are
    neither become U+FFFD. Big5 and the encodings of Japanese and Korean are told from GB18030, as which
    they could be read too, by the words they make.

    :raises UnreadableFileError: the bytes are no text (``file.binary``).
    """
    text, findings = _decoded(data)
    noise = len(_CONTROLS.findall(text)) + text.count("\ufffd")
    if noise > max(4, _NOISE_SHARE * len(text)):
        raise UnreadableFileError("file.binary", "不是文本文件，内容是二进制数据")
    return text, findings


def _decoded(data: bytes) -> tuple[str, list[Finding]]:
    for mark, marked in _BOMS:
        if data.startswith(mark):
            return _marked(data.removeprefix(mark), marked)
    if encoding := _unmarked_utf16(data):
        return data.decode(encoding), []
    if (text := _strict(data, "utf-8")) is not None:
        return text, []
    if not _is_mixed(data):
        if neighbour := _neighbour(data):
            return neighbour
        if (text := _strict(data, "gb18030")) is not None:
            return text, []
    return _line_by_line(data)


def _neighbour(data: bytes) -> tuple[str, list[Finding]] | None:
    """The text and a finding, if another East Asian encoding fits better than GB18030."""
    if sum(byte > 0x7F for byte in data) < _TELLING:
        return None
    guess = from_bytes(data, cp_isolation=["gb18030", *_NEIGHBOURS]).best()
    if guess is None or guess.encoding not in _NEIGHBOURS:
        return None
    if (text := _strict(data, guess.encoding)) is None:
        return None
    name = _NEIGHBOURS[guess.encoding]
    return text, [
        _suspicious(f"文件不是 UTF-8 或 GB18030 编码，已按 {name}识别；请另存为 UTF-8 并核对全文。")
    ]


def _marked(data: bytes, encoding: str) -> tuple[str, list[Finding]]:
    if (text := _strict(data, encoding)) is not None:
        return text, []
    if encoding == "utf-8":
        return _line_by_line(data)
    message = f"文件标明的编码是 {encoding.upper()}，但有一部分无法解码，已用“\ufffd”代替，请对照原稿补全。"
    return data.decode(encoding, "replace"), [_suspicious(message)]


def _strict(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return None


def _unmarked_utf16(data: bytes) -> str | None:
    """UTF-16 shows itself by bytes that are zero, are no UTF-8 or many, and pair to ordinary characters."""
    zeros = data.count(0)
    if len(data) % 2 or not zeros:
        return None
    if zeros < _ZERO_SHARE * len(data) and _strict(data, "utf-8") is not None:
        return None
    for encoding in ("utf-16-le", "utf-16-be"):
        head = (_strict(data, encoding) or "")[:_SAMPLE]
        if head and len(_ORDINARY.findall(head)) >= _ORDINARY_SHARE * len(head):
            return encoding
    return None


def _lines(data: bytes) -> list[bytes]:
    return re.split(rb"(\r\n|\n|\r)", data)


def _is_mixed(data: bytes) -> bool:
    """Whether more than a few of the lines beyond ASCII are UTF-8, which GB18030 hardly is by chance."""
    beyond = [line for line in _lines(data) if not line.isascii()]
    valid = sum(_utf8_line(line) is not None for line in beyond)
    return valid > _MIXED_SHARE * len(beyond)


def _utf8_line(line: bytes) -> str | None:
    """The line if it is UTF-8 and has words: 摘要 and others in GB18030 are Cyrillic or Armenian in UTF-8."""
    text = _strict(line, "utf-8")
    return text if text is not None and (text.isascii() or max(text) >= "\u0800") else None


def _line_by_line(data: bytes) -> tuple[str, list[Finding]]:
    parts = [
        next(
            (text for text in (_utf8_line(line), _strict(line, "gb18030")) if text is not None),
            line.decode("utf-8", "replace"),
        )
        for line in _lines(data)
    ]
    message = "文件里混有不同的编码（UTF-8 与 GB18030），已逐行识别；请另存为 UTF-8 并核对全文。"
    return "".join(parts), [_suspicious(message)]


def _suspicious(message: str) -> Finding:
    return Finding(severity=Severity.warning, code="text.suspicious", message=message)
