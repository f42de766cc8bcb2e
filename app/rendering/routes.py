"""Feeds, pages and directories for machines."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Request, Response
from fastapi import Query as QueryParameters
from fastapi.routing import APIRoute
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.routing import Match
from starlette.types import Scope

from app.bulletins import catalogue, versions
from app.bulletins.document import SERIES
from app.bulletins.filters import TagFilters
from app.bulletins.keys import CONTENT
from app.kit.caching import Body, reply
from app.kit.changes import last_change
from app.kit.db import Reader
from app.kit.moved import MOVED
from app.kit.operations import PLAIN, reading
from app.kit.pagination import next_link
from app.kit.parameters import once
from app.kit.problem_kinds import KINDS
from app.kit.problems import Problem
from app.kit.public_url import public_url
from app.rendering import directories, editions, listings
from app.rendering.accepting import FORMS, JSON_FORMS, other_form, wanted
from app.rendering.edition import Site, urn
from app.rendering.editions import Entries
from app.rendering.feeds import FEED_FORMATS, Feed
from app.rendering.formats import FORMATS, Format
from app.rendering.html import render_absence

XML = "application/xml"
OPML = "text/x-opml"

Slug = Annotated[str, Path(max_length=80, examples=["2026-06-25"])]
TagSlug = Annotated[str, Path(max_length=80, examples=["data-elements"])]
SourceSlug = Annotated[str, Path(max_length=80, examples=["reuters"])]
Extension = Annotated[Literal["html", "md", "txt"], Path()]
Filters = Annotated[TagFilters, QueryParameters()]
FeedExtension = Annotated[Literal["atom", "rss", "json"], Path()]
Year = Annotated[int, Path(ge=1, le=9999, examples=[2026])]

_NO_EDITION = datetime.fromtimestamp(0, UTC)


def _texts(*media_types: str) -> dict[str, Any]:
    return {
        each: {"schema": {"type": "object" if each.endswith("json") else "string"}} for each in media_types
    }


_PAGES = reading(_texts(*(form.media_type for form in FORMATS.values())), "not-found", "withdrawn")
for _absent in (404, 410):
    _PAGES[_absent]["content"] |= _texts("text/html")
_FEED = _texts(*(form.media_type for form in FEED_FORMATS.values()))


class _NotJson(APIRoute):
    """A route only for requests that would rather have another form than JSON, or can use none."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        match, child = super().matches(scope)
        if match is Match.FULL and not other_form(scope):
            return Match.NONE, {}
        return match, child


router = APIRouter(prefix="/v1", dependencies=[Depends(once)], default_response_class=Response)
negotiated = APIRouter(
    prefix="/v1", dependencies=[Depends(once)], default_response_class=Response, route_class=_NotJson
)


async def _reply(
    request: Request,
    session: AsyncSession,
    body: str,
    media_type: str,
    keys: Sequence[str] = (CONTENT,),
    headers: Mapping[str, str] | None = None,
) -> Response:
    modified = await last_change(session)
    return reply(request, Body(body.encode(), media_type), keys=keys, modified=modified, headers=headers)


def alone(site: Site) -> dict[str, str]:
    """Headers of a page that needs nothing but itself and the pictures that are kept here."""
    pictures = f"'self' {site.base}{site.images}/"
    return {
        "Content-Security-Policy": f"default-src 'none'; style-src 'unsafe-inline'; img-src {pictures}",
        "X-Content-Type-Options": "nosniff",
    }


def _site(request: Request) -> Site:
    return Site(public_url(request))


@router.get(
    "/bulletins/{slug}.{extension}",
    operation_id="getBulletinAs",
    dependencies=PLAIN,
    responses=_PAGES,
)
async def get_bulletin_as(request: Request, session: Reader, slug: Slug, extension: Extension) -> Response:
    """One bulletin as a page of HTML with schema.org JSON-LD, as Markdown or as plain text.

    `latest` names the newest one. `GET /v1/bulletins/{slug}` answers with the same forms by `Accept`.
    """
    return await _form(request, session, slug, FORMATS[extension], {})


@negotiated.get("/bulletins/{slug}", include_in_schema=False)
async def get_bulletin_as_accepted(request: Request, session: Reader, slug: Slug) -> Response:
    """A bulletin in the form that ``Accept`` prefers."""
    vary = {"Vary": "Accept, Accept-Encoding"}
    for form in FORMATS.values():
        if form.media_type == wanted(request.scope):
            return await _form(request, session, slug, form, vary)
    offered = ", ".join(JSON_FORMS if request.url.query else FORMS)
    raise Problem("not-acceptable", f"There are: {offered}.", headers=vary)


async def _form(
    request: Request, session: AsyncSession, slug: str, form: Format, headers: Mapping[str, str]
) -> Response:
    found = await editions.find(request.app.state.database, slug)
    if found is None:
        problem = await versions.absence(session, slug)
        problem.headers |= headers
        if form is FORMATS["html"]:
            return _absence(request, problem)
        raise problem
    (edition,) = found.items
    location = {"Content-Location": f"/v1/bulletins/{edition.document.slug}.{_extension(form)}"}
    site = _site(request)
    body = form.render(edition, site)
    head = {**alone(site), **location, **headers}
    return await _reply(request, session, body, form.media_type, found.keys, head)


def _absence(request: Request, problem: Problem) -> Response:
    """The problem as a page, for those who asked for one."""
    site = _site(request)
    head = {**alone(site), "Cache-Control": "no-store", "X-Robots-Tag": "noindex", **problem.headers}
    page = render_absence(site, **problem.members)
    return Response(page, KINDS[problem.kind][0], head, media_type=FORMATS["html"].media_type)


def _extension(form: Format) -> str:
    return next(extension for extension, known in FORMATS.items() if known is form)


@router.get(
    "/feed.{extension}",
    operation_id="getFeed",
    responses=reading(_FEED, "invalid-cursor"),
)
async def get_feed(request: Request, session: Reader, extension: FeedExtension, query: Filters) -> Response:
    """The newest bulletins as Atom, RSS 2.0 or JSON Feed; the filters are those of the list."""
    chosen = ", ".join(_described(query))
    return await _feed(request, session, extension, query, chosen)


@router.get(
    "/sections/feed.{extension}",
    operation_id="getSectionFeed",
    responses=reading(_FEED, "invalid-cursor"),
)
async def get_section_feed(
    request: Request, session: Reader, extension: FeedExtension, query: Filters
) -> Response:
    """The newest sections as Atom, RSS 2.0 or JSON Feed; the filters are those of the list."""
    chosen = ", ".join(["条目", *_described(query)])
    return await _feed(request, session, extension, query, chosen, editions.sections)


@router.get(
    "/tags/{slug}/feed.{extension}",
    operation_id="getTagFeed",
    responses=MOVED | reading(_FEED, "invalid-cursor", "not-found"),
)
async def get_tag_feed(
    request: Request, session: Reader, slug: TagSlug, extension: FeedExtension, query: Filters
) -> Response:
    """The newest bulletins with a tag; filters narrow it further."""
    tag = await catalogue.tag_row(session, slug)
    if tag is None:
        raise Problem("not-found", f"There is no tag {slug!r}.")
    narrowed = query.model_copy(update={"tag": (tag.slug, *query.tag)})
    return await _feed(request, session, extension, narrowed, ", ".join([tag.name, *_described(query)]))


@router.get(
    "/sources/{slug}/feed.{extension}",
    operation_id="getSourceFeed",
    responses=reading(_FEED, "invalid-cursor", "not-found"),
)
async def get_source_feed(
    request: Request, session: Reader, slug: SourceSlug, extension: FeedExtension, query: Filters
) -> Response:
    """The newest bulletins that cite a source; filters narrow it further."""
    source = await catalogue.source_row(session, slug)
    if source is None:
        raise Problem("not-found", f"No published bulletin cites a source {slug!r}.")
    narrowed = query.model_copy(update={"source": (slug, *query.source)})
    return await _feed(request, session, extension, narrowed, ", ".join([source.name, *_described(query)]))


async def _feed(
    request: Request,
    session: AsyncSession,
    extension: str,
    filters: TagFilters,
    chosen: str,
    listed: Callable[[AsyncSession, TagFilters], Awaitable[Entries]] = editions.bulletins,
) -> Response:
    form = FEED_FORMATS[extension]
    page, cursor, keys = await listed(session, filters)
    site = _site(request)
    older = request.url.include_query_params(cursor=cursor)
    name = "feed" if listed is editions.bulletins else "feed of sections"
    feed = Feed(
        urn=urn(f"{name}:{filters.model_dump_json(exclude={'limit', 'cursor'}, by_alias=True)}"),
        title=f"{SERIES}：{chosen}" if chosen else SERIES,
        language=page[0].edition.document.language if page else "zh-CN",
        url=site.at(request.url.path, request.url.query),
        next=site.at(older.path, older.query) if cursor else None,
        updated=max((entry.edition.updated_at for entry in page), default=_NO_EDITION),
        entries=page,
        site=site,
    )
    return await _reply(
        request, session, form.render(feed), form.media_type, keys, next_link(request, cursor)
    )


def _described(filters: TagFilters) -> list[str]:
    """The filters that are set, as a reader may see them: ``tag.any=energy compute``."""
    chosen = filters.model_dump(
        mode="json", exclude={"limit", "cursor"}, exclude_defaults=True, by_alias=True
    )
    return [
        f"{name}={' '.join(value) if isinstance(value, list) else value}" for name, value in chosen.items()
    ]


@router.get(
    "/sitemap.xml",
    operation_id="getSitemapIndex",
    dependencies=PLAIN,
    responses=reading(_texts(XML)),
)
async def get_sitemap_index(request: Request, session: Reader) -> Response:
    """The sitemap of sitemaps: one for each year, and one of news while there is any."""
    parts = await listings.years(session)
    if fresh := await listings.news(session):
        parts.append(("news", max(page.updated_at for page in fresh)))
    return await _reply(request, session, directories.render_sitemap_index(parts, _site(request)), XML)


@router.get(
    "/sitemap-news.xml",
    operation_id="getNewsSitemap",
    dependencies=PLAIN,
    responses=reading(_texts(XML)),
)
async def get_news_sitemap(request: Request, session: Reader) -> Response:
    """The bulletins of the last two days with Google's news extension."""
    body = directories.render_sitemap(await listings.news(session), _site(request), news=True)
    # It also changes as time goes by, which the last publication knows nothing of.
    return reply(request, Body(body.encode(), XML), keys=[CONTENT], modified=None)


@router.get(
    "/sitemap-{year}.xml",
    operation_id="getSitemap",
    dependencies=PLAIN,
    responses=reading(_texts(XML), "not-found"),
)
async def get_sitemap(request: Request, session: Reader, year: Year) -> Response:
    """The pages of a year's bulletins, each with the time of its last change."""
    pages = await listings.of_year(session, year)
    if not pages:
        raise Problem("not-found", f"No bulletin of {year} is published.")
    return await _reply(request, session, directories.render_sitemap(pages, _site(request)), XML)


@router.get(
    "/topics.opml",
    operation_id="getTopicsAsOpml",
    dependencies=PLAIN,
    responses=reading(_texts(OPML)),
)
async def get_topics_as_opml(request: Request, session: Reader) -> Response:
    """The feeds of all tags as an OPML 2.0 subscription list."""
    modified = await last_change(session)
    body = directories.render_opml(await listings.topics(session), modified, _site(request))
    return await _reply(request, session, body, OPML)
