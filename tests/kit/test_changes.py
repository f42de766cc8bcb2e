import asyncio
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import psycopg
import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.kit import changes
from app.kit.changes import CHANNEL, Change, ChangeLog
from app.kit.db import connect
from app.kit.settings import Settings

PROCESS = Path(__file__).with_name("follower_process.py")


@dataclass(frozen=True)
class Happened:
    subject: str
    version: int
    at: datetime
    kind: ClassVar[str] = "test.happened"

    def payload(self) -> dict[str, Any]:
        return {"of": self.subject}


async def nothing(_session: AsyncSession, _changes: Sequence[Change]) -> None:
    """A follower that only moves on."""


LOG = ChangeLog(followers={"test": nothing})


async def happen(session: AsyncSession, subject: str, log: ChangeLog = LOG) -> None:
    at = await log.begin(session)
    await log.record(session, Happened(subject, 1, at))


def record(settings: Settings, *subjects: str, log: ChangeLog = LOG) -> None:
    async def run() -> None:
        async with connect(settings) as database:
            for subject in subjects:
                async with database.session() as session:
                    await happen(session, subject, log)

    asyncio.run(run())


def rows(settings: Settings, query: str) -> list[Any]:
    with psycopg.connect(settings.conninfo) as connection:
        return [row[0] for row in connection.execute(query.encode())]


def test_a_recorded_event_becomes_one_row_of_the_log(settings: Settings) -> None:
    record(settings, "a")
    with psycopg.connect(settings.conninfo) as connection:
        found = connection.execute("SELECT kind, subject, version, payload FROM change").fetchall()
    assert found == [("test.happened", "a", 1, {"of": "a"})]


def test_a_rolled_back_event_leaves_no_row_and_no_job(settings: Settings) -> None:
    async def run() -> None:
        async with connect(settings) as database, database.session() as session:
            await happen(session, "a")
            await session.rollback()

    asyncio.run(run())
    assert rows(settings, "SELECT seq FROM change") == []
    assert rows(settings, "SELECT id FROM procrastinate_jobs") == []


def test_a_committed_event_defers_one_job_for_each_follower(settings: Settings) -> None:
    record(settings, "a", log=ChangeLog(followers={"one": nothing, "two": nothing}))
    found = rows(settings, "SELECT args ->> 'follower' FROM procrastinate_jobs ORDER BY 1")
    assert found == ["one", "two"]


def test_a_handler_runs_inside_the_recording_transaction(settings: Settings) -> None:
    async def write(session: AsyncSession, events: Sequence[Happened]) -> None:
        for event in events:
            await session.execute(text("INSERT INTO handled VALUES (:subject)"), {"subject": event.subject})

    with psycopg.connect(settings.conninfo) as connection:
        connection.execute("CREATE TABLE handled (subject text)")
    record(settings, "a", log=ChangeLog(handlers={Happened: (write,)}))
    assert rows(settings, "SELECT subject FROM handled") == ["a"]


def test_recording_notifies_listeners_with_the_number_of_the_change(settings: Settings) -> None:
    with psycopg.connect(settings.conninfo, autocommit=True) as listener:
        listener.execute(f"LISTEN {CHANNEL}".encode())
        record(settings, "a")
        (notice,) = listener.notifies(timeout=10, stop_after=1)
    assert notice.payload == str(rows(settings, "SELECT seq FROM change")[0])


def test_rows_become_visible_in_the_order_of_their_numbers(settings: Settings) -> None:
    """Eight writers, and a reader that remembers the highest number it saw, as a follower does."""
    seen: list[int] = []

    async def run() -> None:
        async with connect(settings.model_copy(update={"pool_size": 10})) as database:

            async def write(writer: int) -> None:
                for number in range(10):
                    async with database.session() as session:
                        await happen(session, f"{writer}-{number}")

            async def read() -> None:
                while len(seen) < 80:
                    async with database.snapshot() as session:
                        later = select(Change.seq).where(Change.seq > (seen[-1] if seen else 0))
                        seen.extend(await session.scalars(later.order_by(Change.seq)))

            await asyncio.wait_for(asyncio.gather(read(), *map(write, range(8))), timeout=60)

    asyncio.run(run())
    assert seen == rows(settings, "SELECT seq FROM change ORDER BY seq")


def test_the_moment_of_a_change_is_after_the_last_one_s_even_when_the_clock_has_gone_back(
    settings: Settings,
) -> None:
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    with psycopg.connect(settings.conninfo) as connection:
        connection.execute(
            "INSERT INTO change (kind, subject, version, payload, at) VALUES ('x', 'x', 1, '{}', %s)",
            (tomorrow,),
        )
    record(settings, "a")
    later = tomorrow + timedelta.resolution
    assert rows(settings, "SELECT max(at) FROM change WHERE subject = 'a'") == [later]


def test_a_follower_that_fails_keeps_its_position(settings: Settings) -> None:
    async def failing(_session: AsyncSession, _changes: Sequence[Change]) -> None:
        raise ZeroDivisionError

    async def run() -> None:
        async with connect(settings) as database:
            with pytest.raises(ZeroDivisionError):
                await changes.catch_up(database, "test", failing)
            assert await changes.catch_up(database, "test", nothing) == 2
            assert await changes.catch_up(database, "test", nothing) == 0

    record(settings, "a", "b")
    asyncio.run(run())


def test_lag_counts_the_changes_a_follower_has_not_handled(settings: Settings) -> None:
    async def run() -> dict[str, int]:
        async with connect(settings) as database:
            await changes.catch_up(database, "test", nothing)
            async with database.session() as session:
                await happen(session, "c")
            async with database.snapshot() as session:
                return await changes.lag(session)

    record(settings, "a", "b")
    assert asyncio.run(run()) == {"test": 1}


@pytest.mark.parametrize("moment", ["start", "end"])
def test_a_worker_killed_at_any_step_loses_no_change_and_keeps_the_order(
    settings: Settings, tmp_path: Path, moment: str
) -> None:
    with psycopg.connect(settings.conninfo) as connection:
        connection.execute("CREATE TABLE handled (seq bigint)")
    record(settings, "a", "b", "c")
    file = tmp_path / "handled"
    file.touch()

    def work(deadly: int) -> int:
        command = [sys.executable, str(PROCESS), settings.conninfo, str(file), str(deadly), moment]
        return subprocess.run(command, timeout=60, check=False).returncode

    assert work(1) == -9
    assert work(2) == -9
    assert work(2) == -9
    assert work(0) == 0
    numbers = rows(settings, "SELECT seq FROM change ORDER BY seq")
    assert rows(settings, "SELECT seq FROM handled ORDER BY ctid") == numbers, "kept exactly once"
    handled = [int(line) for line in file.read_text().split()]
    assert list(dict.fromkeys(handled)) == numbers, "each at least once, in order"
    assert handled == sorted(handled)
    unfinished = "SELECT id FROM procrastinate_jobs WHERE status NOT IN ('succeeded', 'doing')"
    assert rows(settings, unfinished) == []
