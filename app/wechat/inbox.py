"""Messages that were received: each is answered once, and forgotten after a day."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import delete

from app.kit.db import Database
from app.wechat.models import WechatMessage

KEPT = timedelta(days=1)


async def forget(database: Database) -> None:
    """Delete the messages of the day before."""
    async with database.session() as session:
        await session.execute(delete(WechatMessage).where(WechatMessage.at < datetime.now(UTC) - KEPT))
