"""Searching the published bulletins."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi import Query as QueryParameters
from pydantic import Field

from app.bulletins import keys
from app.bulletins.examples import Example
from app.kit.caching import JSON, Body, CachePolicy, reply
from app.kit.db import Reader
from app.kit.pagination import next_link
from app.kit.parameters import Query, Typed, once
from app.kit.problems import responses
from app.search import examples, schemas, suggest
from app.search.ask import SearchQuery, ask
from app.search.postgres import PostgresEngine

LAGGING = CachePolicy(max_age=5)
"""An index that follows the change log may not know yet of what dropped the answer before."""

router = APIRouter(prefix="/v1/search", dependencies=[Depends(once)])

_LINK = {"description": 'The next page, `rel="next"`', "schema": {"type": "string"}}
_WEAK = {"description": "Weak: it leaves `took_ms` out", "schema": {"type": "string"}}
_STRONG = {"description": "Strong; for `If-None-Match`", "schema": {"type": "string"}}


class SuggestQuery(Query):
    q: Annotated[
        Typed,
        Field(
            description="What has been typed so far: characters, pinyin (`shuju`) or initials (`sjys`); "
            "the first 16 letters and digits count",
            examples=["shuju"],
        ),
    ]
    limit: Annotated[int, Field(ge=1, le=20, description="Suggestions of each kind")] = 5


def _answers(example: Example, headers: dict[str, Any], *kinds: str) -> dict[int | str, dict[str, Any]]:
    return {
        200: {"description": "Found", "content": {JSON: {"example": example}}, "headers": headers},
        304: {"description": "Unchanged since the `ETag` that the request names"},
        **responses("invalid-parameter", *kinds, "unavailable"),
    }


@router.get(
    "",
    operation_id="search",
    response_model=schemas.SearchPage,
    responses=_answers(examples.SEARCH, {"ETag": _WEAK, "Link": _LINK}, "invalid-cursor"),
)
async def search(request: Request, query: Annotated[SearchQuery, QueryParameters()]) -> Response:
    """Sections that have all the words of `q`, the best first; a bulletin's abstract is its section 0.

    Traditional characters, full-width letters, upper case, pinyin, and the Chinese and English names of
    tags all find the same. A question of which nothing has every word is answered by its rarest words;
    the answer then says `relaxed`. What is published while somebody pages does not shift the pages.
    """
    state = request.app.state
    page = await ask(state.database, state.search, query)
    # Another engine's index may lag behind the last change: its time would promise too much.
    return reply(
        request,
        Body(page.model_dump_json().encode(), lasting=page.model_dump_json(exclude={"took_ms"}).encode()),
        keys=[keys.CONTENT],
        modified=None,
        headers=next_link(request, page.next),
        policy=None if page.engine == PostgresEngine.name else LAGGING,
    )


@router.get(
    "/suggest",
    operation_id="suggest",
    response_model=schemas.Suggestions,
    responses=_answers(examples.SUGGESTIONS, {"ETag": _STRONG}),
)
async def get_suggestions(
    request: Request, session: Reader, query: Annotated[SuggestQuery, QueryParameters()]
) -> Response:
    """Tags, sources and headings as you type, by use; headings by date, the newest first."""
    found = await suggest.suggestions(session, query.q, query.limit)
    return reply(request, schemas.Suggestions(items=found), keys=[keys.CONTENT], modified=None)
