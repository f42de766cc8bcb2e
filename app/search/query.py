"""Reads what was typed: several words, ``"短语"``, ``-排除``. Every input has a reading."""

import re
from dataclasses import dataclass

# Inside quotation marks (straight or curly, either way round) blanks count; the last may be missing.
_PIECE = re.compile(
    r"""(?P<minus>[-－−]?)(?:["“”＂](?P<phrase>[^"“”＂]*)(?:["“”＂]|$)|(?P<term>[^\s"“”＂]+))"""
)
_WORD = re.compile(r"[^\W_]")


@dataclass(frozen=True, slots=True)
class Parsed:
    """What was typed, in its parts: plain ``terms``, quoted ``phrases``, ``excluded`` words and phrases.

    ``half_typed`` says that the last part is a plain term, which may go on.
    """

    terms: tuple[str, ...] = ()
    phrases: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    half_typed: bool = False


def parse(q: str) -> Parsed:
    """Read a query; nothing is an error.

    A quotation mark that is not closed reaches to the end; a minus excludes only at the beginning of a
    word or phrase; parts without a letter or digit are left out.
    """
    terms: list[str] = []
    phrases: list[str] = []
    excluded: list[str] = []
    kind = terms
    for piece in _PIECE.finditer(q):
        words = (piece["phrase"] if piece["term"] is None else piece["term"]).strip()
        if not _WORD.search(words):
            continue
        kind = excluded if piece["minus"] else terms if piece["term"] else phrases
        kind.append(words)
    return Parsed(tuple(terms), tuple(phrases), tuple(excluded), half_typed=bool(terms) and kind is terms)
