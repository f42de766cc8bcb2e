"""A primary with a replica that follows it, from one server's binaries."""

import asyncio
import os
import subprocess
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from psycopg.conninfo import conninfo_to_dict
from pydantic import SecretStr
from sqlalchemy import text

from app.bulletins import finished
from app.bulletins.document import BulletinDocument
from app.bulletins.taxonomy import curated
from app.editorial.commands import curate_tags
from app.kit import migrate
from app.kit.db import Database, connect
from app.kit.embedded_postgres import Cluster, running
from app.kit.run_as import open_the_way
from app.kit.settings import Settings
from app.wiring import changes
from tests.bulletins.conftest import on_the_shelf, problem
from tests.conftest import publish_into, serving
from tests.kit.change_log import execute
from tests.kit.toy import until

FAST = {"fsync": "off"}
RECOVERING = "SELECT pg_is_in_recovery()"


@dataclass(frozen=True)
class Pair:
    """``settings`` read from the replica; ``alone`` are those of the replica as if it were a database."""

    settings: Settings
    alone: Settings
    replica: Cluster

    def replay(self, *, on: bool) -> None:
        execute(self.alone, f"SELECT pg_wal_replay_{'resume' if on else 'pause'}()")

    def caught_up(self) -> bool:
        last = [execute(each, "SELECT max(seq) FROM change") for each in (self.settings, self.alone)]
        return last[0] == last[1]


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    with (
        tempfile.TemporaryDirectory(prefix="nqpf-") as first,
        tempfile.TemporaryDirectory(prefix="nqpf-") as second,
        running(Path(first), FAST) as uri,
    ):
        primary = Settings(data=Path(first)).with_database(uri)
        migrate.upgrade(primary)
        replica = Cluster(Path(second))
        sockets = Cluster(Path(first)).sockets
        command = [
            str(replica.binaries / "pg_basebackup"),
            "-h",
            str(sockets),
            "-U",
            "postgres",
            "-R",
            "-c",
            "fast",
        ]
        account: dict[str, Any] = {}
        if replica.account:
            open_the_way(replica.folder, replica.account)
            replica.folder.mkdir(mode=0o700)
            os.chown(replica.folder, replica.account.pw_uid, replica.account.pw_gid)
            # The group too: that of root would keep it from passing through root's folders.
            account = {
                "user": replica.account.pw_uid,
                "group": replica.account.pw_gid,
                "extra_groups": [],
            }
        subprocess.run(
            [*command, "-D", str(replica.folder)], check=True, env={"LC_ALL": "C.UTF-8"}, **account
        )
        with running(Path(second), FAST) as copy:
            settings = primary.model_copy(update={"replica_urls": (SecretStr(copy),)})
            yield Pair(settings, primary.with_database(copy), replica)


def on(pair: Pair, test: Callable[[Database], Awaitable[Any]]) -> None:
    async def run() -> None:
        await until(pair.caught_up)
        async with connect(pair.settings) as database:
            await test(database)

    asyncio.run(run())


async def at_replica(database: Database) -> bool:
    """Where both ways of reading go, which is the same place."""
    async with database.snapshot(public=True) as session:
        by_session = await session.scalar(text(RECOVERING))
    async with database.snapshot() as session:
        assert await session.scalar(text(RECOVERING)) is False, "drafts are read where they are written"
    by_lookup = await database.lookup(RECOVERING, ())
    assert by_lookup == (by_session,)
    return bool(by_session)


def last(pair: Pair) -> int:
    ((seq,),) = execute(pair.settings, "SELECT coalesce(max(seq), 0) FROM change")
    return int(seq)


def test_reads_go_to_a_replica_that_has_all_that_is_known(pair: Pair) -> None:
    async def test(database: Database) -> None:
        assert await at_replica(database)
        pair.replay(on=False)
        async with database.session() as session:
            renamed = [tag.model_copy(update={"name_en": tag.name_en + "!"}) for tag in curated().tags]
            await curate_tags(session, changes, curated().model_copy(update={"tags": tuple(renamed)}))
        assert await at_replica(database), "nobody has told that anything changed"
        known = last(pair)
        database.heard = lambda: known
        assert not await at_replica(database)
        pair.replay(on=True)
        await until(pair.caught_up)
        assert await at_replica(database)

    on(pair, test)


def test_who_knows_a_version_gets_no_older_one(pair: Pair) -> None:
    document: BulletinDocument = on_the_shelf(0).model_copy(update={"citations": ()})
    bare = tuple(section.model_copy(update={"tags": ()}) for section in document.sections)
    document = document.model_copy(update={"sections": bare})
    publish_into(pair.settings, [document])

    async def test(database: Database) -> None:
        pair.replay(on=False)
        corrected = document.model_copy(update={"abstract": "更正"})
        await asyncio.to_thread(publish_into, pair.settings, [corrected])
        found = [
            await finished.find(database, document.slug, "bulletin", at_least=version)
            for version in (1, 2, 3)
        ]
        assert [each.version for each in found if each] == [1, 2, 2]
        pair.replay(on=True)

    on(pair, test)


def test_a_reader_who_names_a_version_gets_no_older_one_over_http(pair: Pair) -> None:
    document = on_the_shelf(1).model_copy(update={"citations": (), "sections": ()})
    address = f"/v1/bulletins/{document.slug}"
    publish_into(pair.settings, [document])
    asyncio.run(until(pair.caught_up))
    with serving(pair.settings) as server:
        # A process that has not heard of the correction yet: only then a replica may lack it.
        server.app.state.database.heard = lambda: 0
        pair.replay(on=False)
        publish_into(pair.settings, [document.model_copy(update={"abstract": "更正"})])
        server.forget()
        try:
            assert server.client.get(address).json()["version"] == 1
            assert server.client.get(f"{address}?min_version=2").json()["version"] == 2
            newest = server.client.get(f"{address}?min_version=3")
        finally:
            pair.replay(on=True)
        assert problem(newest, 404, "not-found")["detail"] == f"Version 2 is the newest of {document.slug}."


def test_of_several_hosts_the_one_that_takes_writes_is_found(pair: Pair) -> None:
    folders = [conninfo_to_dict(each.conninfo)["host"] for each in (pair.alone, pair.settings)]
    both = Settings(data=pair.settings.data).with_database(
        f"postgresql://postgres@/nqpf?host={','.join(map(str, folders))}"
    )

    async def run() -> None:
        async with connect(both) as database:
            assert not await at_replica(database)

    asyncio.run(run())
    assert migrate.current(both) == migrate.head()


def test_a_replica_that_is_away_is_left_alone_for_a_while(pair: Pair) -> None:
    async def test(database: Database) -> None:
        assert await at_replica(database)
        await asyncio.to_thread(pair.replica.stop)
        assert not await at_replica(database)
        await asyncio.to_thread(pair.replica.start, FAST)
        assert not await at_replica(database)

    on(pair, test)
