"""Which bulletins somebody follows: the filters of lists, as they are kept and as conditions."""

import datetime as dt
from collections.abc import Mapping
from typing import Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict
from sqlalchemy import ColumnElement, and_, or_, true
from sqlalchemy.ext.asyncio import AsyncSession

from app.bulletins import successors
from app.bulletins.filters import ContentFilters, between, source_rows, tag_rows, words
from app.bulletins.models import PublishedVersion


class Selection(BaseModel):
    """Filters whose names are known to exist; sources by id. Everything passes the empty one."""

    model_config = ConfigDict(frozen=True)

    tag: tuple[str, ...] = ()
    tag_any: tuple[str, ...] = ()
    tag_not: tuple[str, ...] = ()
    sources: tuple[UUID, ...] = ()
    first: dt.date | None = None
    last: dt.date | None = None
    q: str | None = None

    @classmethod
    async def of(cls, session: AsyncSession, filters: ContentFilters) -> Self:
        """What the filters select.

        :raises Problem: a tag or a source is unknown.
        """
        await tag_rows(session, filters)
        return cls(
            tag=filters.tag,
            tag_any=filters.tag_any,
            tag_not=filters.tag_not,
            sources=tuple(source.id for source in await source_rows(session, filters.source)),
            first=filters.from_,
            last=filters.to,
            q=filters.q,
        )

    @property
    def everything(self) -> bool:
        return self == type(self)()

    def condition(self, merged: Mapping[str, str]) -> ColumnElement[bool]:
        """A published version passes all filters.

        :param merged: the slugs of tags that were given up, each with the one that stands for it.
        """

        def tagged(slug: str) -> ColumnElement[bool]:
            return successors.carries(merged, slug)

        return and_(
            true(),
            *map(tagged, self.tag),
            *([or_(*map(tagged, self.tag_any))] if self.tag_any else []),
            *(~tagged(slug) for slug in self.tag_not),
            *(PublishedVersion.sources.contains([source]) for source in self.sources),
            *between(PublishedVersion.date, self.first, self.last),
            *words(PublishedVersion.text, self.q),
        )
