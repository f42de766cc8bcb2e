"""Whether two documents are states of one bulletin, by their text.

Editors correct a date, or add one that was missing, and hand the file in again, often under another
name. Two issues share no text to speak of: one whose paragraphs nearly all stand in another's is the
same issue, and one that shares nearly nothing with it is another issue under a mistaken date.
"""

from collections.abc import Iterator

from app.bulletins.document import BulletinDocument, block_text, normalised

SHARE = 0.8
"""So much of the longer text must stand in the other too; the rest may have been corrected with the date."""

CHARACTERS = 40
"""Less common text than this proves nothing."""

UNRELATED = 0.1
"""Less than so much of the shorter text in common: these are two issues."""

LONG = 200
"""Shorter texts may be rewritten whole."""


def same_text(one: BulletinDocument, other: BulletinDocument) -> bool:
    """Whether most paragraphs of both are the same, wherever they stand."""
    texts, others = set(_paragraphs(one)), set(_paragraphs(other))
    common = _length(texts & others)
    return common >= CHARACTERS and common >= SHARE * max(_length(texts), _length(others))


def unrelated(one: BulletinDocument, other: BulletinDocument) -> bool:
    """Whether both have much text and hardly any of it is the same."""
    texts, others = set(_paragraphs(one)), set(_paragraphs(other))
    shorter = min(_length(texts), _length(others))
    return shorter >= LONG and _length(texts & others) < UNRELATED * shorter


def _paragraphs(document: BulletinDocument) -> Iterator[str]:
    for section in document.sections:
        for block in section.body:
            yield normalised(block_text(block))


def _length(texts: set[str]) -> int:
    return sum(map(len, texts))
