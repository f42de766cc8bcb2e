"""What a query means: its words, their synonyms and readings, and how rare they are."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.search.contract import Phrase, Query, Term
from app.search.models import SearchTerm
from app.search.names import Names, tag_names
from app.search.query import Parsed, parse
from app.search.readings import containing, read
from app.search.text import Token, fold, has_chinese, is_chinese, query_words, tokens, variants

_LATIN = re.compile(r"[a-z][a-z0-9]*")
_PARTICLES = frozenset("的和与及或之了")
"""Words that say nothing by themselves: beside others they are not asked for."""


@dataclass(frozen=True, slots=True)
class _Part:
    """Words side by side as they were typed; ``also`` is what else may be found for them."""

    text: str
    words: tuple[str, ...]
    also: tuple[str, ...] = ()
    prefix: bool = False


async def understand(session: AsyncSession, q: str) -> Query:
    """A query as engines answer it; an empty one, or one without words, has no terms."""
    typed = fold(q).strip()
    parsed = parse(typed)
    names = await tag_names(session)
    terms = _spelt(parsed, parse(q.strip()), names)
    parts: list[_Part] = []
    for place, term in enumerate(terms, 1):
        parts += _parts(term, names, half_typed=parsed.half_typed and place == len(terms))
    known = await frequencies(session, (word for part in parts for word in part.words))
    for place, part in enumerate(parts):
        last = parsed.half_typed and place == len(parts) - 1
        parts[place] = await _read(session, part, names, known, half_typed=last)
    quoted = [_part(text) for text in parsed.phrases]
    asked = list(dict.fromkeys([*quoted, *_named(parts, names, known)]))
    return Query(
        typed=typed,
        terms=tuple(Term(tuple(map(phrase, (part.text, *part.also))), part.prefix) for part in asked),
        excluded=tuple(map(phrase, parsed.excluded)),
        rare=await _rare(session, asked),
    )


def phrase(text: str) -> Phrase:
    """Folded text as words side by side."""
    return Phrase(text, tuple(query_words(text)))


async def frequencies(session: AsyncSession, words: Iterable[str]) -> dict[str, int]:
    """In how many sections these words are; those in none are left out."""
    rows = select(SearchTerm.term, SearchTerm.df).where(SearchTerm.term.in_(set(words)), SearchTerm.df > 0)
    return dict((await session.execute(rows)).all())


def _spelt(parsed: Parsed, written: Parsed, names: Names) -> list[str]:
    """The terms, each in the variant that is a tag's name, if one is."""
    if len(parsed.terms) != len(written.terms):
        return list(parsed.terms)
    return [_variant(*pair, names) for pair in zip(parsed.terms, written.terms, strict=True)]


def _variant(text: str, written: str, names: Names) -> str:
    spellings = (text, *variants(written))
    return next((each for each in spellings if tuple(query_words(each)) in names.by_words), text)


def _parts(term: str, names: Names, *, half_typed: bool) -> list[_Part]:
    """The words of a term. Single characters side by side are one part (a name that nobody lists).

    A last single character is the beginning of a word, or the end of one: it joins the word before it.
    """
    groups: list[list[Token]] = []
    for token in tokens(term, inner=False):
        if groups and _single(token) and _single(groups[-1][-1]) and _beside(groups[-1][-1], token):
            groups[-1].append(token)
        else:
            groups.append([token])
    groups = [group for group in groups if len(group) > 1 or group[0].word not in _PARTICLES] or groups
    prefix = half_typed and bool(groups) and _single(groups[-1][-1])
    if prefix and len(groups) > 1 and _beside(groups[-2][-1], groups[-1][0]):
        groups[-2:] = [[*groups[-2], *groups[-1]]]
    written = [term[group[0].start : group[-1].end] for group in groups]
    parts = [_part(_variant(text, text, names)) for text in written]
    if prefix:
        parts[-1] = replace(parts[-1], prefix=True)
    return parts


def _part(text: str) -> _Part:
    return _Part(text, tuple(query_words(text)))


def _single(token: Token) -> bool:
    return len(token.word) == 1 and is_chinese(token.word)


def _beside(first: Token, second: Token) -> bool:
    """Whether a Chinese word stands right before another one."""
    return is_chinese(first.word) and second.start == first.end


async def _read(
    session: AsyncSession, part: _Part, names: Names, known: Mapping[str, int], *, half_typed: bool
) -> _Part:
    """The part with what letters that are no known word may stand for."""
    (word, *more) = part.words
    if part.prefix and len(part.text) == 1:
        return replace(part, also=await containing(session, word))
    if more or word in known or word in names.words:
        return part
    if not _LATIN.fullmatch(word):
        return replace(part, prefix=half_typed)
    reading = await read(session, word, names, half_typed=half_typed)
    return replace(part, also=tuple(reading.texts), prefix=reading.prefix)


def _named(parts: Sequence[_Part], names: Names, known: Mapping[str, int]) -> Iterator[_Part]:
    """The parts, those that make up a tag's name as one, with what else the tag is called."""
    place = 0
    while place < len(parts):
        for size in range(min(names.longest, len(parts) - place), 0, -1):
            if named := _name(parts[place : place + size], names, known):
                yield named
                break
        else:
            size = 1
            yield parts[place]
        place += size


def _name(parts: Sequence[_Part], names: Names, known: Mapping[str, int]) -> _Part | None:
    """The parts as one tag's name, or None. Corrected words count as if they had been typed."""
    corrected = [part.also[0] if part.also and not has_chinese(part.also[0]) else part.text for part in parts]
    text = " ".join(corrected)
    words = tuple(query_words(text))
    name = names.by_words.get(words)
    if name is None:
        return None
    others = name.others
    if len(parts) > 1 and not any(map(has_chinese, others)):
        return None  # such as AI数据中心, whose words need not stand together
    if len(words) == 1 and words[0] not in known:
        others = name.wider
    typed = " ".join(part.text for part in parts)
    also = dict.fromkeys([text, *(parts[0].also if len(parts) == 1 else ()), *others])
    return _Part(typed, words, tuple(other for other in also if other != typed))


async def _rare(session: AsyncSession, parts: Iterable[_Part]) -> tuple[str, ...]:
    """The words by rarity. What a word stands for counts where it is foreign to a Chinese archive."""
    words: dict[str, None] = {}
    for part in parts:
        words |= dict.fromkeys(part.words)
        if not has_chinese(part.text):
            words |= dict.fromkeys(word for text in part.also for word in query_words(text))
    known = await frequencies(session, words)
    return tuple(sorted(words, key=lambda word: (word not in known, known.get(word, 0))))
