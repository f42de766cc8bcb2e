"""The search engine that is always there: plain Postgres, no extension."""

from app.kit.db import Database
from app.search.contract import Answer, Search
from app.search.postgres_index import index, reindex, remove
from app.search.postgres_mend import MEND, drift, mend, rename, retag
from app.search.postgres_pages import page
from app.search.postgres_query import excluding, filtered, matches
from app.search.postgres_recent import recent
from app.search.postgres_relaxed import relaxed

__all__ = ["MEND", "PostgresEngine", "drift", "index", "mend", "reindex", "remove", "rename", "retag"]


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
            since = await recent(session, search) if query.terms else None
            found = await page(session, search, [*matches(query), *filters], since)
            if query.terms and not found.total:
                found = await page(session, search, [*matches(query, rescue=True), *filters])
            if query.terms and not found.total:
                return await relaxed(session, search, [*excluding(query), *filters], self.name)
        return Answer(self.name, found.hits, found.total, found.exact, facets=found.facets)
