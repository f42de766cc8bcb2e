"""What has changed in a text, word by word."""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING, Literal

from pydantic import Field
from rapidfuzz.distance import LCSseq

from app.bulletins.document import Value

if TYPE_CHECKING:
    from rjieba import Jieba

_LONG = 20_000
_SENTENCE = re.compile(r"[^。！？；\n]+[。！？；\n]*|[。！？；\n]+")


class Piece(Value):
    """A stretch of text that both versions have, or only the older or only the newer one."""

    op: Literal["same", "removed", "added"]
    text: str = Field(min_length=1)


Pieces = tuple[Piece, ...]
"""In order. What is not added makes up the older text, what is not removed the newer one."""


def words(old: str, new: str) -> Pieces:
    """The changes between two texts in whole words, Chinese ones included; empty when they are equal."""
    return tuple(_pieces(old, new)) if old != new else ()


@cache
def _jieba() -> "Jieba":
    """jieba's words alone: to those that come with the import, search adds others."""
    from rjieba import Jieba

    return Jieba()


def _pieces(old: str, new: str) -> Iterator[Piece]:
    cut = _sentences if max(len(old), len(new)) > _LONG else _jieba().cut
    before, after = cut(old), cut(new)
    for removed, added, same in _hunks(before, after):
        for op, text in (("removed", removed), ("added", added), ("same", same)):
            if text:
                yield Piece.model_validate({"op": op, "text": text})


def _sentences(text: str) -> list[str]:
    """What very long texts are compared by: the words of two would take too long to lay side by side."""
    return _SENTENCE.findall(text)


def _hunks(old: Sequence[str], new: Sequence[str]) -> list[tuple[str, str, str]]:
    """What was removed, what was added in its place, and the text behind them that is the same."""
    hunks: list[tuple[str, str, str]] = []
    removed = added = ""
    for code in LCSseq.opcodes(old, new):
        before = "".join(old[code.src_start : code.src_end])
        after = "".join(new[code.dest_start : code.dest_end])
        last = code.src_end == len(old) and code.dest_end == len(new)
        if code.tag == "equal" and (last or not (removed or added) or not _is_slight(before)):
            hunks.append((removed, added, before))
            removed = added = ""
        else:
            removed, added = removed + before, added + after
    return [*hunks, (removed, added, "")]


def _is_slight(text: str) -> bool:
    """Whether a text between two changes is better read as a part of them: 的, a comma, a blank."""
    return sum(map(str.isalnum, text)) < 2 and not any(map(text.__contains__, "\n\t"))
