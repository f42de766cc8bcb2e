"""What partners' tables forget, on a clock."""

from procrastinate import Blueprint
from sqlalchemy import delete, func

from app.kit.db import Database
from app.partners.models import Delivery
from app.partners.webhooks import KEPT


def clock(database: Database) -> Blueprint:
    """The job that forgets old deliveries each night."""
    tasks = Blueprint()

    @tasks.periodic(cron="23 3 * * *")
    @tasks.task(name="forget-deliveries", queueing_lock="forget-deliveries")
    async def forget_deliveries(timestamp: int) -> None:  # noqa: ARG001 - procrastinate passes it
        # Those too that wait for an endpoint to be resumed.
        old = delete(Delivery).where(Delivery.created_at < func.now() - KEPT)
        async with database.session() as session:
            await session.execute(old)

    return tasks
