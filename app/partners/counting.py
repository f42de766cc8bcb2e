"""Counts requests in windows of time, in this process."""

from collections import Counter
from collections.abc import Sequence
from typing import Protocol

from app.partners.plans import Rate


class Counting(Protocol):
    async def add(self, who: str, rates: Sequence[Rate], amount: int, at: int) -> list[int]:
        """Add to a caller's requests in the windows of the moment ``at``, in seconds since 1970.

        What is given back goes to the window that it was taken from: in a later one it is lost.

        :returns: how many it has made in the window of each rate.
        """
        ...

    async def trouble(self) -> str | None:
        """What is wrong with it, in one line."""
        ...

    async def close(self) -> None: ...


class Memory:
    """Counts in this process. A window that is over is dropped whole.

    The memory storage of ``limits`` looks through every caller it knows at every request.
    """

    def __init__(self) -> None:
        self._windows: dict[int, tuple[int, Counter[str]]] = {}

    async def add(self, who: str, rates: Sequence[Rate], amount: int, at: int) -> list[int]:
        counts = []
        for rate in rates:
            index = at // rate.seconds
            window = self._windows.get(rate.seconds)
            if window is None or window[0] < index:
                window = self._windows[rate.seconds] = (index, Counter())
            if window[0] == index:
                window[1][who] += amount
            counts.append(window[1][who])
        return counts

    async def trouble(self) -> str | None:
        return None

    async def close(self) -> None:
        self._windows.clear()
