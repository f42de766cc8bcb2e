"""Sends one message: signed, to a checked address, without redirects, in bounded time."""

import re
from asyncio import timeout
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import monotonic
from uuid import UUID

import httpx2
from standardwebhooks import Webhook

from app.kit.conditional import date
from app.partners.guard import AddressRefusedError

LONGEST_ANSWER = 4_096
"""Bytes of an answer that are read; the log keeps the beginning of them."""
_KEPT = 500
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Message:
    """A delivery with all that is needed to send it; the secrets are open, the newest first."""

    delivery_id: int
    endpoint_id: UUID
    message_id: str
    url: str
    body: str
    secrets: Sequence[str]
    attempts: int
    first_tried_at: datetime | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of sending a message; ``retry_after`` is what the endpoint asked for."""

    message: Message
    at: datetime
    status: int | None
    error: str
    answer: str
    milliseconds: int
    retry_after: timedelta | None = None

    @property
    def delivered(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


class Sender:
    """Sends messages over one pool of connections."""

    def __init__(self, client: httpx2.AsyncClient, patience: float) -> None:
        """
        :param patience: seconds for an answer to begin, whatever it then says.
        """
        self._client = client
        self._patience = patience

    async def send(self, message: Message) -> Outcome:
        """Send a message once; whatever happens is an outcome."""
        at, began = datetime.now(UTC), monotonic()
        status, error, answer, retry_after = None, "", "", None
        try:
            async with (
                timeout(self._patience),
                self._client.stream(
                    "POST", message.url, content=message.body.encode(), headers=headers(message, at)
                ) as response,
            ):
                status = response.status_code
                retry_after = _retry_after(response.headers.get("retry-after", ""), at)
                answer = await _beginning(response)
        except TimeoutError:
            error = f"it did not answer within {self._patience:g} s" if status is None else ""
        except (httpx2.HTTPError, httpx2.InvalidURL, AddressRefusedError) as failure:
            error = "" if status else _CONTROLS.sub("", str(failure) or type(failure).__name__)[:_KEPT]
        if status is not None and 300 <= status < 400:
            error = "redirects are not followed"
        milliseconds = int((monotonic() - began) * 1_000)
        return Outcome(message, at, status, error, answer, milliseconds, retry_after)


def headers(message: Message, at: datetime) -> dict[str, str]:
    """Id, time and a signature by each secret, so that a receiver may change over when it likes."""
    signatures = [Webhook(secret).sign(message.message_id, at, message.body) for secret in message.secrets]
    return {
        "content-type": "application/json",
        "user-agent": "nqpf-webhooks/1",
        "webhook-id": message.message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


async def _beginning(response: httpx2.Response) -> str:
    """The beginning of an answer, as it was sent: nothing is unpacked."""
    read = b""
    async for chunk in response.aiter_raw(LONGEST_ANSWER):
        read += chunk
        if len(read) >= LONGEST_ANSWER:
            break
    return _CONTROLS.sub("", read.decode("utf-8", "replace"))[:_KEPT]


def _retry_after(header: str, now: datetime) -> timedelta | None:
    if re.fullmatch(r"[0-9]{1,9}", header.strip()):
        return timedelta(seconds=int(header))
    moment = date(header)
    return max(moment - now, timedelta(0)) if moment else None
