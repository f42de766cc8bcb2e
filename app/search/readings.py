"""Latin letters that are no word of the archive: pinyin, initials, half a word, a typing error."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice, product

from rapidfuzz import process
from rapidfuzz.distance import OSA
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.search.models import SearchTerm
from app.search.names import Names

_MOST = 3
_READINGS = 9
_CONTAINING = 50
_CANDIDATES = 5_000
_SHORTEST_INITIALS = 3
_SHORTEST_TYPO = 4
_LONGEST_PINYIN = 48
_LAST = "\U0010ffff"


@dataclass(frozen=True, slots=True)
class Reading:
    """What letters may stand for, the likeliest first; none with ``prefix``: words begin with them."""

    texts: Sequence[str] = ()
    prefix: bool = False


async def read(session: AsyncSession, letters: str, names: Names, *, half_typed: bool) -> Reading:
    """What a word that neither the archive nor the taxonomy knows may stand for."""
    if half_typed and await _begins_a_word(session, letters, names):
        return Reading(prefix=True)
    for ways in (_sounds, _initials, *([_half_sounds] if half_typed else []), _sentence, _corrections):
        if texts := await ways(session, letters, names):
            return Reading(texts)
    return Reading(prefix=half_typed)


async def containing(session: AsyncSession, character: str) -> tuple[str, ...]:
    """The most frequent words that a single character is a part of."""
    rows = select(SearchTerm.term).where(
        SearchTerm.term.contains(character, autoescape=True), SearchTerm.df > 0
    )
    found = await session.scalars(rows.order_by(SearchTerm.df.desc(), SearchTerm.term).limit(_CONTAINING))
    return tuple(term for term in found if term != character)


async def _begins_a_word(session: AsyncSession, letters: str, names: Names) -> bool:
    if any(word.startswith(letters) for word in names.words):
        return True
    longer = select(SearchTerm.term).where(
        SearchTerm.term.between(letters, letters + _LAST), SearchTerm.df > 0
    )
    return await session.scalar(longer.limit(1)) is not None


async def _sounds(session: AsyncSession, letters: str, names: Names) -> list[str]:
    return await _terms(session, names, SearchTerm.pinyin == letters)


async def _half_sounds(session: AsyncSession, letters: str, names: Names) -> list[str]:
    return await _terms(session, names, SearchTerm.pinyin.between(letters, letters + _LAST))


async def _initials(session: AsyncSession, letters: str, names: Names) -> list[str]:
    if len(letters) < _SHORTEST_INITIALS:
        return []
    return await _terms(session, names, SearchTerm.initials == letters)


async def _terms(session: AsyncSession, names: Names, condition: ColumnElement[bool]) -> list[str]:
    """Chinese words of at least two characters; names of tags first, then the most frequent."""
    rows = select(SearchTerm.term).where(condition, SearchTerm.df > 0, func.char_length(SearchTerm.term) > 1)
    found = await session.scalars(rows.order_by(SearchTerm.df.desc(), SearchTerm.term).limit(50))
    return sorted(found, key=lambda term: (term,) not in names.by_words)[:_MOST]


async def _sentence(session: AsyncSession, letters: str, names: Names) -> list[str]:  # noqa: ARG001
    """Several words' pinyin without blanks: as few words as possible, each by its likeliest characters."""
    size = len(letters)
    if size > _LONGEST_PINYIN:
        return []
    pieces = {letters[i:j] for i in range(size) for j in range(i + 2, size + 1)}
    rows = await session.execute(
        select(SearchTerm.pinyin, SearchTerm.term)
        .where(SearchTerm.pinyin.in_(pieces), SearchTerm.df > 0)
        .order_by(SearchTerm.df.desc(), SearchTerm.term)
    )
    terms: defaultdict[str, list[str]] = defaultdict(list)
    for sound, term in rows:
        terms[sound or ""].append(term)
    best: dict[int, list[str]] = {0: []}
    for end in range(1, size + 1):
        ways = [[*best[start], letters[start:end]] for start in best if letters[start:end] in terms]
        if ways:
            best[end] = min(ways, key=len)
    sounds = best.get(size, [])
    readings = product(*(terms[sound][:_MOST] for sound in sounds))
    return ["".join(words) for words in islice(readings, _READINGS)] if sounds else []


async def _corrections(session: AsyncSession, letters: str, names: Names) -> list[str]:
    """Words that a typing error or two away; one in short words, none in words with digits."""
    if len(letters) < _SHORTEST_TYPO or not letters.isalpha():
        return []
    most = 1 if len(letters) < 8 else 2
    similar = select(SearchTerm.term).where(
        SearchTerm.pinyin.is_(None),
        SearchTerm.df > 0,
        func.char_length(SearchTerm.term).between(len(letters) - most, len(letters) + most),
    )
    known = list(await session.scalars(similar.order_by(SearchTerm.df.desc()).limit(_CANDIDATES)))
    candidates = dict.fromkeys([*known, *sorted(names.words)])
    found = process.extract(letters, candidates.keys(), scorer=OSA.distance, score_cutoff=most, limit=None)
    nearest = min((distance for _, distance, _ in found), default=0)
    return [word for word, distance, _ in found if distance == nearest and word.isalpha()][:_MOST]
