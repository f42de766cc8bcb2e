import asyncio
from datetime import timedelta

import psycopg

from app.kit import throttle
from app.kit.db import connect
from app.kit.settings import Settings

WINDOW = timedelta(minutes=1)


def attempts(settings: Settings, *keys: str, forgive: str = "") -> list[bool]:
    """Which of the attempts, one transaction each, all at once, were too many."""

    async def run() -> list[bool]:
        async with connect(settings) as database:

            async def one(key: str) -> bool:
                async with database.session() as session:
                    return await throttle.attempt(session, key, 3, WINDOW) is not None

            if forgive:
                async with database.session() as session:
                    await throttle.forgive(session, [forgive])
            return list(await asyncio.gather(*map(one, keys)))

    return asyncio.run(run())


def test_many_attempts_at_once_are_counted_one_by_one(settings: Settings) -> None:
    assert sorted(attempts(settings, *["a"] * 8)) == [False] * 3 + [True] * 5
    assert attempts(settings, "b") == [False]


def test_what_is_forgiven_counts_anew(settings: Settings) -> None:
    attempts(settings, *["a"] * 4)
    assert attempts(settings, "a", forgive="a") == [False]


def test_a_window_that_has_ended_counts_anew_and_is_forgotten(settings: Settings) -> None:
    attempts(settings, *["a"] * 4, "b")
    with psycopg.connect(settings.conninfo) as connection:
        connection.execute("UPDATE attempts SET until = now()")
    assert attempts(settings, "a") == [False]

    async def forget() -> None:
        async with connect(settings) as database, database.session() as session:
            await throttle.forget_old(session)

    asyncio.run(forget())
    with psycopg.connect(settings.conninfo) as connection:
        assert connection.execute("SELECT key FROM attempts").fetchall() == [("a",)]
