"""What editors do with the official accounts, in a router for each right.

Whoever mounts the routers says who has the right: its dependency leaves the actor in the request's state.
"""

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request, Response
from fastapi import Query as QueryParameters
from pydantic import Field, TypeAdapter
from sqlalchemy.ext.asyncio import AsyncSession

from app.kit.caching import private
from app.kit.conditional import IfMatch, demand_match
from app.kit.operations import ETAG, LINK, POSTS, WRITES, operation, refusal
from app.kit.pagination import Page, PageQuery, cut, decode, next_link, scope
from app.kit.parameters import Digits, Query, once
from app.kit.problems import Problem
from app.kit.transactions import Session, Transactional
from app.wechat import client as clients
from app.wechat import inbox, library, overview, schemas, wishes
from app.wechat.accounts import Account, Mode
from app.wechat.assembling import prepare, stored
from app.wechat.dry import rehearse
from app.wechat.errors import WechatError
from app.wechat.library import Live
from app.wechat.models import WechatArticle
from app.wechat.reconciling import reconcile as compare
from app.wechat.routes import account_named, connected
from app.wechat.wishes import WishError


def _router() -> APIRouter:
    return APIRouter(prefix="/v1/editorial/wechat", route_class=Transactional, dependencies=[Depends(once)])


reading, writing, confirming, comparing = _router(), _router(), _router(), _router()

_SLUG = TypeAdapter(tuple[str])

Slug = Annotated[str, Path(pattern=r"^\d{4}-\d\d-\d\d$", examples=["2026-06-25"])]


class AccountQuery(Query):
    account: Annotated[
        str | None, Field(max_length=40, description="The default account, if none is named")
    ] = None


class ArticlesQuery(AccountQuery, PageQuery):
    """A page of articles."""


class AskedQuery(AccountQuery):
    days: Annotated[int, Field(ge=1, le=365, description="So many days, today among them"), Digits] = 30
    limit: Annotated[int, Field(ge=1, le=200, description="So many questions"), Digits] = 50


class RehearsalQuery(AccountQuery):
    mode: Annotated[Mode | None, Field(description="The account's own way, if none is named")] = None


Named = Annotated[AccountQuery, QueryParameters()]


@reading.get(
    "/articles",
    response_model=Page[schemas.ArticleStatus],
    **operation("listWechatArticles", "not-found", "invalid-cursor", headers=LINK),
)
async def list_articles(
    request: Request, session: Session, query: Annotated[ArticlesQuery, QueryParameters()]
) -> Response:
    """Where the articles of an account stand, the newest bulletin first."""
    account = account_named(connected(request), query.account)
    owner = scope(query, "wechat-articles")
    before = decode(query.cursor, owner, _SLUG)[0] if query.cursor else None
    found = await overview.statuses(session, account.name, query.limit + 1, before)
    items, cursor = cut(found, query.limit, lambda each: (each.slug,), owner)
    page = Page[schemas.ArticleStatus](items=list(items), next=cursor)
    return private(page, headers=next_link(request, cursor))


@reading.get(
    "/articles/{slug}",
    response_model=schemas.ArticleDetail,
    **operation("getWechatArticle", "not-found", headers=ETAG),
)
async def get_article(request: Request, session: Session, slug: Slug, query: Named) -> Response:
    """One article with everything that was done for it; every public bulletin has one, made or not."""
    account = account_named(connected(request), query.account)
    return await _shown(session, await _article(session, account, slug, held=False))


@reading.get(
    "/articles/{slug}/preview",
    response_model=schemas.Preview,
    **operation("previewWechatArticle", "not-found"),
)
async def preview(request: Request, session: Session, slug: Slug, query: Named) -> Response:
    """The article as it would be sent, and all that WeChat would refuse."""
    account = account_named(connected(request), query.account)
    prepared = await prepare(account, await _live(session, slug), stored(request.app.state.images))
    article = prepared.article
    return private(
        schemas.Preview(
            title=article.title,
            author=article.author,
            digest=article.digest,
            html=article.content,
            findings=[finding.message for finding in prepared.findings],
        )
    )


@reading.get(
    "/articles/{slug}/requests",
    response_model=schemas.Rehearsal,
    **operation("rehearseWechatArticle", "not-found"),
)
async def rehearse_article(
    request: Request, session: Session, slug: Slug, query: Annotated[RehearsalQuery, QueryParameters()]
) -> Response:
    """The exact requests that would make the article of nothing; nothing is sent."""
    account = account_named(connected(request), query.account)
    images = stored(request.app.state.images)
    rehearsed = await rehearse(account, await _live(session, slug), query.mode or account.publish, images)
    return private(
        schemas.Rehearsal(
            findings=[finding.message for finding in rehearsed.prepared.findings],
            requests=[
                schemas.RehearsedRequest(
                    method=each.method,
                    url=each.url,
                    content_type=each.content_type,
                    size=len(each.body),
                    body=each.body.decode() if each.content_type.startswith("application/json") else None,
                )
                for each in rehearsed.requests
            ],
        )
    )


@reading.get("/questions", response_model=schemas.AskedList, **operation("listWechatQuestions", "not-found"))
async def questions(
    request: Request, session: Session, query: Annotated[AskedQuery, QueryParameters()]
) -> Response:
    """What readers ask most; nobody is named."""
    account = account_named(connected(request), query.account)
    rows = await inbox.asked(session, account.name, query.days, query.limit)
    items = [schemas.Asked(text=text, times=times, found=found) for text, times, found in rows]
    return private(schemas.AskedList(items=items))


@dataclass(frozen=True, slots=True)
class _Held:
    """An article, held for a change by one who has read it as it is."""

    request: Request
    session: AsyncSession
    account: Account
    article: WechatArticle

    async def want(self, name: str, wish: Awaitable[WechatArticle]) -> Response:
        """Do what is wished, and answer with the article as it is then."""
        before = overview.facts(self.article)
        try:
            await wish
        except WishError as error:
            raise refusal("refused", ((error.code, error.message),)) from None
        await self.session.flush()
        await connected(self.request).record(
            self.session,
            self.request.state.actor,
            f"wechat.{name}",
            f"wechat:{self.account.name}:{self.article.slug}",
            before=before,
            after=overview.facts(self.article),
        )
        return await _shown(self.session, self.article, status=202)


async def _held(
    request: Request, session: Session, slug: Slug, query: Named, if_match: IfMatch = None
) -> _Held:
    account = account_named(connected(request), query.account)
    article = await _article(session, account, slug, held=True)
    demand_match(if_match, overview.etag(article))
    return _Held(request, session, account, article)


Held = Annotated[_Held, Depends(_held)]


def _wish(name: str) -> dict[str, Any]:
    described = operation(f"{name}WechatArticle", "not-found", *POSTS, *WRITES, status=202, headers=ETAG)
    return {"path": f"/articles/{{slug}}/{name}", "response_model": schemas.ArticleDetail, **described}


@writing.post(**_wish("draft"))
async def draft(held: Held) -> Response:
    """Ask for a draft, or for the one there is to be brought up to date; the worker does it."""
    wish = wishes.ask(held.session, held.account, held.article.slug, Mode.draft, confirm=False)
    return await held.want("draft", wish)


@writing.post(**_wish("publish"))
async def publish(held: Held, how: schemas.Publishing) -> Response:
    """Ask for an article; the worker publishes it. A message to all waits for an administrator."""
    usual = held.account.publish if held.account.publish != Mode.draft else Mode.freepublish
    goal = how.mode or usual
    wish = wishes.ask(held.session, held.account, held.article.slug, goal, confirm=False)
    return await held.want("publish", wish)


@confirming.post(**_wish("confirm"))
async def confirm(held: Held) -> Response:
    """Let the article go to all followers as a message."""
    return await held.want("confirm", wishes.confirm(held.session, held.account, held.article.slug))


@writing.post(**_wish("retry"))
async def retry(held: Held) -> Response:
    """Go on after somebody has seen to what stopped the article."""
    return await held.want("retry", wishes.retry(held.session, held.account, held.article.slug))


@comparing.post(
    "/reconcile", response_model=schemas.DifferenceList, **operation("reconcileWechat", "not-found", *POSTS)
)
async def reconcile(request: Request, session: Session, query: Named) -> Response:
    """Compare our articles with what WeChat holds, and mend what can be mended."""
    wechat = connected(request)
    account = account_named(wechat, query.account)
    try:
        found = await compare(wechat.database, clients.connect(account, wechat.http, wechat.database))
    except WechatError as error:
        raise Problem("unavailable", str(error), headers={"Retry-After": "30"}) from None
    answer = schemas.DifferenceList(
        items=[schemas.Difference(slug=each.slug, message=each.message) for each in found]
    )
    subject = f"wechat:{account.name}"
    await wechat.record(
        session, request.state.actor, "wechat.reconcile", subject, after=answer.model_dump(mode="json")
    )
    return private(answer)


async def _article(session: AsyncSession, account: Account, slug: str, *, held: bool) -> WechatArticle:
    try:
        return await wishes.article_of(session, account, slug, held=held)
    except WishError as error:
        raise Problem("not-found", error.message) from None


async def _live(session: AsyncSession, slug: str) -> Live:
    found = await library.live(session, slug)
    if found is None:
        raise Problem("not-found", f"No bulletin {slug} is published.")
    return found


async def _shown(session: AsyncSession, article: WechatArticle, *, status: int = 200) -> Response:
    headers = {"ETag": overview.etag(article)}
    return private(await overview.detail(session, article), status=status, headers=headers)
