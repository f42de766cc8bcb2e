"""One run of a question for all who ask it at the same time, and no waiting beyond patience."""

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, Generic, TypeVar

K = TypeVar("K")
T = TypeVar("T")


class Asking(Generic[K, T]):
    """The questions under way, by their keys.

    One that nobody waits for any more goes on: what hangs is asked once, not by everybody anew.
    """

    def __init__(self) -> None:
        self._running: dict[K, asyncio.Task[T]] = {}

    async def answer(
        self, key: K, ask: Callable[[], Coroutine[Any, Any, T]], patience: float | None = None
    ) -> T:
        """What the question gives, or raises.

        :param patience: for so many seconds; None for ever.
        :raises TimeoutError: there is no answer yet.
        """
        task = self._running.get(key)
        if task is None:
            task = self._running[key] = asyncio.create_task(ask())
            task.add_done_callback(partial(self._end, key))
        async with asyncio.timeout(patience):
            return await asyncio.shield(task)

    def _end(self, key: K, task: "asyncio.Task[T]") -> None:
        del self._running[key]
        if not task.cancelled():
            task.exception()  # Perhaps nobody is left to see it.
