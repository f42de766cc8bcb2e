import asyncio
import os
import signal

import pytest

from app.kit.changes import EVERYTHING, ChangeLog
from app.kit.db import Database, connect
from app.kit.front_store import Store
from app.kit.hub import Hub
from app.kit.listening import Invalidator
from app.kit.settings import Settings
from tests.kit.change_log import (
    CHANGES,
    INSERT,
    LISTENERS,
    LOG,
    Happened,
    execute,
    fill,
    following,
    held,
    record,
    with_store,
)
from tests.kit.toy import listening, until


def test_a_change_elsewhere_drops_what_it_touches_and_nothing_else(settings: Settings) -> None:
    async def test(store: Store, database: Database) -> None:
        fill(store, "a", "b", "tag:compute", "tag:energy")
        await record(database, "a")
        await until(lambda: not held(store, "a"))
        assert held(store, "a", "b", "tag:compute", "tag:energy") == ["b", "tag:energy"]

    # A heartbeat that never comes: it is the notification that is heard.
    with_store(settings, test, heartbeat=1_000)


def test_changes_from_before_the_start_are_not_gone_through(settings: Settings) -> None:
    async def run() -> None:
        async with connect(settings) as database:
            await record(database, "a")
            async with following(settings, heartbeat=0.05) as store:
                clock = store.clock
                fill(store, "a")
                await record(database, "b")
                await until(lambda: store.clock > clock)
                assert held(store, "a") == ["a"]

    asyncio.run(run())


def test_a_change_whose_notification_is_lost_is_found_at_the_next_heartbeat(settings: Settings) -> None:
    async def test(store: Store, _database: Database) -> None:
        fill(store, "a")
        execute(settings, INSERT, "a")
        await until(lambda: not held(store, "a"))
        fill(store, "a", "b")
        execute(settings, INSERT, "b")
        await until(lambda: not held(store, "b"))
        assert held(store, "a") == ["a"], "no change is heard twice"

    with_store(settings, test, heartbeat=0.05)


def test_the_process_that_changes_something_drops_it_with_the_commit(settings: Settings) -> None:
    store = listening()

    async def run() -> None:
        async with connect(settings) as database:
            database.told = lambda changed: store.drop(changed.keys, changed.seq)
            async with database.session() as session:
                await LOG.begin(session)
                async with session.begin_nested():
                    await LOG.record(session, Happened("a"))
                fill(store, "a", "b", "tag:compute")
                await LOG.record(session, Happened("c"))
                assert held(store, "a") == ["a"], "nobody can read the new version yet"
            assert held(store, "a", "b", "tag:compute") == ["b"]
            ((seq,),) = execute(settings, "SELECT max(seq) FROM change")
            assert store.seq == seq

    asyncio.run(run())


def test_what_is_rolled_back_drops_nothing(settings: Settings) -> None:
    store = listening()

    async def run() -> None:
        fill(store, "a")
        async with connect(settings) as database:
            database.told = lambda changed: store.drop(changed.keys, changed.seq)
            async with database.session() as session:
                await LOG.begin(session)
                await LOG.record(session, Happened("a"))
                raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        asyncio.run(run())
    assert held(store, "a") == ["a"]


def test_a_change_of_which_nobody_says_what_it_touches_touches_everything(settings: Settings) -> None:
    async def test(store: Store, database: Database) -> None:
        fill(store, "a", EVERYTHING)
        await record(database, "a", ChangeLog())
        await until(lambda: not held(store, EVERYTHING))
        assert held(store, "a") == ["a"], "an answer has to carry the key"

    with_store(settings, test)


def test_a_cut_connection_makes_the_store_deaf_until_it_listens_again(settings: Settings) -> None:
    async def test(store: Store, database: Database) -> None:
        fill(store, "a", "b")
        execute(settings, f"SELECT pg_terminate_backend(pid) {LISTENERS}")
        await until(lambda: not store.listening)
        assert held(store, "a", "b") == []
        await record(database, "a")
        await until(lambda: store.listening)
        assert held(store, "a", "b") == [], "what it did not hear may have changed anything"
        fill(store, "a", "b")
        await record(database, "a")
        await until(lambda: not held(store, "a"))
        assert held(store, "b") == ["b"]

    with_store(settings, test, heartbeat=1_000)


def test_a_server_that_hangs_makes_the_store_deaf(settings: Settings) -> None:
    async def test(store: Store, _database: Database) -> None:
        ((pid,),) = execute(settings, f"SELECT pid {LISTENERS}")
        fill(store, "a")
        os.kill(pid, signal.SIGSTOP)
        try:
            async with asyncio.timeout(3):  # psycopg needs five seconds to give up the query
                await until(lambda: not store.listening)
            assert held(store, "a") == []
        finally:
            os.kill(pid, signal.SIGCONT)
        await until(lambda: store.listening)
        assert held(store, "a") == []

    with_store(settings, test, heartbeat=0.05, patience=0.3)


def test_it_waits_for_a_database_that_is_not_ready(empty_settings: Settings) -> None:
    async def run() -> None:
        store = Store()
        async with Invalidator(empty_settings.conninfo, store, Hub()).running():
            await asyncio.sleep(0)
            assert not store.listening
            execute(empty_settings, CHANGES)
            await until(lambda: store.listening)

    asyncio.run(run())


def test_at_the_end_the_store_is_deaf_and_the_connection_closed(settings: Settings) -> None:
    async def run() -> None:
        async with following(settings) as store:
            assert len(execute(settings, f"SELECT pid {LISTENERS}")) == 1
        assert not store.listening
        await until(lambda: not execute(settings, f"SELECT pid {LISTENERS}"))

    asyncio.run(run())
