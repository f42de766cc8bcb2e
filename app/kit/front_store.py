"""The answers that a process keeps, and which of them may still be given."""

import math
from collections.abc import Callable, Iterable
from functools import partial
from time import monotonic

from cachetools import LRUCache, TTLCache

from app.kit.front_answer import Answer, Target
from app.kit.front_keys import Key
from app.kit.front_load import Load

CAPACITY = 64_000_000

_SPELLINGS = 4
_MOVES = 10_000
_PASSING_SECONDS = 60


class Store:
    """Answers to public reads, ``capacity`` bytes of them; the least recently used go first.

    It starts deaf: nothing it keeps is fresh until :meth:`listen` says that changes are heard. ``clock``
    counts the changes; an answer whose load began before a change of one of its keys is not kept.
    ``seq`` is the last change heard of. Times are monotonic seconds.
    """

    def __init__(self, capacity: int = CAPACITY) -> None:
        self.clock = 0
        self.seq = 0
        self.listening = False
        self.hot: dict[Target, Answer] = {}
        self.loads: dict[Key, Load] = {}
        self.biggest = capacity // 16
        self._answers = _Answers(capacity, self._forget)
        self._deaf_since = -math.inf
        self._holders: dict[str, set[Key]] = {}
        self._moved: dict[str, int] = {}
        self._cleared = 0
        # Hashes: keys are as long as clients like, and a collision only costs a minute of memory.
        self._passing: TTLCache[int, bool] = TTLCache(maxsize=4_096, ttl=_PASSING_SECONDS)

    @property
    def count(self) -> int:
        """How many answers it keeps."""
        return len(self._answers)

    @property
    def size(self) -> int:
        """About how many bytes the answers take."""
        return int(self._answers.currsize)

    def fresh(self, key: Key, target: Target, now: float) -> Answer | None:
        """The answer to give for a key, if there is one; from now on ``target`` finds it in ``hot``."""
        answer = self._answers.get(key) if self.listening else None
        if answer is None or now >= answer.until:
            return None
        if now >= answer.tick:
            answer.renew(now)
        if target not in self.hot and len(answer.targets) < _SPELLINGS:
            self.hot[target] = answer
            answer.targets.append(target)
            answer.grow(len(target[0]) + len(target[1]))
        return answer

    def last(self, key: Key, now: float, patience: float) -> Answer | None:
        """The answer last known for a key, if it was still fresh within the last ``patience`` seconds."""
        answer = self._answers.get(key)
        if answer is None:
            return None
        end = answer.until if self.listening else min(answer.until, self._deaf_since)
        return answer if now < max(end, answer.loaded) + patience else None

    def put(self, key: Key, answer: Answer, began: int) -> None:
        """Keep the answer of a load that began at ``began``, if none of its keys has changed since."""
        if self._cleared > began or any(self._moved.get(name, 0) > began for name in answer.keys):
            return
        self._answers.pop(key, None)
        for name in answer.keys:
            self._holders.setdefault(name, set()).add(key)
        self._answers[key] = answer
        answer.grown = partial(self._weigh, key, answer)

    def land(self, key: Key, load: Load) -> None:
        """Take in the outcome of a load."""
        if self.loads.get(key) is load:
            del self.loads[key]
        if load.outcome.exception() is not None:
            return
        reply = load.outcome.result()
        if isinstance(reply, Answer):
            self.put(key, reply, load.began)
        elif reply is None:
            self._passing[hash(key)] = True

    def passes(self, key: Key) -> bool:
        """Whether the key's answer was none to keep, within a minute and since the last change."""
        return hash(key) in self._passing

    def drop(self, names: Iterable[str], seq: int = 0) -> None:
        """Forget the answers with one of these surrogate keys: what they say has changed."""
        self.clock += 1
        self.seq = max(self.seq, seq)
        self._passing.clear()
        if len(self._moved) > _MOVES:
            self._moved.clear()
            self._cleared = self.clock
        for name in names:
            self._moved[name] = self.clock
            for key in list(self._holders.get(name, ())):
                del self._answers[key]

    def clear(self) -> None:
        """Forget everything: anything may have changed."""
        self.clock += 1
        self._cleared = self.clock
        for kept in (self.hot, self._answers, self._holders, self._moved, self._passing):
            kept.clear()

    def listen(self, seq: int = 0) -> None:
        """Every change after ``seq`` is heard from now on; what is older is not known to be true."""
        self.clear()
        self.seq = max(self.seq, seq)
        self.listening = True

    def lose(self) -> None:
        """Changes are not heard any more: nothing is fresh."""
        if self.listening:
            self.listening = False
            self._deaf_since = monotonic()
            self.hot.clear()

    def _weigh(self, key: Key, answer: Answer) -> None:
        if self._answers.get(key) is answer:
            self._answers[key] = answer

    def _forget(self, key: Key, answer: Answer) -> None:
        for target in answer.targets:
            self.hot.pop(target, None)
        for name in answer.keys:
            holders = self._holders[name]
            holders.discard(key)
            if not holders:
                del self._holders[name]


class _Answers(LRUCache[Key, Answer]):
    """Bounded by size; ``forget`` hears of every answer that leaves, evicted or not."""

    def __init__(self, capacity: int, forget: Callable[[Key, Answer], None]) -> None:
        super().__init__(capacity, getsizeof=lambda answer: answer.size)
        self._forget = forget

    def __delitem__(self, key: Key) -> None:
        answer = self[key]
        super().__delitem__(key)
        self._forget(key, answer)
