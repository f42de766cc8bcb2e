import asyncio

import pytest
from sqlalchemy.exc import OperationalError

from app.kit.lifetime import Plan, shortened

LONG = "public, max-age=60, s-maxage=86400, stale-while-revalidate=60"


@pytest.mark.parametrize(
    ("left", "header"),
    [
        (None, LONG),
        (100_000.0, "public, max-age=60, s-maxage=86400"),
        (61.5, "public, max-age=60, s-maxage=61"),
        (12.9, "public, max-age=12, s-maxage=12"),
        (0.4, "public, max-age=0, s-maxage=0"),
        (-3.0, "public, max-age=0, s-maxage=0"),
    ],
)
def test_no_lifetime_is_longer_than_the_time_that_is_left(left: float | None, header: str) -> None:
    assert shortened(LONG, left) == header


def test_what_is_planned_anew_is_told_once_and_what_is_left_shrinks() -> None:
    answers: list[float | None] = [None, 10.0, 10.0, 5.0, -1.0, None]
    moves: list[float | None] = []

    async def run() -> None:
        plan, done = Plan(interval=0), asyncio.Event()
        remaining = iter(answers)

        async def ask() -> float | None:
            try:
                return next(remaining)
            except StopIteration:
                done.set()
                return None

        async with plan.watching(ask, lambda: moves.append(plan.left())):
            await done.wait()

    asyncio.run(run())
    assert [None if left is None else round(left) for left in moves] == [10, 5, -1, None]


def test_a_database_that_is_away_leaves_the_plan_as_it_was() -> None:
    async def run() -> float | None:
        plan, asked = Plan(interval=0), asyncio.Event()

        async def ask() -> float | None:
            if plan.left() is None:
                return 10.0
            asked.set()
            raise OperationalError("", None, Exception())

        async with plan.watching(ask, lambda: None):
            await asked.wait()
            return plan.left()

    assert 9 < (asyncio.run(run()) or 0) <= 10
