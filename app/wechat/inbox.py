"""Messages that were received: each is answered once, and forgotten after a day."""

import asyncio
import hashlib
import hmac
import re
from dataclasses import asdict
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.bulletins.document import normalised
from app.kit.db import Database
from app.wechat.accounts import Account
from app.wechat.messages import Answer, Message
from app.wechat.models import WechatMessage, WechatQuestion
from app.wechat.workflow import SHANGHAI

KEPT = timedelta(days=1)
GIVEN_UP = timedelta(seconds=5)
"""Whoever has not answered by then does not answer any more."""
LOOKS = 30
"""So often a second copy of a message looks for the answer to the first one, ten times a second."""
COUNTED = 40
"""A question is counted by its first characters."""

_PERSONAL = re.compile(r"\d{7}|@")


class ReplayError(Exception):
    """The signature has been seen with another message."""


class Inbox:
    """The messages of one account. Readers are kept as keyed hashes, and not at all once they have left."""

    def __init__(self, database: Database, account: Account, secret: str) -> None:
        self._database = database
        self._account = account.name
        self._secret = secret.encode()

    async def claim(self, message: Message, seal: str) -> Answer | None:
        """The answer that the message has had already; None if it is to be answered now.

        :raises ReplayError: the seal belongs to another message.
        """
        key = self._hash(message.key)
        values = {
            "account": self._account,
            "key": key,
            "seal": self._hash(seal),
            "reader": self._hash(message.reader),
        }
        for look in range(LOOKS):
            async with self._database.session() as session:
                new = insert(WechatMessage).values(values).on_conflict_do_nothing()
                if await session.scalar(new.returning(WechatMessage.key)):
                    return None
                row = await session.get(WechatMessage, (self._account, key))
                if row is None:
                    raise ReplayError
                if row.answer is not None:
                    return Answer(**row.answer)
                if look == 0 and datetime.now(UTC) - row.at > GIVEN_UP:
                    return None
            await asyncio.sleep(0.1)
        return None

    async def keep(self, message: Message, answer: Answer) -> None:
        """Remember the answer for the message's next copies, and count the question."""
        async with self._database.session() as session:
            await session.execute(
                update(WechatMessage)
                .where(WechatMessage.account == self._account, WechatMessage.key == self._hash(message.key))
                .values(answer=asdict(answer), more=answer.more or None)
            )
            if answer.asked and not _PERSONAL.search(answer.asked):
                await self._count(session, answer)

    async def _count(self, session: AsyncSession, answer: Answer) -> None:
        values = {
            "account": self._account,
            "day": datetime.now(SHANGHAI).date(),
            "text": normalised(answer.asked)[:COUNTED],
            "times": 1,
            "found": answer.found,
        }
        statement = insert(WechatQuestion).values(values)
        await session.execute(
            statement.on_conflict_do_update(
                index_elements=["account", "day", "text"],
                set_={"times": WechatQuestion.times + 1, "found": answer.found},
            )
        )

    async def more(self, reader: str) -> str | None:
        """What the reader's last answer left; None if it left nothing."""
        query = select(WechatMessage.more).where(
            WechatMessage.account == self._account,
            WechatMessage.reader == self._hash(reader),
            WechatMessage.answer.is_not(None),
        )
        async with self._database.session() as session:
            return await session.scalar(query.order_by(WechatMessage.at.desc()).limit(1))

    async def forget_reader(self, reader: str) -> None:
        """Delete all that is kept of somebody who has left."""
        theirs = WechatMessage.reader == self._hash(reader)
        async with self._database.session() as session:
            await session.execute(delete(WechatMessage).where(WechatMessage.account == self._account, theirs))

    def _hash(self, text: str) -> str:
        return hmac.new(self._secret, text.encode(), hashlib.sha256).hexdigest()


async def forget(database: Database) -> None:
    """Delete the messages of the day before."""
    async with database.session() as session:
        await session.execute(delete(WechatMessage).where(WechatMessage.at < datetime.now(UTC) - KEPT))


async def asked(session: AsyncSession, account: str, days: int, limit: int) -> list[tuple[str, int, bool]]:
    """What readers have asked most in the last days: text, times, whether something was found last."""
    since = datetime.now(SHANGHAI).date() - timedelta(days=days - 1)
    times = func.sum(WechatQuestion.times)
    query = (
        select(WechatQuestion.text, times, func.bool_and(WechatQuestion.found))
        .where(WechatQuestion.account == account, WechatQuestion.day >= since)
        .group_by(WechatQuestion.text)
        .order_by(times.desc(), WechatQuestion.text)
        .limit(limit)
    )
    return [(text, int(count), found) for text, count, found in await session.execute(query)]
