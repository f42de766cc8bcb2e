"""The query parameters of the public reading API."""

from typing import Annotated

from pydantic import Field

from app.bulletins import schemas
from app.bulletins.catalogue import SourceQuery, TagQuery
from app.bulletins.described import sparse_fields
from app.bulletins.filters import Order, TagFilters
from app.bulletins.versions import VersionQuery
from app.kit.parameters import Digits, PastMoment, Query, one_of

AsOf = Annotated[
    PastMoment | None, Field(description="The list as it was then, without what was withdrawn since")
]


class BulletinsQuery(TagFilters):
    order: Annotated[Order, Field(description="`-date` newest first, `date` oldest first")] = "-date"
    include: Annotated[
        str | None,
        *one_of("sections", "citations", "contacts"),
        Field(description="Add these parts of the content, separated by commas"),
    ] = None
    as_of: AsOf = None
    fields: Annotated[str | None, *sparse_fields(schemas.BulletinItem)] = None


class LatestQuery(Query):
    fields: Annotated[str | None, *sparse_fields(schemas.Bulletin)] = None


class BulletinQuery(VersionQuery):
    min_version: Annotated[
        int,
        Field(ge=1, le=1_000_000, description="A version that you know of: you get no older one"),
        Digits,
    ] = 1
    fields: Annotated[str | None, *sparse_fields(schemas.Bulletin)] = None


class SectionsQuery(TagFilters):
    order: Annotated[Order, Field(description="`-date` newest first, `date` oldest first")] = "-date"
    as_of: AsOf = None
    fields: Annotated[str | None, *sparse_fields(schemas.Section)] = None


class SectionQuery(Query):
    fields: Annotated[str | None, *sparse_fields(schemas.Section)] = None


class TagsQuery(TagQuery):
    fields: Annotated[str | None, *sparse_fields(schemas.Tag)] = None


class TagDetailQuery(Query):
    fields: Annotated[str | None, *sparse_fields(schemas.TagDetail)] = None


class ReferencesQuery(TagFilters):
    fields: Annotated[str | None, *sparse_fields(schemas.Reference)] = None


class ReferenceQuery(Query):
    fields: Annotated[str | None, *sparse_fields(schemas.ReferenceDetail)] = None


class SourcesQuery(SourceQuery):
    fields: Annotated[str | None, *sparse_fields(schemas.Source)] = None
