"""The search engine that is always there: plain Postgres, no extension."""

from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.kit.db import Database
from app.search.contract import Answer, Found, Search, Sort
from app.search.postgres_index import index, outdated, reindex, remove
from app.search.postgres_pages import Conditions, by_date, by_relevance, count
from app.search.postgres_query import excluding, filtered, matches
from app.search.postgres_relaxed import relaxed

__all__ = ["PostgresEngine", "index", "outdated", "reindex", "remove"]

# The planner takes reading a row's words for as cheap as reading its date, and likes to go through all
# rows. To start from the index of words is right whatever the words.
_BY_WORDS = text(
    "SELECT set_config('enable_seqscan', 'off', true), set_config('enable_indexscan', 'off', true)"
)


class PostgresEngine:
    """Finds sections in the tables that publishing fills."""

    name = "postgres"

    def __init__(self, database: Database) -> None:
        self._database = database

    async def search(self, search: Search) -> Answer:
        """Answer one request: by every term, else by terms at the beginning of words, else by the rarest.

        An empty query finds everything, the newest first; one without any word finds nothing.
        """
        query, filters = search.query, filtered(search.filters)
        if query.typed and not (query.terms or query.excluded):
            return Answer(self.name, hits=(), total=0, exact=True, facets={f: {} for f in search.facets})
        async with self._database.snapshot() as session:
            if query.terms:
                await session.execute(_BY_WORDS)
            answer = await self._strict(session, search, [*matches(query), *filters])
            if query.terms and not answer.total:
                answer = await self._strict(session, search, [*matches(query, rescue=True), *filters])
            if query.terms and not answer.total:
                return await relaxed(session, search, [*excluding(query), *filters], self.name)
            return answer

    async def _strict(self, session: AsyncSession, search: Search, conditions: Conditions) -> Answer:
        counted = await count(session, search, conditions)
        hits: Sequence[Found] = ()
        if counted.total:
            listed = search.sort is Sort.date or not search.query.terms
            hits = await (by_date if listed else by_relevance)(session, search, conditions)
        return Answer(self.name, hits, counted.total, counted.exact, facets=counted.facets)
