"""A database and an index of Meilisearch that is to be kept true to it."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import psycopg

from app.kit import changes
from app.kit.db import Database, connect
from app.kit.settings import Settings
from app.search.indexing import FOLLOWER, Repairs, drift, follower, reconcile, reindex
from app.search.meilisearch_index import Index
from tests.search.shelf import bulletin

PROCESS = Path(__file__).with_name("indexing_process.py")

FIRST = bulletin("2026-06-01", ("软银", "软银投资日本。", ["softbank"]), ("算力", "算力增长。", []))
SECOND = bulletin("2026-06-02", ("数据", "数据要素流通。", ["data-elements"]), abstract="数据为主。")
SHORTER = bulletin("2026-06-01", ("软银", "软银改变计划。", ["softbank"]))

T = TypeVar("T")


@dataclass(frozen=True)
class Kept:
    """A database, an index of Meilisearch, and what keeps the one true to the other."""

    settings: Settings
    meilisearch: Settings
    index: Index

    def run(self, work: Callable[[Database], Coroutine[Any, Any, T]]) -> T:
        async def inside() -> T:
            async with connect(self.settings) as database:
                return await work(database)

        return asyncio.run(inside())

    def reindex(self) -> None:
        self.run(lambda database: reindex(database, self.index))

    def reconcile(self) -> Repairs:
        return self.run(lambda database: reconcile(database, self.index))

    def drift(self) -> list[str]:
        return self.run(lambda database: drift(database, self.index))

    def follow(self) -> int:
        work = follower(lambda: self.index)
        return self.run(lambda database: changes.catch_up(database, FOLLOWER, work))

    def position(self) -> int:
        with psycopg.connect(self.settings.conninfo) as connection:
            row = connection.execute(
                "SELECT seq FROM change_position WHERE follower = %s", [FOLLOWER]
            ).fetchone()
        return int(row[0]) if row else 0

    def execute(self, statement: str) -> None:
        with psycopg.connect(self.settings.conninfo) as connection:
            connection.execute(statement.encode())

    def killed_at_each_step(self, work: str) -> list[tuple[int, int]]:
        """How each process ended, and the follower's position then; only the last one was not killed."""
        key = self.meilisearch.meili_key
        environment = {
            **os.environ,
            "MEILI_URL": self.meilisearch.meili_url or "",
            "MEILI_KEY": key.get_secret_value() if key else "",
        }
        command = [sys.executable, str(PROCESS), self.settings.conninfo, self.index.uid, work]
        done = subprocess.run(command, env=environment, timeout=300, check=True, capture_output=True)
        return [(end, position) for end, position in json.loads(done.stdout)]
