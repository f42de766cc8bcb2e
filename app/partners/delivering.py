"""Delivers webhooks: what is due, in order for each object, with room for everybody."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import httpx2
import structlog
from sqlalchemy import insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.kit.background import running
from app.kit.changes import Position
from app.kit.db import Database
from app.kit.problems import DATABASE_AWAY
from app.kit.settings import Settings
from app.partners import messages
from app.partners.guard import Guard
from app.partners.models import Attempt, Delivery, Endpoint
from app.partners.sending import Message, Outcome, Sender
from app.partners.vault import Vault, VaultError

log = structlog.get_logger(__name__)

PATIENCE = 30.0
GIVE_UP = timedelta(hours=72)
FIRST_WAIT = timedelta(seconds=5)
LONGEST_WAIT = timedelta(hours=8)

_AT_ONCE = 256
"""Messages under way in one process."""
_EACH = 4
"""Of them to one endpoint; to one that fails, one."""
_HOLD = timedelta(seconds=90)
"""For so long nobody else sends a message that is under way; a killed worker's are sent again then."""
_PAUSE_SECONDS = 5.0
_PATIENCE_WITH_SEARCH = timedelta(minutes=10)
"""A search engine that is away is not waited for longer: another one answers instead of it."""

_CLAIM = text("""
WITH due AS (
    SELECT found.id FROM webhook_endpoint e CROSS JOIN LATERAL (
        SELECT d.id FROM webhook_delivery d
        WHERE d.endpoint_id = e.id AND d.state = 'pending' AND d.due_at <= now()
          AND coalesce(d.held_until, '-infinity') <= now()
          AND (d.seq <= :served OR d.created_at <= now() - CAST(:patience AS interval))
          AND NOT EXISTS (
              SELECT FROM webhook_delivery before
              WHERE before.endpoint_id = d.endpoint_id AND before.subject = d.subject
                AND before.state = 'pending' AND before.id < d.id)
        ORDER BY d.due_at, d.id
        LIMIT greatest(0, CASE WHEN e.failing_since IS NULL THEN :each ELSE 1 END - (
            SELECT count(*) FROM webhook_delivery held
            WHERE held.endpoint_id = e.id AND held.state = 'pending' AND held.held_until > now()))
    ) found
    WHERE e.status = 'active'
    ORDER BY random() LIMIT :room
), mine AS (
    SELECT d.id FROM webhook_delivery d JOIN due USING (id)
    WHERE d.state = 'pending' AND coalesce(d.held_until, '-infinity') <= now()
    FOR UPDATE OF d SKIP LOCKED
)
UPDATE webhook_delivery d SET held_until = now() + CAST(:hold AS interval)
FROM mine, webhook_endpoint e WHERE d.id = mine.id AND e.id = d.endpoint_id
RETURNING d.id, e.id, d.message_id, e.url, d.body, d.attempts, d.first_tried_at, e.secret,
    CASE WHEN e.former_until > now() THEN e.former_secret END
""")


@dataclass(frozen=True, slots=True)
class Pace:
    """How long an answer may take, and how long things are held and waited for."""

    patience: float = PATIENCE
    hold: timedelta = _HOLD
    idle: float = 0.5
    first_wait: timedelta = FIRST_WAIT


class Deliverer:
    """Sends what is due, as long as it runs. Several may run: none sends what another one holds."""

    def __init__(
        self, database: Database, settings: Settings, *, behind: str, pace: Pace | None = None
    ) -> None:
        """
        :param behind: the follower of the log that keeps search true; messages wait for it.
        """
        self._database = database
        self._guard = Guard(settings.webhook_allow)
        self._vault = Vault([key.get_secret_value() for key in settings.secrets_keys])
        self._behind = behind
        self._pace = pace or Pace()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Deliver as long as the context lasts."""
        async with running(self._always()):
            yield

    async def _always(self) -> None:
        while True:
            try:
                await self._run()
            except Exception:
                # What was under way is sent again once nobody holds it any more.
                log.exception("webhooks.failed")
                await asyncio.sleep(_PAUSE_SECONDS)

    async def _run(self) -> None:
        transport = self._guard.transport(_AT_ONCE)
        async with httpx2.AsyncClient(transport=transport, trust_env=False, timeout=None) as client:
            sender = Sender(client, self._pace.patience)
            sending: set[asyncio.Task[Outcome]] = set()
            finished: list[Outcome] = []
            try:
                while True:
                    claimed = await self._turn(finished, _AT_ONCE - len(sending))
                    sending |= {asyncio.create_task(sender.send(message)) for message in claimed}
                    done, sending = await _first(sending, self._pace.idle)
                    finished += [task.result() for task in done]
            finally:
                for task in sending:
                    task.cancel()

    async def _turn(self, finished: list[Outcome], room: int) -> list[Message]:
        """Note what has become of messages, and take more; a database that is away is waited for."""
        try:
            async with self._database.session() as session:
                await record(session, finished, self._pace.first_wait)
                claimed = await self._claim(session, room)
        except DATABASE_AWAY as error:
            log.warning("webhooks.interrupted", reason=type(error).__name__)
            return []
        finished.clear()
        return claimed

    async def _claim(self, session: AsyncSession, room: int) -> list[Message]:
        position = await session.get(Position, self._behind)
        rows = await session.execute(
            _CLAIM,
            {
                "served": position.seq if position else 0,
                "patience": _PATIENCE_WITH_SEARCH,
                "each": _EACH,
                "room": room,
                "hold": self._pace.hold,
            },
        )
        claimed = []
        for id_, endpoint, message_id, url, body, attempts, first, secret, former in rows:
            try:
                secrets = [self._vault.open(kept) for kept in (secret, former) if kept]
            except VaultError as error:
                log.error("webhooks.secret", endpoint=str(endpoint), reason=str(error))  # noqa: TRY400
                continue
            claimed.append(Message(id_, endpoint, message_id, url, body, secrets, attempts, first))
        return claimed


async def _first(
    sending: set[asyncio.Task[Outcome]], seconds: float
) -> tuple[set[asyncio.Task[Outcome]], set[asyncio.Task[Outcome]]]:
    """Wait for one to be done, or for new ones to be due."""
    if not sending:
        await asyncio.sleep(seconds)
        return set(), set()
    return await asyncio.wait(sending, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)


async def record(
    session: AsyncSession, outcomes: Sequence[Outcome], first_wait: timedelta = FIRST_WAIT
) -> None:
    """Write what has become of messages: attempts, the next times, endpoints that fail or are gone."""
    if not outcomes:
        return
    attempts = [
        {
            "delivery_id": each.message.delivery_id,
            "at": each.at,
            "status": each.status,
            "error": each.error,
            "answer": each.answer,
            "milliseconds": each.milliseconds,
        }
        for each in outcomes
    ]
    # An endpoint may have been deleted meanwhile, and its deliveries with it.
    kept = await _held(session, [each.message.delivery_id for each in outcomes])
    attempts = [row for row in attempts if row["delivery_id"] in kept]
    if not attempts:
        return
    await session.execute(insert(Attempt), attempts)
    results = [each for each in outcomes if each.message.delivery_id in kept]
    await session.execute(update(Delivery), [_after(each, first_wait) for each in results])
    ids = {each.message.endpoint_id for each in results}
    endpoints = select(Endpoint).where(Endpoint.id.in_(ids)).order_by(Endpoint.id).with_for_update()
    for endpoint in await session.scalars(endpoints):
        await _judge(session, endpoint, [r for r in results if r.message.endpoint_id == endpoint.id])


async def _held(session: AsyncSession, ids: Sequence[int]) -> set[int]:
    query = text("SELECT id FROM webhook_delivery WHERE id = ANY(:ids) ORDER BY id FOR UPDATE")
    return set((await session.scalars(query, {"ids": list(ids)})).all())


def _after(outcome: Outcome, first_wait: timedelta) -> dict[str, object]:
    """The delivery's row after an attempt."""
    message = outcome.message
    first = message.first_tried_at or outcome.at
    now = datetime.now(UTC)
    row = {
        "id": message.delivery_id,
        "attempts": message.attempts + 1,
        "first_tried_at": first,
        "held_until": None,
        "state": "pending",
        "due_at": now,
        "finished_at": None,
    }
    if outcome.delivered:
        return {**row, "state": "delivered", "finished_at": now}
    end = first + GIVE_UP
    if now >= end:
        return {**row, "state": "failed", "finished_at": now}
    wait = max(backoff(message.attempts, first_wait), outcome.retry_after or timedelta(0))
    return {**row, "due_at": min(now + wait, end)}


def backoff(
    attempts: int, first: timedelta = FIRST_WAIT, chance: Callable[[float, float], float] = random.uniform
) -> timedelta:
    """How long to wait after so many failures: four times longer each time, and never all at once."""
    wait: timedelta = min(first * 4 ** min(attempts, 20), LONGEST_WAIT)
    return wait * chance(0.8, 1.2)


async def _judge(session: AsyncSession, endpoint: Endpoint, outcomes: Sequence[Outcome]) -> None:
    """Note that an endpoint works, fails, or is to be left alone."""
    now = datetime.now(UTC)
    works = any(each.delivered for each in outcomes)
    endpoint.failing_since = None if works else endpoint.failing_since or outcomes[0].at
    note = ""
    if any(each.status == 410 for each in outcomes):
        note = "it answered 410: it is gone"
    elif endpoint.failing_since and now - endpoint.failing_since >= GIVE_UP:
        note = f"it has failed for {GIVE_UP.total_seconds() / 3600:.0f} hours"
    if note and endpoint.status == "active":
        endpoint.status, endpoint.status_note = "disabled", note
        log.warning("webhooks.disabled", endpoint=str(endpoint.id), url=endpoint.url, reason=note)
        await messages.tell_disabled(session, endpoint)
