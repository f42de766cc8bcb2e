"""Text as it is searched: folded, and cut into words.

The same on both sides: what is indexed and what is typed go through the same functions. Han runs are
cut by jieba, which knows the taxonomy's names too; Latin runs stay whole (``gpt-5.2``).
"""

import difflib
import hashlib
import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from operator import ne
from typing import NamedTuple

import opencc

from app.bulletins.taxonomy import curated
from app.search.dictionary import Dictionary

_HAN = r"\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff々〇"
_RUN = re.compile(
    rf"(?P<han>[{_HAN}]+)|(?P<latin>[a-z0-9]+(?:[-._'&][a-z0-9]+)*[+#]*)|(?P<other>[^\W_a-z0-9{_HAN}]+)"
)
_HAN_CHARACTER = re.compile(f"[{_HAN}]")
_HAN_RUN = re.compile(f"[{_HAN}]+")
_JOINTS = re.compile(r"[-_'&]")
_ACRONYM = re.compile(r"(?:[a-z]\.)+[a-z]")
_PARTS = re.compile(r"[-_'&+#]+|(?<!\d)\.|\.(?!\d)")
_LETTERS_THEN_NUMBER = re.compile(r"([a-z]{2,})(\d[\d.]*)")
# What neither parts words nor counts in the distance between them: blanks, quotation marks, joints.
_WEIGHTLESS = re.compile(r"""[\s"“”‘’「」『』《》]|(?<=[a-z0-9])[-_'&](?=[a-z0-9])""")
_BETWEEN = re.compile(r"""["“”‘’「」『』《》]|(?<![a-z0-9])[^\S\n]+|[^\S\n]+(?![a-z0-9])""")

_RULES = 1
"""To be raised when text is cut by other rules, so that what is indexed is known to be outdated."""
_LONGEST = 64
_TRADITIONAL_SHARE = 0.05


@cache
def _converter(name: str) -> Callable[[str], str]:
    # Its tables take 4 MB, which only those who search need.
    convert: Callable[[str], str] = opencc.OpenCC(name).convert
    return convert


@dataclass(frozen=True, slots=True)
class Folded:
    """Folded text; ``origin[i]`` is the index in the original of the character ``text[i]`` came from."""

    text: str
    origin: list[int]


class Token(NamedTuple):
    """A word, from ``start`` to ``end`` of folded text, at ``position`` as :func:`tokens` counts."""

    word: str
    start: int
    end: int
    position: int


def fold(text: str) -> str:
    """Text as it is compared: compatibility forms, case, accents and Traditional characters folded."""
    return _simplified(text.translate(_FOLDING))


def folded(text: str) -> Folded:
    """Like :func:`fold`, with the way back to the original's characters."""
    plain = text.translate(_FOLDING)
    if all(len(_FOLDING[ord(character)]) == 1 for character in set(text)):
        origin = list(range(len(text)))
    else:
        origin = [at for at, character in enumerate(text) for _ in _FOLDING[ord(character)]]
    simplified = _simplified(plain)
    if len(simplified) != len(plain):
        return _aligned(plain, origin, simplified)
    return Folded(simplified, origin)


def _simplified(plain: str) -> str:
    """The text in Simplified characters.

    A text in Traditional characters is taken for Taiwan's, whose words are turned into the mainland's
    too (資料中心 → 数据中心); other texts keep their words.
    """
    simplified = _converter("t2s")(plain)
    if simplified == plain:
        return plain
    changed = sum(map(ne, plain, simplified))
    return _converter("tw2sp")(plain) if changed > _TRADITIONAL_SHARE * len(plain) else simplified


def variants(text: str) -> tuple[str, ...]:
    """Other ways to fold a few words, whose characters do not say where they are from.

    With Taiwan's words turned into the mainland's (人工智慧 → 人工智能), and with all words kept
    (智慧醫療 → 智慧医疗, which else becomes 智能医疗).
    """
    plain = text.translate(_FOLDING)
    return _converter("tw2sp")(plain), _converter("t2s")(plain)


def has_lookalikes(word: str) -> bool:
    """Whether longer words contain this one, a tag's name, without meaning it."""
    return _dictionary().has_lookalikes(word)


class _Folding(dict[int, str]):
    """What each character is compared as: nothing for an accent or an invisible one."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        if unicodedata.category(character) == "Cf" or "\u0300" <= character <= "\u036f":
            folded = ""
        else:
            plain = unicodedata.normalize("NFKC", character).lower().replace("’", "'")
            parts = unicodedata.normalize("NFD", plain)
            folded = (
                "".join(p for p in parts if not unicodedata.combining(p)) if parts[0].isascii() else plain
            )
        self[code] = folded
        return folded


_FOLDING = _Folding()


def _aligned(plain: str, origin: list[int], simplified: str) -> Folded:
    """The way back where words have changed their length."""
    matcher = difflib.SequenceMatcher(None, plain, simplified, autojunk=False)
    places: list[int] = []
    for _, start, end, new_start, new_end in matcher.get_opcodes():
        last = min(max(start, end - 1), len(origin) - 1)
        places += [min(start + step, last) for step in range(new_end - new_start)]
    return Folded(simplified, [origin[place] for place in places])


def compact(text: str) -> str:
    """Folded text without what neither parts words nor counts: a token's position is its index here."""
    return _WEIGHTLESS.sub("", text)


def tight(text: str) -> str:
    """Folded text without what stands between characters that belong together, such as blanks in Chinese."""
    return _BETWEEN.sub("", text)


def is_chinese(word: str) -> bool:
    """Whether a word is written in Han characters."""
    return _HAN_RUN.fullmatch(word) is not None


def chinese_runs(text: str) -> list[str]:
    """The longest pieces of folded text in Han characters alone."""
    return _HAN_RUN.findall(text)


def has_chinese(text: str) -> bool:
    """Whether any Han character is in a text."""
    return _HAN_CHARACTER.search(text) is not None


def words(text: str) -> list[tuple[str, int]]:
    """The words of folded text with their offsets in it, inner words included: what is indexed."""
    return [(token.word, token.start) for token in tokens(text)]


def query_words(text: str) -> list[str]:
    """The words of folded text one after another, without inner words: what is asked for."""
    return [token.word for token in tokens(text, inner=False)]


def tokens(text: str, *, inner: bool = True) -> list[Token]:
    """The words of folded text, with or without the words inside words.

    Positions count characters, but not blanks, quotation marks and joints: words that stand side by
    side are as far apart as the first one is long, however it is written.
    """
    found: list[Token] = []
    weightless = [match.start() for match in _WEIGHTLESS.finditer(text)]
    passed = 0
    for run in _RUN.finditer(text):
        start = run.start()
        while passed < len(weightless) and weightless[passed] < start:
            passed += 1
        written, before = run.group(), start - passed
        if run.lastgroup == "han":
            found += [
                Token(word, start + offset, start + offset + len(word), before + offset)
                for word, offset in _han(written, inner)
            ]
        else:
            for word, offset, end in _latin(written, inner):
                position = before + len(_JOINTS.sub("", written[:offset]))
                found.append(Token(word[:_LONGEST], start + offset, start + end, position))
    return found


def _latin(run: str, inner: bool) -> Iterator[tuple[str, int, int]]:
    """A run in Latin script (or in any other whose words are parted by blanks): whole, and its parts."""
    whole = run.replace(".", "") if _ACRONYM.fullmatch(run) else _JOINTS.sub("", run)
    yield whole, 0, len(run)
    if not inner:
        return
    start = 0
    for part in _PARTS.split(run):
        start = run.index(part, start)
        end = start + len(part)
        if part != whole and (len(part) > 1 or part.isdigit()):
            yield part, start, end
        if split := _LETTERS_THEN_NUMBER.fullmatch(part):
            yield split[1], start, start + split.end(1)
            yield split[2], start + split.start(2), end
        start = end


def _han(run: str, inner: bool) -> list[tuple[str, int]]:
    dictionary = _dictionary()
    cut = dictionary.cut(run)
    if not inner:
        return cut
    found: list[tuple[str, int]] = []
    for word, start in cut:
        found.append((word, start))
        if len(word) > 2:
            found += [(word[offset:end], start + offset) for offset, end in dictionary.inside(word)]
    return found


@cache
def _dictionary() -> Dictionary:
    """jieba's words, and the runs of Han characters in the names of the taxonomy."""
    lookalikes: list[tuple[str, str]] = []
    everything: set[str] = set()
    for tag in curated().tags:
        names = {run for name in tag.names for run in chinese_runs(fold(name)) if len(run) > 1}
        everything |= names
        lookalikes += [(name, fold(lookalike)) for lookalike in tag.lookalikes for name in sorted(names)]
    return Dictionary(sorted(everything), lookalikes)


@cache
def tokenizer() -> str:
    """Names this way of cutting text; it changes when rules or the taxonomy's words do."""
    packages = "/".join(version(name) for name in ("rjieba", "opencc"))
    return hashlib.sha256(f"{_RULES}\n{packages}\n{_dictionary().listing()}".encode()).hexdigest()[:16]
