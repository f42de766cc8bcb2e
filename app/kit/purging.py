"""A cache in front of the API is told what has changed: a follower of the change log."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import httpx2
from sqlalchemy.ext.asyncio import AsyncSession

from app.kit.changes import Change, Follower
from app.kit.settings import Settings

FOLLOWER = "purge"
MOST = 256
"""So many keys Fastly takes at once."""

Form = Callable[[Sequence[str], str], Mapping[str, Any]]
"""From surrogate keys and the secret to what httpx2 sends by POST."""


def _generic(keys: Sequence[str], secret: str) -> Mapping[str, Any]:
    return {"json": {"keys": list(keys)}, "headers": {"Authorization": f"Bearer {secret}"}}


def _fastly(keys: Sequence[str], secret: str) -> Mapping[str, Any]:
    return {"json": {"surrogate_keys": list(keys)}, "headers": {"Fastly-Key": secret}}


def _cloudflare(keys: Sequence[str], secret: str) -> Mapping[str, Any]:
    return {"json": {"tags": list(keys)}, "headers": {"Authorization": f"Bearer {secret}"}}


FORMS: Mapping[str, Form] = {"generic": _generic, "fastly": _fastly, "cloudflare": _cloudflare}


def follower(find: Callable[[], Settings] = Settings.load) -> Follower:
    """Sends the keys that changes have touched to NQPF_PURGE_URL; without that it only moves on.

    Whatever is not acknowledged is sent again with the changes after it: nothing is left out.
    """

    async def follow(session: AsyncSession, changes: Sequence[Change]) -> None:  # noqa: ARG001 - a Follower
        settings = find()
        if settings.purge_url is None:
            return
        keys = dict.fromkeys(key for change in changes for key in change.touched)
        secret = settings.purge_key.get_secret_value() if settings.purge_key else ""
        async with httpx2.AsyncClient(timeout=10) as client:
            for part in _parts(list(keys)):
                request = FORMS[settings.purge_form](part, secret)
                (await client.post(settings.purge_url, **request)).raise_for_status()

    return follow


def _parts(keys: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(keys), MOST):
        yield keys[start : start + MOST]
