"""Infers which sections use a reference, where the file does not say it.

A reference and a section belong together when they share what few other sections have: the source's
name, tags (so that ``SoftBank`` meets 软银), words of the title and of the purpose, the date.
"""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from math import fsum, log

from app.bulletins.document import BulletinDocument, Citation, Section, block_text
from app.bulletins.taxonomy import Taxonomy, curated
from app.ingest.tagging import Matcher, folded, matcher

_RUNS = re.compile(r"(?P<latin>[a-z0-9][a-z0-9.+-]*)|(?P<chinese>[\u3400-\u9fff]+)")

_TITLE, _PURPOSE, _SOURCE = 1.0, 0.6, 0.4
"""What each part of a citation weighs, by the share of its words that the section has."""
_SAME_DAY = 1.3
"""The factor for a section that names the reference's date, so that of two alike this one wins."""
_NAME = 3.0
"""What a shared tag weighs beside a shared word."""
_ENOUGH = 0.3
"""The score below which a section does not use a reference."""
_NEARLY = 0.8
"""The share of the best section's score from which another section uses the reference too."""


@dataclass(frozen=True, slots=True)
class _Text:
    plain: str
    terms: frozenset[str]


def suggest_citations(document: BulletinDocument, taxonomy: Taxonomy | None = None) -> BulletinDocument:
    """The document with sections for those citations that name none and whose reference some section
    seems to use, marked ``inferred``; all other citations stay as they are.

    Names count as shared across languages by the taxonomy, the curated one unless another is given.
    Run it before :func:`app.ingest.tagging.suggest_tags`, which reads the purposes.
    """
    names = matcher(taxonomy or curated())
    sections = _Sections({section.number: _text(_whole(section), names) for section in document.sections})
    citations = tuple(
        citation if citation.sections else _inferred(citation, sections, names)
        for citation in document.citations
    )
    return document.model_copy(update={"citations": citations})


def _inferred(citation: Citation, sections: "_Sections", names: Matcher) -> Citation:
    reference = citation.reference
    title = sections.shares(_text(reference.title, names))
    purpose = sections.shares(_text(citation.purpose, names))
    source = sections.shares(_text(reference.source, names))
    scores = {
        number: (_TITLE * title[number] + _PURPOSE * purpose[number] + _SOURCE * source[number])
        * (_SAME_DAY if _names_day(text.plain, reference.date) else 1.0)
        for number, text in sections.texts.items()
    }
    best = max(scores.values(), default=0.0)
    if best < _ENOUGH:
        return citation
    users = tuple(number for number, score in scores.items() if score >= max(_ENOUGH, _NEARLY * best))
    return citation.model_copy(update={"sections": users, "inferred": True})


class _Sections:
    """The sections' texts by number, and how telling each term is: the fewer sections have it, the more."""

    def __init__(self, texts: Mapping[int, _Text]) -> None:
        self.texts = texts
        self._frequencies = Counter(term for text in texts.values() for term in text.terms)

    def shares(self, text: _Text) -> dict[int, float]:
        """By section, the weight of those of the text's terms that the section has, of all their weight."""
        weights = {term: self._weight(term) for term in text.terms}
        total = fsum(weights.values()) or 1.0
        return {
            number: fsum(weights[term] for term in text.terms & section.terms) / total
            for number, section in self.texts.items()
        }

    def _weight(self, term: str) -> float:
        rarity = log((len(self.texts) + 1) / max(1, self._frequencies[term]))
        return rarity * (_NAME if term.startswith("#") else 1.0)


def _whole(section: Section) -> str:
    return "\n".join((section.heading, *map(block_text, section.body)))


def _text(text: str, names: Matcher) -> _Text:
    """Folded text with its terms: Latin words and numbers, pairs of Chinese characters, tags."""
    plain = folded(text)
    terms = {f"#{match.slug}" for match in names.find(text)}
    for run in _RUNS.finditer(plain):
        if latin := run["latin"]:
            terms.add(latin.rstrip(".+-"))
        else:
            characters = run["chinese"]
            terms.update(characters[i : i + 2] for i in range(max(1, len(characters) - 1)))
    return _Text(plain, frozenset(terms))


def _names_day(plain: str, day: date | None) -> bool:
    """Whether folded text names the day as Chinese writes it (6月24日) or by figures (2026-06-24)."""
    if day is None:
        return False
    return bool(re.search(rf"(?<!\d)0?{day.month}月0?{day.day}日|{day.isoformat()}", plain))
