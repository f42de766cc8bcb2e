"""Finds the items of one list in another, through changes and moves."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import TypeVar

from rapidfuzz.distance import LCSseq

T = TypeVar("T")

ALIKE = 50.0
"""From this likeness on, out of 100, two items are versions of one."""

_NEAR = 50
"""Of what was changed, no more than so many places are searched in either direction."""


def match(
    old: Sequence[T],
    new: Sequence[T],
    content: Callable[[T], Hashable],
    likeness: Callable[[T, T], float],
) -> dict[int, int]:
    """Which item of ``new`` each item of ``old`` has become, by index; items without a partner lack.

    Items with equal ``content`` belong together, then the ones most alike, then the nearest.
    """
    before, after = [content(item) for item in old], [content(item) for item in new]
    pairs = {
        block.a + step: block.b + step
        for block in LCSseq.opcodes(before, after).as_matching_blocks()
        for step in range(block.size)
    }
    places = defaultdict(list)
    for index in _others(new, set(pairs.values())):
        places[after[index]].append(index)
    for index in _others(old, set(pairs)):
        if places[before[index]]:
            pairs[index] = places[before[index]].pop(0)
    return pairs | _alike(old, new, pairs, likeness)


def moved(pairs: Mapping[int, int]) -> set[int]:
    """The fewest items, by their old index, that must have been moved, as the others kept their order."""
    tails: list[int] = []
    last: list[int] = []
    before: dict[int, int | None] = {}
    for index in sorted(pairs):
        length = bisect_left(tails, pairs[index])
        before[index] = last[length - 1] if length else None
        tails[length : length + 1] = [pairs[index]]
        last[length : length + 1] = [index]
    gone = set(pairs)
    stayed = last[-1] if last else None
    while stayed is not None:
        gone.remove(stayed)
        stayed = before[stayed]
    return gone


def _others(items: Sequence[T], known: set[int]) -> list[int]:
    return [index for index in range(len(items)) if index not in known]


def _alike(
    old: Sequence[T], new: Sequence[T], pairs: Mapping[int, int], likeness: Callable[[T, T], float]
) -> dict[int, int]:
    left, right = _others(old, set(pairs)), _others(new, set(pairs.values()))
    scores = [
        (-score, abs(place - other), i, j)
        for place, i in enumerate(left)
        for other, j in list(enumerate(right))[max(0, place - _NEAR) : place + _NEAR + 1]
        if (score := likeness(old[i], new[j])) >= ALIKE
    ]
    found: dict[int, int] = {}
    taken: set[int] = set()
    for _, _, i, j in sorted(scores):
        if i not in found and j not in taken:
            found[i] = j
            taken.add(j)
    return found
