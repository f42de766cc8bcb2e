"""Suggests a section's tags from the taxonomy's names, with the words that earned them.

Names are looked for in folded text (compatibility forms, lower case, no blanks or quotation
marks beside Chinese); what is found is told in the offsets of the text as it was written.
"""

import unicodedata
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from app.bulletins.document import BulletinDocument, Citation, Evidence, Section, SectionTag, block_text
from app.bulletins.taxonomy import Taxonomy

_QUOTES = '"“”「」『』'

_CJK = "\u2e80"
"""The first character of the blocks whose scripts are written without blanks between words."""


@dataclass(frozen=True, slots=True)
class Match:
    """A tag's name at ``text[start:end]`` of the text as it was written."""

    slug: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Name:
    """A folded word: one that means the tag, or a lookalike that only contains such a one."""

    text: str
    slug: str
    lookalike: bool


@dataclass(frozen=True, slots=True)
class _Place:
    """A text of a section, named as in :class:`app.bulletins.document.Evidence`."""

    where: Literal["heading", "body", "purpose"]
    index: int
    text: str


class Matcher:
    """Finds a taxonomy's names in text. Get it from :func:`matcher`, which keeps it."""

    def __init__(self, taxonomy: Taxonomy) -> None:
        names = {
            _Name(folded(word), tag.slug, lookalike)
            for tag in taxonomy.tags
            for words, lookalike in ((tag.names, False), (tag.lookalikes, True))
            for word in words
        }
        self._by_initial: defaultdict[str, list[_Name]] = defaultdict(list)
        for name in sorted(names, key=lambda name: (-len(name.text), name.text, name.slug)):
            if name.text:
                self._by_initial[name.text[0]].append(name)

    def find(self, text: str) -> list[Match]:
        """The names in ``text`` from left to right.

        A name that overlaps a lookalike of its tag, or stands inside a longer name, does not count.
        """
        plain, offsets = _fold(text)
        names: list[Match] = []
        lookalikes: list[Match] = []
        for start, name in self._occurrences(plain):
            found = Match(name.slug, start, start + len(name.text))
            (lookalikes if name.lookalike else names).append(found)
        kept: list[Match] = []
        reach = 0
        for match in names:
            if match.end > reach and not any(_overlap(word, match) for word in lookalikes):
                reach = match.end
                kept.append(Match(match.slug, offsets[match.start], offsets[match.end - 1] + 1))
        return kept

    def _occurrences(self, plain: str) -> Iterator[tuple[int, _Name]]:
        """Every name at every place, by place and then the longest first."""
        by_initial = self._by_initial
        for start, character in enumerate(plain):
            if character in by_initial:
                for name in by_initial[character]:
                    if plain.startswith(name.text, start) and _stands_alone(plain, start, len(name.text)):
                        yield start, name


@lru_cache(maxsize=4)
def matcher(taxonomy: Taxonomy) -> Matcher:
    """The compiled matcher of a taxonomy."""
    return Matcher(taxonomy)


def folded(text: str) -> str:
    """Text as names are compared: ``ＡＩ 数据中心`` and ``AI数据中心`` both give ``ai数据中心``."""
    return _fold(text)[0]


def suggest_tags(document: BulletinDocument, taxonomy: Taxonomy) -> BulletinDocument:
    """The document with each section's tags found anew.

    A section is judged by its heading, its blocks and the purposes of the citations it uses, in this
    order; offsets in a list or table count in :func:`app.bulletins.document.block_text`. Tags set by
    an editor (without evidence) stay and come first; any other tag has evidence or goes.
    """
    compiled = matcher(taxonomy)
    sections = tuple(
        section.model_copy(update={"tags": _tags(section, document.citations, compiled)})
        for section in document.sections
    )
    return document.model_copy(update={"sections": sections})


def _tags(section: Section, citations: tuple[Citation, ...], compiled: Matcher) -> tuple[SectionTag, ...]:
    by_editor = {tag.slug: tag for tag in section.tags if not tag.evidence}
    evidence: defaultdict[str, list[Evidence]] = defaultdict(list)
    for place in _places(section, citations):
        for match in compiled.find(place.text):
            if match.slug not in by_editor:
                words = place.text[match.start : match.end]
                evidence[match.slug].append(
                    Evidence(where=place.where, index=place.index, start=match.start, text=words)
                )
    found = (SectionTag(slug=slug, evidence=tuple(items)) for slug, items in evidence.items())
    return (*by_editor.values(), *found)


def _places(section: Section, citations: tuple[Citation, ...]) -> Iterator[_Place]:
    yield _Place("heading", 0, section.heading)
    for index, block in enumerate(section.body):
        yield _Place("body", index, block_text(block))
    for citation in citations:
        if section.number in citation.sections:
            yield _Place("purpose", citation.number, citation.purpose)


def _overlap(lookalike: Match, name: Match) -> bool:
    """Whether the name is the lookalike's: 形成都 also spoils 成都市, which goes on beyond it."""
    return lookalike.slug == name.slug and lookalike.start < name.end and name.start < lookalike.end


def _stands_alone(plain: str, start: int, length: int) -> bool:
    """Whether no word in Latin script goes on beyond either end of the name."""
    end = start + length
    before = start > 0 and _is_latin(plain[start - 1]) and _is_latin(plain[start])
    after = end < len(plain) and _is_latin(plain[end - 1]) and _is_latin(plain[end])
    return not before and not after


def _is_latin(character: str) -> bool:
    """Whether the character belongs to a script that parts its words by blanks (or is a digit)."""
    return character < _CJK and character.isalnum()


def _fold(text: str) -> tuple[str, list[int]]:
    """The folded text, and for each of its characters the offset it has in ``text``.

    A blank stays, as one, only between two Latin characters; a line break or a tab parts cells and
    items and always stays.
    """
    characters: list[str] = []
    offsets: list[int] = []
    blank = -1
    for offset, written in enumerate(text):
        for character in _fold_character(written):
            if character == " ":
                blank = offset
                continue
            if blank >= 0 and characters and _is_latin(characters[-1]) and _is_latin(character):
                characters.append(" ")
                offsets.append(blank)
            blank = -1
            characters.append(character)
            offsets.append(offset)
    return "".join(characters), offsets


@lru_cache(maxsize=1 << 14)
def _fold_character(character: str) -> str:
    """What a character is compared as: nothing for an invisible one, a blank for a quotation mark."""
    if character in "\n\t":
        return character
    if character in _QUOTES:
        return " "
    if character == "’":
        return "'"
    if unicodedata.category(character) == "Cf":
        return ""
    plain = unicodedata.normalize("NFKC", character).lower()
    return " " if plain.isspace() else plain
