"""Background jobs: procrastinate on the same Postgres, deferred inside the caller's transaction."""

import structlog
from procrastinate import App, Blueprint, JobContext, PsycopgConnector
from procrastinate.types import JSONValue
from sqlalchemy.ext.asyncio import AsyncSession

log = structlog.get_logger(__name__)

# It is never opened: it only writes jobs through the connections of its callers.
_deferring = App(connector=PsycopgConnector())

housekeeping = Blueprint()


async def defer(session: AsyncSession, task: str, *, lock: str | None = None, **arguments: JSONValue) -> None:
    """Defer a job that exists only if the session's transaction commits.

    :param lock: no two jobs with the same lock run at once.
    """
    connection = await session.connection()
    raw = await connection.get_raw_connection()
    job = _deferring.configure_task(task, lock=lock, connection=raw.driver_connection)
    await job.defer_async(**arguments)


@housekeeping.periodic(cron="* * * * *")
@housekeeping.task(name="retry-stalled", queueing_lock="retry-stalled", pass_context=True)
async def retry_stalled(context: JobContext, timestamp: int) -> None:  # noqa: ARG001 - procrastinate passes it
    """Give the jobs of a worker that died to another one."""
    for job in await context.app.job_manager.get_stalled_jobs():
        log.warning("job.retried", task=job.task_name, job=job.id)
        await context.app.job_manager.retry_job(job)


@housekeeping.periodic(cron="17 3 * * *")
@housekeeping.task(name="forget-finished", queueing_lock="forget-finished", pass_context=True)
async def forget_finished(context: JobContext, timestamp: int) -> None:  # noqa: ARG001
    """Delete finished jobs after a week."""
    await context.app.job_manager.delete_old_jobs(nb_hours=24 * 7)
