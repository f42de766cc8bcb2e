"""One search from its parameters to its answer: understood, found by an engine, shown."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from time import perf_counter
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, TypeAdapter

from app.bulletins.filters import TagFilters, source_rows, tag_rows
from app.bulletins.models import Tag
from app.kit import pagination
from app.kit.changes import last_change
from app.kit.db import Database
from app.kit.parameters import Typed, chosen, one_of
from app.kit.problems import Problem, invalid_cursor, invalid_parameter
from app.search import present
from app.search.contract import Answer, EngineUnavailableError, Facet, Filters, Search, SearchEngine, Sort
from app.search.schemas import Facets, SearchPage
from app.search.vocabulary import understand

Place = TypeAdapter(
    tuple[
        Annotated[int, Field(ge=1, le=10_000_000)], AwareDatetime | None, Annotated[str, Field(max_length=20)]
    ]
)
"""What a cursor holds: how many hits came before, the moment of the first page, and who answered it."""


class SearchQuery(TagFilters):
    q: Annotated[
        Typed,
        Field(
            description='Words that must all be found, `"a phrase"`, `-without`. A quote that is not closed '
            "reaches to the end. The last word may be half typed.",
            examples=["数据要素"],
        ),
    ]
    sort: Annotated[Sort, Field(description="`date` is newest first")] = Sort.relevance
    facets: Annotated[
        str | None,
        *one_of(*Facet),
        Field(description="Count the hits by these, separated by commas"),
    ] = None
    group: Annotated[
        Literal["bulletin"] | None, Field(description="Only the best section of each bulletin")
    ] = None


async def ask(database: Database, engine: SearchEngine, asked: SearchQuery) -> SearchPage:
    """Answer one search.

    No connection is held while the engine works: it may need one of its own.

    :raises Problem: a parameter is not acceptable, or no engine can answer.
    """
    started = perf_counter()
    # Facets change no page: they may be asked for once.
    owner = pagination.scope(asked.model_copy(update={"facets": None}), "search")
    async with database.snapshot(public=True) as session:
        tags = await tag_rows(session, asked)
        sources = [source.name for source in await source_rows(session, asked.source)]
        query = await understand(session, asked.q)
        offset, until, begun_by = 0, await last_change(session), None
    if not (query.terms or query.excluded):
        raise invalid_parameter("q", "there is no word in it to search for")
    if asked.cursor:
        offset, until, begun_by = pagination.decode(asked.cursor, owner, Place)
    search = Search(
        query=query,
        filters=_filters(asked, tags, sources, until),
        sort=asked.sort,
        facets=frozenset(map(Facet, chosen(asked.facets) or ())),
        by_bulletin=asked.group == "bulletin",
        limit=asked.limit + 1,
        offset=offset,
        engine=begun_by,
    )
    try:
        answer = await engine.search(search)
    except EngineUnavailableError:
        raise _unavailable(begun_by) from None
    found = answer.hits[: asked.limit]
    async with database.snapshot(public=True) as session:
        hits = await present.hits(session, query, found, relaxed=answer.relaxed)
    more = len(answer.hits) > asked.limit
    return SearchPage(
        engine=answer.engine,
        total=answer.total,
        total_is="exact" if answer.exact else "estimated",
        relaxed=answer.relaxed,
        took_ms=round((perf_counter() - started) * 1_000),
        facets=_facets(answer, search.facets),
        items=hits,
        next=pagination.encode((offset + len(found), until, answer.engine), owner) if more else None,
    )


def _unavailable(begun_by: str | None) -> Problem:
    if begun_by:
        return invalid_cursor(f"{begun_by} began these pages and does not answer now")
    return Problem("unavailable", "No search engine answers.", headers={"Retry-After": "2"})


def _filters(
    asked: SearchQuery, tags: Mapping[str, Tag], sources: Sequence[str], until: datetime | None
) -> Filters:
    def now(slugs: Sequence[str]) -> tuple[str, ...]:
        return tuple(tags[slug].slug for slug in slugs)

    return Filters(
        tag=now(asked.tag),
        tag_any=now(asked.tag_any),
        tag_not=now(asked.tag_not),
        source=tuple(sources),
        first=asked.from_,
        last=asked.to,
        published_until=until,
    )


def _facets(answer: Answer, wanted: frozenset[Facet]) -> Facets:
    """The counts, most first, equal ones by value."""
    return Facets.model_validate(
        {
            facet: dict(sorted(answer.facets[facet].items(), key=lambda entry: (-entry[1], entry[0])))
            for facet in wanted
        }
    )
