"""The job app: what runs after a change, and on a clock."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from procrastinate import App, Blueprint, PsycopgConnector, RetryStrategy

from app import wiring
from app.kit import changes
from app.kit.changes import ChangeLog
from app.kit.db import Database, connect
from app.kit.jobs import housekeeping
from app.kit.settings import Settings

log = structlog.get_logger(__name__)

RETRY = RetryStrategy(exponential_wait=2, max_attempts=10)


def follower_tasks(database: Database, log_: ChangeLog) -> Blueprint:
    """The task that lets a follower catch up, and the clock that makes up for a lost job."""
    tasks = Blueprint()

    @tasks.task(name="follow", retry=RETRY)
    async def follow(follower: str) -> None:
        if follower in log_.followers:
            await changes.catch_up(database, follower, log_.followers[follower])

    @tasks.periodic(cron="* * * * *")
    @tasks.task(name="follow-all", queueing_lock="follow-all")
    async def follow_all(timestamp: int) -> None:  # noqa: ARG001 - procrastinate passes it
        await catch_up_all(database, log_)

    return tasks


async def catch_up_all(database: Database, log_: ChangeLog) -> None:
    """Let every follower catch up; one that fails does not keep the others."""
    for name, follower in log_.followers.items():
        try:
            await changes.catch_up(database, name, follower)
        except Exception:
            log.exception("follower.failed", follower=name)


@asynccontextmanager
async def job_app(settings: Settings, log_: ChangeLog = wiring.changes) -> AsyncIterator[App]:
    """procrastinate with all tasks, connected."""
    async with connect(settings) as database:
        app = App(connector=PsycopgConnector(conninfo=database.conninfo, min_size=1, max_size=4))
        app.add_tasks_from(follower_tasks(database, log_), namespace="")
        app.add_tasks_from(housekeeping, namespace="")
        async with app.open_async():
            await catch_up_all(database, log_)
            yield app


async def run(settings: Settings) -> None:
    """Work until SIGINT or SIGTERM."""
    async with job_app(settings) as app:
        await app.run_worker_async(concurrency=4)
