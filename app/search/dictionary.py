"""Cuts Chinese into words: jieba with words of our own."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import lru_cache


class Dictionary:
    """jieba's words and ``names``.

    ``lookalikes`` are pairs of a name and a longer word that contains it without meaning it: such a
    word is one of its own, without the name inside (高通量 is not 高通).
    """

    def __init__(self, names: Sequence[str], lookalikes: Iterable[tuple[str, str]]) -> None:
        self._names = names
        self._lookalikes: defaultdict[str, list[tuple[str, int]]] = defaultdict(list)
        for name, lookalike in lookalikes:
            if (offset := lookalike.find(name)) >= 0:
                self._lookalikes[name].append((lookalike, offset))
        # It takes 33 MB, which a process that only reads does without. The dictionary that comes with it
        # is used: another one would take as much again, and there is only one of this class.
        import rjieba

        self._jieba = rjieba
        for name in names:
            self._jieba.add_word(name, None, None)

    def listing(self) -> str:
        """Our own words as text, always the same for the same words."""
        return "\n".join([*sorted(self._names), *map(str, sorted(self._lookalikes.items()))])

    def has_lookalikes(self, word: str) -> bool:
        return word in self._lookalikes

    def cut(self, run: str) -> list[tuple[str, int]]:
        """The words of a run of Han characters one after another, with their offsets."""
        found: list[tuple[str, int]] = []
        start = 0
        for word in self._jieba.cut(run, hmm=False):
            found.append((word, start))
            start += len(word)
        for word, start in found.copy():
            for lookalike, offset in self._lookalikes.get(word, ()):
                _merge(run, found, start - offset, lookalike)
        return found

    @lru_cache(maxsize=1 << 15)  # noqa: B019 - there is one dictionary for the life of the process
    def inside(self, word: str) -> list[tuple[int, int]]:
        """Start and end of the known words inside a word."""
        size = len(word)
        spans = [(i, j) for i in range(size) for j in range(i + 2, size + 1) if j - i < size]
        return [
            (i, j) for i, j in spans if self._jieba.has_word(word[i:j]) and not self._misleads(word, i, j)
        ]

    def _misleads(self, word: str, start: int, end: int) -> bool:
        """Whether the name ``word[start:end]`` is only a part of its lookalike."""
        return any(
            start >= offset and word.startswith(lookalike, start - offset)
            for lookalike, offset in self._lookalikes.get(word[start:end], ())
        )


def _merge(run: str, found: list[tuple[str, int]], start: int, lookalike: str) -> None:
    """Make one word of those that make up a lookalike, if whole words do."""
    if start < 0 or not run.startswith(lookalike, start):
        return
    starts = [at for _, at in found]
    end = start + len(lookalike)
    if start in starts and (end == len(run) or end in starts):
        last = starts.index(end) if end < len(run) else len(found)
        found[starts.index(start) : last] = [(lookalike, start)]
