"""The search engine on Meilisearch.

Every term of a query is sent as a phrase, for only phrases keep the words of a Chinese compound
together; a term's other spellings make further queries of one federated search, which Meilisearch
merges, counts and pages as one. When not every term can be found, the rarest ten words are asked one
by one in one request and the sections ranked by what they have of them: Meilisearch's own relaxed
strategies insist on one of the words and lose half of the answers.
"""

import asyncio
import math
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Annotated, Any

import httpx2
from pydantic import AliasChoices, BaseModel, Field

from app.kit.settings import Settings
from app.search.contract import (
    WORTH_SHOWING,
    Answer,
    EngineUnavailableError,
    Facet,
    Found,
    Search,
    Sort,
)
from app.search.meilisearch_query import MAX_TERMS, conditions, either, quoted, spellings, without
from app.search.meilisearch_schema import CUTOFF_MS, FACET_FIELDS, INDEX, LOCALES, MAX_FACET_VALUES

TIMEOUT = 1.5

_CANDIDATES = 100
"""Of each word of a relaxed search, so many sections are looked at."""
_TO_COUNT = 1_000
"""So many sections are looked at to count the bulletins of each facet's values."""


class _Hit(BaseModel, extra="allow"):
    id: str
    slug: str
    number: int
    day: int
    score: float = Field(alias="_rankingScore")


class _Page(BaseModel):
    hits: list[_Hit]
    total: int = Field(validation_alias=AliasChoices("estimatedTotalHits", "totalHits"))
    facets: Annotated[dict[str, dict[str, int]], Field(alias="facetDistribution")] = {}
    took_ms: int = Field(alias="processingTimeMs")


class _Pages(BaseModel):
    results: list[_Page]


@dataclass(frozen=True, slots=True)
class _Counted:
    total: int
    exact: bool
    facets: Mapping[Facet, Mapping[str, int]] = field(default_factory=dict)


@asynccontextmanager
async def connect(
    settings: Settings, index: str = INDEX, within: float = TIMEOUT
) -> AsyncIterator["MeilisearchEngine"]:
    """The engine on MEILI_URL, with connections that are kept and closed at the end."""
    # Compressed answers come in two parts, the second one 40 ms later (a delayed acknowledgement).
    headers = {"Accept-Encoding": "identity"}
    if settings.meili_key:
        headers["Authorization"] = f"Bearer {settings.meili_key.get_secret_value()}"
    async with httpx2.AsyncClient(
        base_url=settings.meili_url or "", headers=headers, timeout=within
    ) as client:
        yield MeilisearchEngine(client, index, within)


@dataclass(frozen=True, slots=True)
class MeilisearchEngine:
    """Finds sections in an index that :mod:`app.search.indexing` keeps."""

    client: httpx2.AsyncClient
    index: str = INDEX
    timeout: float = TIMEOUT
    name: str = field(default="meilisearch", init=False)

    async def search(self, search: Search) -> Answer:
        """Answer one request, with everything it takes, within the time-out.

        :raises EngineUnavailableError: in that time Meilisearch gave no proper answer.
        """
        try:
            async with asyncio.timeout(self.timeout):
                return await self._search(search)
        except TimeoutError:
            raise EngineUnavailableError(f"no answer in {self.timeout} s") from None
        except httpx2.HTTPError as error:
            raise EngineUnavailableError(f"{type(error).__name__}: {error}") from error
        except ValueError as error:
            raise EngineUnavailableError(f"not understood: {error}") from error

    async def _search(self, search: Search) -> Answer:
        if search.query.typed and not (search.query.terms or search.query.excluded):
            return Answer(self.name, (), 0, exact=True, facets={facet: {} for facet in search.facets})
        exact = await self._strict(search, spellings(search.query))
        if exact.total:
            return exact
        if any(term.prefix for term in search.query.terms):
            half_typed = await self._strict(search, spellings(search.query, half_typed=True))
            if half_typed.total:
                return half_typed
        return await self._relaxed(search) if search.query.rare else exact

    async def _strict(self, search: Search, spelt: Sequence[str]) -> Answer:
        """The sections that have every term."""
        federation: dict[str, Any] = {"limit": search.limit, "offset": search.offset}
        if search.by_bulletin:
            found, counted = await self._by_bulletin(search, spelt, federation)
        else:
            federation["facetsByIndex"] = {self.index: _fields(search)}
            federation["mergeFacets"] = {"maxValuesPerFacet": MAX_FACET_VALUES}
            found = await self._federated(search, spelt, federation)
            counted = _Counted(found.total, found.took_ms < CUTOFF_MS, _facets(search, found))
        return Answer(
            engine=self.name,
            hits=[Found(hit.slug, hit.number, hit.score) for hit in found.hits],
            total=counted.total,
            exact=counted.exact,
            relaxed=counted.total > 0 and len(search.query.terms) > MAX_TERMS,
            facets=counted.facets,
        )

    async def _by_bulletin(
        self, search: Search, spelt: Sequence[str], federation: Mapping[str, Any]
    ) -> tuple[_Page, _Counted]:
        """The best section of each bulletin, and how many bulletins there are.

        Meilisearch counts bulletins exactly only where numbered pages are asked for, and for facets
        looks at their best sections alone: all sections are fetched to count those, if not too many.
        """
        found = await self._federated(search, spelt, {**federation, "distinct": "slug"})
        pages = {"page": 1, "hitsPerPage": 1, "distinct": "slug"}
        counted = await self._federated(search, spelt, pages)
        exact = counted.took_ms < CUTOFF_MS
        if not search.facets:
            return found, _Counted(counted.total, exact)
        sections = await self._federated(search, spelt, {"limit": _TO_COUNT}, _fields(search))
        return found, _Counted(
            counted.total, exact and sections.total <= _TO_COUNT, _counts(search, sections.hits)
        )

    async def _federated(
        self, search: Search, spelt: Sequence[str], federation: Mapping[str, Any], fields: Sequence[str] = ()
    ) -> _Page:
        """All spellings as one search; ``fields`` come with each hit."""
        query = self._query(conditions(search.filters), fields)
        if search.sort is Sort.date:
            query["sort"] = ["day:desc", "number:asc"]
        queries = [{**query, "q": spelling} for spelling in spelt]
        return _Page.model_validate_json(await self._post({"federation": federation, "queries": queries}))

    async def _relaxed(self, search: Search) -> Answer:
        """Sections by the words they have; a word weighs the more the rarer it is (its idf)."""
        words = [without(search.query) + quoted(word) for word in search.query.rare[:MAX_TERMS]]
        limits, fields = conditions(search.filters), _fields(search)
        everything, *pages = await self._each(["", *words], limits, fields)
        weights = [math.log(1 + everything.total / page.total) if page.total else 0.0 for page in pages]
        hits = {hit.id: hit for page in pages for hit in page.hits}
        frequent = [place for place, page in enumerate(pages) if page.total > len(page.hits)]
        if frequent:
            # Of a frequent word only some sections came: ask which of the candidates have it.
            best = [id_ for id_, _ in _scores(pages, weights).most_common(_CANDIDATES)]
            hits = {id_: hits[id_] for id_ in best}
            of_these = [*limits, either("id", best)]
            again = await self._each([words[place] for place in frequent], of_these, fields)
            for place, page in zip(frequent, again, strict=True):
                pages[place] = page
        scores = _scores(pages, weights)
        least = WORTH_SHOWING * max(scores.values(), default=0)
        hits = {id_: hit for id_, hit in hits.items() if scores[id_] >= least}
        ranked = _ranked(search, hits.values(), scores)
        return Answer(
            engine=self.name,
            hits=[
                Found(hit.slug, hit.number, scores[hit.id] / sum(weights))
                for hit in ranked[search.offset : search.offset + search.limit]
            ],
            total=len(ranked),
            exact=not frequent,
            relaxed=bool(ranked),
            facets=_counts(search, hits.values()),
        )

    async def _each(self, words: Sequence[str], limits: Sequence[str], fields: Sequence[str]) -> list[_Page]:
        """The sections of each word by itself; an empty word only counts all sections."""
        query = self._query(limits, fields)
        queries = [{**query, "q": word, "limit": _CANDIDATES if word else 0} for word in words]
        return _Pages.model_validate_json(await self._post({"queries": queries})).results

    def _query(self, limits: Sequence[str], fields: Sequence[str] = ()) -> dict[str, Any]:
        return {
            "indexUid": self.index,
            "locales": LOCALES,
            "matchingStrategy": "all",
            "filter": list(limits),
            "attributesToRetrieve": ["id", "slug", "number", "day", *fields],
            "showRankingScore": True,
        }

    async def _post(self, body: Mapping[str, Any]) -> bytes:
        """Ask; once more if the connection failed or the server was overloaded."""
        for again in (True, False):
            try:
                response = await self.client.post("/multi-search", json=body)
            except (httpx2.NetworkError, httpx2.RemoteProtocolError):
                if again:
                    continue
                raise
            if response.status_code == httpx2.codes.OK:
                break
            if not again or response.status_code != httpx2.codes.SERVICE_UNAVAILABLE:
                raise EngineUnavailableError(_refusal(response))
        return response.content


def _scores(pages: Sequence[_Page], weights: Sequence[float]) -> Counter[str]:
    """What each section has of the words, by weight."""
    scores: Counter[str] = Counter()
    for page, weight in zip(pages, weights, strict=True):
        for hit in page.hits:
            scores[hit.id] += weight  # type: ignore[assignment]  # any number can be counted
    return scores


def _ranked(search: Search, hits: Iterable[_Hit], scores: Mapping[str, float]) -> list[_Hit]:
    """The sections in the order asked for, equal ones by date; of each bulletin the best, if wanted."""
    ranked = sorted(hits, key=lambda hit: (-scores[hit.id], -hit.day, hit.number))
    if search.by_bulletin:
        ranked = list({hit.slug: hit for hit in reversed(ranked)}.values())[::-1]
    if search.sort is Sort.date:
        ranked.sort(key=lambda hit: (-hit.day, hit.number))
    return ranked


def _counts(search: Search, hits: Iterable[_Hit]) -> dict[Facet, dict[str, int]]:
    """How many of the sections, or of their bulletins, have each value of the facets."""
    found = {facet: defaultdict[str, set[str]](set) for facet in search.facets}
    for hit in hits:
        for facet, having in found.items():
            values = (hit.model_extra or {})[FACET_FIELDS[facet]]
            for value in [values] if isinstance(values, str) else values:
                having[value].add(hit.slug if search.by_bulletin else hit.id)
    return {facet: {value: len(having) for value, having in each.items()} for facet, each in found.items()}


def _fields(search: Search) -> list[str]:
    return [FACET_FIELDS[facet] for facet in sorted(search.facets)]


def _facets(search: Search, page: _Page) -> dict[Facet, dict[str, int]]:
    return {facet: page.facets.get(FACET_FIELDS[facet], {}) for facet in search.facets}


def _refusal(response: httpx2.Response) -> str:
    try:
        code = response.json()["code"]
    except (ValueError, KeyError, TypeError):
        code = "no reason"
    return f"it answers {response.status_code} ({code})"
