"""The passage of a text that shows best what was found in it."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from app.search.marks import Mark
from app.search.text import folded, tokens

LONGEST = 120
ENOUGH = 60
"""A passage has at most so many characters, and rather not fewer than so many."""

_MANY = 200
_STOP = r"[。！？；!?;…]+[”’」』）》\"]*|\.(?=\s)|\n+|$"
_PAUSE = re.compile(rf"(?P<stop>{_STOP})|，|,(?=\s)")


@dataclass(frozen=True, slots=True)
class Clause:
    """Characters ``start`` to ``end`` of a text; ``closes`` says that a sentence ends here."""

    start: int
    end: int
    closes: bool


@dataclass(frozen=True, slots=True)
class Passage:
    """Characters ``start`` to ``end`` of a text; a sentence is ``cut_before`` them, or ``cut_after``."""

    start: int
    end: int
    cut_before: bool
    cut_after: bool


def passage(text: str, marks: Sequence[Mark]) -> Passage:
    """Sentences, or clauses of a long one, that hold most of what was found; the first of equal ones.

    Without marks it is the beginning of the text.
    """
    clauses = list(_clauses(text))
    starts = [mark.start for mark in marks]

    def worth(found: Passage) -> tuple[int, ...]:
        first = bisect_left(starts, found.start)
        inside = [mark for mark in marks[first : bisect_left(starts, found.end)] if mark.end <= found.end]
        terms = len({mark.term for mark in inside})
        length = found.end - found.start
        cuts = found.cut_before + found.cut_after
        return terms, min(length, ENOUGH), -cuts, len(inside), -length, -found.start

    found = max(_passages(text, clauses, marks), key=worth, default=Passage(0, 0, False, False))
    return _trimmed(text, found)


def _clauses(text: str) -> Iterator[Clause]:
    start = 0
    for pause in _PAUSE.finditer(text):
        if pause.end() > start:
            yield Clause(start, pause.end(), pause["stop"] is not None)
            start = pause.end()


def _passages(text: str, clauses: Sequence[Clause], marks: Sequence[Mark]) -> Iterator[Passage]:
    """Everything that might be shown, none of it too long."""
    for first in _beginnings(clauses, marks):
        start = clauses[first].start
        opens = first == 0 or clauses[first - 1].closes
        if clauses[first].end - start > LONGEST:
            yield from _inside(text, clauses[first], opens, marks)
            continue
        for clause in clauses[first : first + LONGEST]:
            if clause.end - start > LONGEST:
                break
            yield Passage(start, clause.end, not opens, not clause.closes)


def _beginnings(clauses: Sequence[Clause], marks: Sequence[Mark]) -> Iterator[int]:
    """The clauses, a reasonable number, from which a mark can be reached; the first one if there is none."""
    starts = [clause.start for clause in clauses]
    reached = {
        place
        for mark in marks[:_MANY]
        for place in range(bisect_right(starts, mark.start - LONGEST), bisect_right(starts, mark.start))
    }
    yield from sorted(reached)[:_MANY] or range(min(1, len(clauses)))


def _inside(text: str, clause: Clause, opens: bool, marks: Sequence[Mark]) -> Iterator[Passage]:
    """Parts of a clause that is too long, from one word to another."""
    plain = folded(text[clause.start : clause.end])
    edges = [clause.start + plain.origin[token.start] for token in tokens(plain.text, inner=False)]
    within = [mark for mark in marks if clause.start <= mark.start < clause.end][:_MANY]
    for centre in [mark.start for mark in within] or [clause.start]:
        earliest = max(clause.start, centre - LONGEST // 3)
        start = next((edge for edge in edges if earliest <= edge <= centre), centre)
        latest = min(clause.end, start + LONGEST)
        end = (
            clause.end
            if latest == clause.end
            else max((e for e in edges if start < e <= latest), default=latest)
        )
        yield Passage(start, end, start > clause.start or not opens, end < clause.end or not clause.closes)


def _trimmed(text: str, found: Passage) -> Passage:
    shown = text[found.start : found.end]
    start = found.start + len(shown) - len(shown.lstrip())
    end = start + len(shown.strip().rstrip("，,") if found.cut_after else shown.strip())
    return Passage(start, end, found.cut_before, found.cut_after)
