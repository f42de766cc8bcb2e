"""Whether two documents are states of one bulletin, by their text.

Editors correct a date, or add one that was missing, and hand the file in again, often under another
name. Two issues share no text to speak of: one whose paragraphs nearly all stand in another's is the
same issue, and one that shares nearly nothing with it is another issue under a mistaken date.
"""

from app.bulletins.document import BulletinDocument, block_text, normalised

SHARE = 0.8
"""So much of the longer text must stand in the other too; the rest may have been corrected with the date."""

CHARACTERS = 40
"""Less common text than this proves nothing."""

UNRELATED = 0.1
"""Less than so much of the shorter text in common: these are two issues."""

LONG = 200
"""Shorter texts may be rewritten whole."""


def paragraphs(document: BulletinDocument) -> frozenset[str]:
    """The document's text as it is compared: each paragraph once, wherever it stands."""
    return frozenset(normalised(block_text(block)) for section in document.sections for block in section.body)


def same_text(one: frozenset[str], other: frozenset[str]) -> bool:
    """Whether most paragraphs of both are the same."""
    common = _length(one & other)
    return common >= CHARACTERS and common >= SHARE * max(_length(one), _length(other))


def unrelated(one: frozenset[str], other: frozenset[str]) -> bool:
    """Whether both have much text and hardly any of it is the same."""
    shorter = min(_length(one), _length(other))
    return shorter >= LONG and _length(one & other) < UNRELATED * shorter


def _length(texts: frozenset[str]) -> int:
    return sum(map(len, texts))
