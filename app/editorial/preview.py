"""Links that show a draft to whoever has them, until they expire."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Self
from uuid import UUID

from pydantic import AwareDatetime, TypeAdapter, ValidationError
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.bulletins import finished, prospect, successors
from app.bulletins.document import BulletinDocument
from app.bulletins.models import PublishedVersion
from app.editorial import revisions
from app.editorial.models import Draft
from app.editorial.refused import undated
from app.kit.problems import Problem
from app.kit.sealing import Seal, SealError, new_key
from app.kit.settings import Settings
from app.kit.storage import LocalStorage

_KEY = "key"
_BASE64 = re.compile(r"[A-Za-z0-9_-]+={0,2}")


@dataclass(frozen=True, slots=True)
class Link:
    """What a link shows until ``expires_at``: a revision of a draft, None for its latest.

    ``version`` is the public version of the draft when it was made: a later withdrawal ends the link.
    """

    draft: UUID
    revision: int | None
    expires_at: AwareDatetime
    version: int = 0


_LINK = TypeAdapter(Link)


class Links:
    """Makes and reads the tokens of links: nobody else can make one, or read in one what it shows."""

    def __init__(self, keys: list[str]) -> None:
        """:param keys: the first one signs; what any of them has signed is believed."""
        self._seal = Seal(keys)

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """With the keys of the settings or, without, one kept in the data folder that processes share."""
        if settings.preview_keys:
            return cls([key.get_secret_value() for key in settings.preview_keys])
        kept = LocalStorage(settings.data / "previews")
        kept.put(_KEY, new_key().encode())
        return cls([(kept.get(_KEY) or b"").decode()])

    def write(self, link: Link) -> str:
        return self._seal.seal(_LINK.dump_json(link))

    def read(self, token: str, now: datetime) -> Link:
        """The link of a token.

        :raises Problem: it is none of ours, or has expired.
        """
        try:
            # Base64 would be read up to its end, whatever comes after it.
            link = _LINK.validate_json(self._seal.open(token if _BASE64.fullmatch(token) else ""))
        except (SealError, ValidationError):
            raise Problem("link-invalid", "这个预览链接不完整或不是由编辑台发出的。") from None
        if link.expires_at <= now:
            raise Problem("link-expired", "这个预览链接已过期，请向编辑索取新的。")
        return link


async def document_of(session: AsyncSession, link: Link) -> tuple[Draft, BulletinDocument]:
    """The draft that a link shows, and the document.

    :raises Problem: it is no more, or was withdrawn since the link was made.
    """
    draft = await session.get(Draft, link.draft)
    if draft and await _withdrawn(session, draft, link.version):
        raise Problem("link-expired", "这个预览链接所指的一期后来已经撤下，请向编辑索取新的。")
    if draft and (row := await revisions.get(session, draft, link.revision or draft.latest_revision)):
        return draft, revisions.document(row)
    raise Problem("link-expired", "这个预览链接所指的稿件已不存在。")


async def _withdrawn(session: AsyncSession, draft: Draft, since: int) -> bool:
    later = PublishedVersion.version > since, PublishedVersion.kind == "withdrawn"
    found = select(PublishedVersion.version).where(PublishedVersion.slug == draft.slug, *later).limit(1)
    return await session.scalar(found) is not None


async def shown(session: AsyncSession, link: Link) -> bytes:
    """The JSON with which the public API would answer if the draft were published now.

    :raises Refused: the document has no date, so it could not be.
    :raises Problem: it is no more.
    """
    draft, written = await document_of(session, link)
    document = await successors.current(session, written)
    if document.date is None:
        raise undated()
    public = await revisions.get(session, draft, draft.published_revision or 0)
    same = public is not None and revisions.document(public) == written
    standing = await prospect.standing(session, document, draft.version if same else draft.version + 1)
    return next(made.body for made in finished.finish(document, standing) if made.kind == "bulletin")
