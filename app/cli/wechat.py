"""``nqpf wechat``: the official accounts, for editors and therefore in Chinese."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli import wechat_menu
from app.cli.terminal import Failure, say, say_json
from app.cli.wechat_accounts import Named, account_named, all_accounts, run
from app.kit.settings import Settings

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from app.kit.db import Database
    from app.wechat.client import Client
    from app.wechat.models import WechatArticle

app = typer.Typer(help="Publish to WeChat official accounts, and see what readers ask.", no_args_is_help=True)
app.add_typer(wechat_menu.app, name="menu")

Slug = Annotated[str, typer.Argument(help="The bulletin, 2026-06-25.")]
Json = Annotated[bool, typer.Option("--json", help="Write JSON for a script.")]


@app.command()
def accounts(
    check: Annotated[bool, typer.Option("--check", help="Also ask WeChat whether they work.")] = False,
) -> None:
    """List the accounts, without their secrets."""
    found = all_accounts(Settings.load())
    for account in found.account.values():
        default = "（默认）" if account.name == found.default else ""
        callback = account.callback if account.token else "无回调"
        say(f"{account.name}{default}  {account.appid}  发布到 {account.publish}  {callback}")
        if check:
            addresses = run(account.name, lambda client, _: client.callback_addresses())
            say(f"  可用：微信从 {len(addresses)} 个地址回调")


@app.command()
def preview(
    slug: Slug,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder for the article and the requests.")
    ] = None,
    to: Annotated[str | None, typer.Option("--to", help="Send the draft to this WeChat name.")] = None,
    account: Named = None,
) -> None:
    """Write the article and the exact requests to a folder; nothing is sent, except with --to."""
    from app.kit.image_store import image_store
    from app.wechat import library, wishes
    from app.wechat.assembling import stored
    from app.wechat.dry import rehearse, write

    chosen = account_named(account)
    folder = out or Settings.load().data / "wechat" / slug
    images = stored(image_store(Settings.load()))

    async def work(client: "Client", database: "Database") -> None:
        async with database.snapshot() as session:
            live = await library.live(session, slug)
        if live is None:
            raise wishes.WishError("bulletin.not-public", f"{slug} 没有发布，不能送到公众号。")
        rehearsed = await rehearse(chosen, live, chosen.publish, images)
        try:
            files = write(rehearsed, folder)
        except OSError as error:
            raise Failure(f"cannot write {folder}: {error.strerror}") from None
        prepared = rehearsed.prepared
        say(f"标题：{prepared.article.title}")
        say(f"作者：{prepared.article.author}")
        say(f"摘要：{prepared.article.digest}")
        for file in files:
            say(f"  {file}")
        if prepared.findings:
            raise Failure("；".join(f"{finding.code} {finding.message}" for finding in prepared.findings))
        if to:
            async with database.session() as session:
                article = await wishes.existing(session, chosen, slug)
            await client.preview(article.media_id or "", to)
            say(f"已发送预览给 {to}。")

    run(account, work)


@app.command()
def draft(slug: Slug, account: Named = None) -> None:
    """Make a draft, or bring the one there is up to date."""
    _ask(slug, account, "draft", confirm=False)


@app.command()
def publish(
    slug: Slug,
    mode: Annotated[str | None, typer.Option("--mode", help="freepublish or sendall.")] = None,
    confirm: Annotated[
        bool, typer.Option("--confirm", help="As an administrator, agree to a message to all followers.")
    ] = False,
    account: Named = None,
) -> None:
    """Publish as the account does; an account that stops at drafts gets an article without a message."""
    from app.wechat.accounts import Mode

    usual = account_named(account).publish
    goal = mode or (usual if usual != Mode.draft else Mode.freepublish)
    if goal not in {Mode.freepublish, Mode.sendall}:
        raise Failure(f"--mode: {goal} is neither freepublish nor sendall")
    _ask(slug, account, goal, confirm=confirm)


@app.command()
def status(
    slug: Annotated[str | None, typer.Argument(help="One bulletin, with every step.")] = None,
    account: Named = None,
    as_json: Json = False,
) -> None:
    """Show where the articles stand."""
    from app.wechat import overview, wishes
    from app.wechat.told import told

    chosen = account_named(account)

    async def work(_: "Client", database: "Database") -> None:
        async with database.session() as session:
            if slug is None:
                found = await overview.statuses(session, chosen.name, 50)
                if as_json:
                    say_json([each.model_dump(mode="json") for each in found])
                    return
                for each in found:
                    say(f"{each.slug}  {each.state_name}" + (f"  {each.trouble}" if each.trouble else ""))
                return
            one = await overview.detail(session, await wishes.existing(session, chosen, slug))
        if as_json:
            say_json(one.model_dump(mode="json"))
            return
        say(f"{one.slug}  {one.state_name}  {one.article_url or ''}")
        for step in one.steps:
            say(f"  {step.at:%m-%d %H:%M:%S}  {told(step)}")
        if one.trouble:
            say(f"  {one.trouble_code} {one.trouble}")

    run(account, work)


@app.command()
def retry(slug: Slug, account: Named = None) -> None:
    """Go on after seeing to what stopped an article."""
    from app.wechat import wishes

    chosen = account_named(account)
    _go_on(account, lambda session: wishes.retry(session, chosen, slug))


@app.command()
def reconcile(account: Named = None) -> None:
    """Compare our articles with what WeChat holds."""
    from app.wechat.reconciling import reconcile as compare

    async def work(client: "Client", database: "Database") -> None:
        differences = await compare(database, client)
        for difference in differences:
            say(f"{difference.slug}  {difference.message}")
        if not differences:
            say("与微信一致。")

    run(account, work)


@app.command()
def asked(
    days: Annotated[int, typer.Option(min=1, max=365)] = 30,
    account: Named = None,
    as_json: Json = False,
) -> None:
    """Show what readers ask most; nobody is named."""
    from app.wechat import inbox

    chosen = account_named(account)

    async def work(_: "Client", database: "Database") -> None:
        async with database.session() as session:
            rows = await inbox.asked(session, chosen.name, days, 50)
        if as_json:
            say_json([{"text": text, "times": times, "found": found} for text, times, found in rows])
            return
        for text, times, found in rows:
            say(f"{times:>5}  {text}" + ("" if found else "  （没有结果）"))

    run(account, work)


def _ask(slug: str, account: str | None, goal: str, *, confirm: bool) -> None:
    from app.wechat import wishes
    from app.wechat.accounts import Mode

    chosen = account_named(account)
    _go_on(account, lambda session: wishes.ask(session, chosen, slug, Mode(goal), confirm=confirm))


def _go_on(account: str | None, wish: Callable[["AsyncSession"], Awaitable["WechatArticle"]]) -> None:
    """Write down what is wanted, do what can be done at once, and say where the article stands."""
    from app.kit.image_store import image_store
    from app.wechat.assembling import stored
    from app.wechat.models import WechatArticle
    from app.wechat.publisher import Publisher
    from app.wechat.wishes import shown_state

    async def work(client: "Client", database: "Database") -> WechatArticle:
        async with database.session() as session:
            article = await wish(session)
        images = stored(image_store(Settings.load()))
        await Publisher(database, client, images).advance(article.id)
        async with database.session() as session:
            return await session.get_one(WechatArticle, article.id)

    article = run(account, work)
    say(
        f"{article.slug}  {shown_state(article)}"
        + (f"  {article.article_url}" if article.article_url else "")
    )
    if article.trouble:
        (_fail if article.needs_human else say)(article.trouble)


def _fail(message: str) -> None:
    raise Failure(message)
