"""A circuit breaker: does without a service that fails, and finds out when it works again."""

from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import Literal


@dataclass
class Breaker:
    """Closed, it lets all calls through; after ``limit`` failures in a row it opens and lets none.

    ``pause`` seconds later it is half-open: one call is let through, which closes it or opens it again.
    Each call let through is to be reported; one that never is counts as failed after another pause.
    ``reason`` says why the last one failed.
    """

    limit: int = 3
    pause: float = 10.0
    clock: Callable[[], float] = monotonic
    reason: str = ""
    _failures: int = 0
    _open_until: float = 0.0

    @property
    def state(self) -> Literal["closed", "open", "half-open"]:
        if self._failures < self.limit:
            return "closed"
        return "open" if self.clock() < self._open_until else "half-open"

    def lets_through(self) -> bool:
        """Whether to make a call now."""
        state = self.state
        if state == "half-open":
            self._open_until = self.clock() + self.pause
        return state != "open"

    def succeeded(self) -> None:
        self._failures = 0

    def failed(self, reason: str) -> None:
        self.reason = reason
        self._failures += 1
        self._open_until = self.clock() + self.pause
