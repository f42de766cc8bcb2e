"""What editors do with the official accounts. Who may is for whoever mounts this router to say."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request
from fastapi import Query as QueryParameters
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncSession

from app.kit.parameters import Query, once
from app.kit.problems import Problem, invalid_parameter, responses
from app.wechat import client as clients
from app.wechat import inbox, library, overview, wishes
from app.wechat.accounts import Account, Mode
from app.wechat.assembling import prepare, stored
from app.wechat.errors import WechatError
from app.wechat.models import WechatArticle
from app.wechat.reconciling import reconcile as compare
from app.wechat.routes import Wechat
from app.wechat.schemas import ArticleDetail, ArticleStatus, Asked, Difference, Preview
from app.wechat.wishes import WishError

router = APIRouter(prefix="/v1/editorial/wechat", dependencies=[Depends(once)])

Slug = Annotated[str, Path(pattern=r"^\d{4}-\d\d-\d\d$", examples=["2026-06-25"])]
_ERRORS = responses("invalid-parameter", "not-found", "unavailable")


class AccountQuery(Query):
    account: Annotated[
        str | None, Field(max_length=40, description="The default account, if none is named")
    ] = None


class AskedQuery(AccountQuery):
    days: Annotated[int, Field(ge=1, le=365, description="So many days, today among them")] = 30
    limit: Annotated[int, Field(ge=1, le=200, description="So many questions")] = 50


class Publishing(BaseModel):
    """How a bulletin is to be published."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    mode: Annotated[Mode | None, Field(description="The account's own way, if none is named")] = None
    confirm: Annotated[bool, Field(description="An administrator agrees to a message to all")] = False


class StatusList(BaseModel):
    items: list[ArticleStatus]


class AskedList(BaseModel):
    items: list[Asked]


class DifferenceList(BaseModel):
    items: list[Difference]


async def _writer(request: Request) -> AsyncIterator[AsyncSession]:
    async with request.app.state.database.session() as session:
        yield session


Writer = Annotated[AsyncSession, Depends(_writer, scope="function")]


def _account(request: Request, query: AccountQuery) -> Account:
    wechat: Wechat | None = request.app.state.wechat
    if wechat is None:
        raise Problem("not-found", "No official account is configured.")
    try:
        return wechat.accounts.named(query.account)
    except KeyError:
        raise invalid_parameter("account", "there is no such account") from None


def _refused(error: WishError) -> Problem:
    return Problem("not-found", f"{error.code}: {error.message}")


@router.get("/articles", operation_id="listWechatArticles", responses=_ERRORS)
async def list_articles(
    request: Request, session: Writer, query: Annotated[AccountQuery, QueryParameters()]
) -> StatusList:
    """Where the articles of an account stand, the newest fifty."""
    return StatusList(items=await overview.statuses(session, _account(request, query).name, 50))


@router.get("/articles/{slug}", operation_id="getWechatArticle", responses=_ERRORS)
async def get_article(
    request: Request, session: Writer, slug: Slug, query: Annotated[AccountQuery, QueryParameters()]
) -> ArticleDetail:
    """One article with everything that was done for it."""
    try:
        article = await wishes.existing(session, _account(request, query), slug)
    except WishError as error:
        raise _refused(error) from None
    return await overview.detail(session, article)


@router.get("/articles/{slug}/preview", operation_id="previewWechatArticle", responses=_ERRORS)
async def preview(
    request: Request, session: Writer, slug: Slug, query: Annotated[AccountQuery, QueryParameters()]
) -> Preview:
    """The article as it would be sent, and all that WeChat would refuse."""
    live = await library.live(session, slug)
    if live is None:
        raise Problem("not-found", f"No bulletin {slug} is published.")
    prepared = await prepare(_account(request, query), live, stored(request.app.state.images))
    return Preview(
        title=prepared.article.title,
        author=prepared.article.author,
        digest=prepared.article.digest,
        html=prepared.article.content,
        findings=[finding.message for finding in prepared.findings],
    )


@router.post("/articles/{slug}/draft", operation_id="draftWechatArticle", status_code=202, responses=_ERRORS)
async def draft(
    request: Request, session: Writer, slug: Slug, query: Annotated[AccountQuery, QueryParameters()]
) -> ArticleDetail:
    """Ask for a draft; the worker makes it."""
    account = _account(request, query)
    return await _asked(session, account, slug, Mode.draft, confirm=False)


@router.post(
    "/articles/{slug}/publish", operation_id="publishWechatArticle", status_code=202, responses=_ERRORS
)
async def publish(
    request: Request,
    session: Writer,
    slug: Slug,
    query: Annotated[AccountQuery, QueryParameters()],
    how: Publishing,
) -> ArticleDetail:
    """Ask for an article; the worker publishes it."""
    account = _account(request, query)
    usual = account.publish if account.publish != Mode.draft else Mode.freepublish
    return await _asked(session, account, slug, how.mode or usual, confirm=how.confirm)


@router.post("/articles/{slug}/retry", operation_id="retryWechatArticle", status_code=202, responses=_ERRORS)
async def retry(
    request: Request, session: Writer, slug: Slug, query: Annotated[AccountQuery, QueryParameters()]
) -> ArticleDetail:
    """Go on after somebody has seen to what stopped the article."""
    try:
        article = await wishes.retry(session, _account(request, query), slug)
    except WishError as error:
        raise _refused(error) from None
    return await _detail(session, article)


@router.get("/questions", operation_id="listWechatQuestions", responses=_ERRORS)
async def questions(
    request: Request, session: Writer, query: Annotated[AskedQuery, QueryParameters()]
) -> AskedList:
    """What readers ask most; nobody is named."""
    rows = await inbox.asked(session, _account(request, query).name, query.days, query.limit)
    return AskedList(items=[Asked(text=text, times=times, found=found) for text, times, found in rows])


@router.post("/reconcile", operation_id="reconcileWechat", responses=_ERRORS)
async def reconcile(request: Request, query: Annotated[AccountQuery, QueryParameters()]) -> DifferenceList:
    """Compare our articles with what WeChat holds, and mend what can be mended."""
    account, wechat = _account(request, query), request.app.state.wechat
    try:
        found = await compare(wechat.database, clients.connect(account, wechat.http, wechat.database))
    except WechatError as error:
        raise Problem("unavailable", str(error), headers={"Retry-After": "30"}) from None
    return DifferenceList(items=[Difference(slug=each.slug, message=each.message) for each in found])


async def _asked(
    session: AsyncSession, account: Account, slug: str, goal: Mode, *, confirm: bool
) -> ArticleDetail:
    try:
        article = await wishes.ask(session, account, slug, goal, confirm=confirm)
    except WishError as error:
        raise _refused(error) from None
    return await _detail(session, article)


async def _detail(session: AsyncSession, article: WechatArticle) -> ArticleDetail:
    await session.flush()
    return await overview.detail(session, article)
