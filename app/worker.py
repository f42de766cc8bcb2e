"""The job app: what runs after a change, and on a clock."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import structlog
from procrastinate import App, Blueprint, PsycopgConnector, RetryStrategy
from procrastinate.exceptions import ConnectorException
from procrastinate.signals import on_stop
from psycopg import AsyncConnection, OperationalError
from psycopg.errors import ForeignKeyViolation
from sqlalchemy.exc import DBAPIError

from app import wiring
from app.bulletins import finished
from app.editorial import clock, retagging
from app.kit import changes
from app.kit.changes import ChangeLog
from app.kit.db import Database, connect
from app.kit.image_store import image_store
from app.kit.jobs import housekeeping
from app.kit.migrate import explain
from app.kit.settings import Settings
from app.partners import digests, export_shelf
from app.partners import housekeeping as partners
from app.partners.delivering import Deliverer
from app.search import indexing
from app.wechat import accounts as wechat_accounts
from app.wechat import jobs as wechat
from app.wechat.assembling import stored

log = structlog.get_logger(__name__)

RETRY = RetryStrategy(exponential_wait=2, max_attempts=10)

_FIRST_WAIT = 0.5
_LONGEST_WAIT = 10.0


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
        except Exception as error:
            if _lost(error):
                log.warning("follower.interrupted", follower=name, reason=str(error).splitlines()[0])
            else:
                log.exception("follower.failed", follower=name)


@asynccontextmanager
async def job_app(settings: Settings, log_: ChangeLog = wiring.changes) -> AsyncIterator[App]:
    """procrastinate with all tasks, connected."""
    async with connect(settings) as database:
        app = App(connector=PsycopgConnector(conninfo=database.conninfo, min_size=1, max_size=4, timeout=5))
        app.add_tasks_from(follower_tasks(database, log_), namespace="")
        app.add_tasks_from(housekeeping, namespace="")
        app.add_tasks_from(clock.housekeeping(database), namespace="")
        app.add_tasks_from(retagging.tasks(database, log_), namespace="")
        app.add_tasks_from(finished.clock(database, log_), namespace="")
        app.add_tasks_from(export_shelf.clock(database, settings.data / "exports"), namespace="")
        app.add_tasks_from(indexing.clock(database, indexing.configured(settings)), namespace="")
        app.add_tasks_from(partners.clock(database), namespace="")
        app.add_tasks_from(digests.clock(database), namespace="")
        deliverer = Deliverer(database, settings, behind=indexing.FOLLOWER)
        accounts, pictures = wechat_accounts.load(settings), stored(image_store(settings))
        app.add_tasks_from(wechat.tasks(database, accounts, pictures), namespace="")
        async with app.open_async(), deliverer.running():
            await catch_up_all(database, log_)
            async with clock.watching(database, log_):
                yield app


async def run(settings: Settings) -> None:
    """Work until SIGINT or SIGTERM; a database that goes away is waited for."""
    for handler in logging.getLogger().handlers:
        handler.addFilter(_in_one_line)
    working = asyncio.create_task(_work(settings))

    def stop() -> None:
        working.cancel()

    # Not procrastinate's own handlers: they do not tell a stop from the end that a lost database makes.
    with on_stop(stop), suppress(asyncio.CancelledError):
        await working


async def _work(settings: Settings) -> None:
    task = asyncio.current_task()
    while task and not task.cancelling():
        try:
            async with job_app(settings) as app:
                await app.run_worker_async(concurrency=4, install_signal_handlers=False)
        except (ConnectorException, DBAPIError, OperationalError) as error:
            if not (_lost(error) or _forgotten(error)):
                raise
        if task and not task.cancelling():
            log.warning("worker.interrupted", reason="it lost the database or its entry, and begins anew")
            await _wait_for_database(settings)


async def _wait_for_database(settings: Settings) -> None:
    wait = _FIRST_WAIT
    while True:
        await asyncio.sleep(wait)
        wait = min(2 * wait, _LONGEST_WAIT)
        try:
            connection = await AsyncConnection.connect(settings.conninfo, connect_timeout=5)
        except OperationalError as error:
            log.warning("database.away", reason=explain(error), retry_seconds=wait)
        else:
            await connection.close()
            log.info("database.answers")
            return


def _lost(error: BaseException | None) -> bool:
    """Whether the connection was lost or could not be had."""
    return isinstance(error, OperationalError) or isinstance(
        error.__cause__ if error else None, OperationalError
    )


def _forgotten(error: BaseException) -> bool:
    """Whether the others took this worker for dead, because it had not been heard of, and struck it out."""
    return isinstance(error.__cause__, ForeignKeyViolation)


def _in_one_line(record: logging.LogRecord) -> bool:
    """Let procrastinate, its tasks and the pool say without a traceback that the database is lost."""
    if record.name.startswith(("procrastinate", "psycopg", "asyncio")):
        record.msg, record.args = " ".join(record.getMessage().split()), None
        if isinstance(record.exc_info, tuple) and _lost(record.exc_info[1]):
            record.exc_info = None
    return True
