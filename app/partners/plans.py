"""How much each kind of caller may ask for: rates by minute, by day."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from limits import parse_many

from app.kit.settings import Settings

PlanName = Literal["anonymous", "partner", "internal"]


@dataclass(frozen=True, slots=True)
class Rate:
    """At most ``quota`` requests in each window of ``seconds``; windows begin at whole multiples of it."""

    name: str
    quota: int
    seconds: int


@dataclass(frozen=True)
class Plan:
    """The rates that a caller must keep, all of them."""

    name: PlanName
    rates: tuple[Rate, ...]

    @cached_property
    def policy(self) -> tuple[bytes, bytes]:
        """The header ``RateLimit-Policy`` of draft-ietf-httpapi-ratelimit-headers."""
        parts = (f'"{self.name}-{rate.name}";q={rate.quota};w={rate.seconds}' for rate in self.rates)
        return b"ratelimit-policy", ", ".join(parts).encode()

    @cached_property
    def state(self) -> bytes:
        """``RateLimit`` of the same, with places for what is left and the seconds until there is more."""
        return ", ".join(f'"{self.name}-{rate.name}";r=%d;t=%d' for rate in self.rates).encode()


def rates(notation: str) -> tuple[Rate, ...]:
    """Rates out of the notation of ``limits``: ``600/minute;50000/day``.

    :raises ValueError: it cannot be understood.
    """
    items = parse_many(notation)
    return tuple(
        Rate(
            name=f"{item.multiples if item.multiples > 1 else ''}{item.GRANULARITY.name}",
            quota=item.amount,
            seconds=item.get_expiry(),
        )
        for item in items
    )


def plans(settings: Settings) -> Mapping[PlanName, Plan]:
    """The plans by name, as the settings have them."""
    return {
        "anonymous": Plan("anonymous", rates(settings.limits_anonymous)),
        "partner": Plan("partner", rates(settings.limits_partner)),
        "internal": Plan("internal", rates(settings.limits_internal)),
    }
