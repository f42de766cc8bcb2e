"""``nqpf import``, ``list``, ``show`` and ``withdraw``: content, for editors and therefore in Chinese."""

import asyncio
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.terminal import Failure, migrated_database, progress, say, say_json, user
from app.kit.settings import Settings

if TYPE_CHECKING:
    from app.bulletins.schemas import Bulletin, BulletinItem
    from app.cli.importing import FileOutcome
    from app.editorial.commands import Withdrawn
    from app.ingest.report import Position

_OUTCOMES = {"created": "新建", "revised": "更新", "unchanged": "没有变化"}
_SEVERITIES = {"error": "错误", "warning": "警告", "note": "提示"}

Json = Annotated[bool, typer.Option("--json", help="Write JSON for a script.")]


def _file(name: str) -> Path:
    if not name:
        raise typer.BadParameter("a file name is empty")
    return Path(name)


def import_(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE...", parser=_file, help=".txt, .md, .docx or .pdf files."),
    ],
    publish: Annotated[bool, typer.Option("--publish", help="Also publish what has no errors.")] = False,
    note: Annotated[str, typer.Option(help="With --publish: what readers are told was corrected.")] = "",
    author: Annotated[str, typer.Option(help="Who is named as the author.", show_default="you")] = "",
    as_json: Json = False,
) -> None:
    """Import bulletins; one that cannot be taken does not stop the others, but the exit code is 1."""
    if note and not publish:
        raise typer.BadParameter("it is public, and only goes with --publish", param_hint="--note")
    with migrated_database(Settings.load()) as settings, progress(len(files)) as advance:

        def done(outcome: "FileOutcome") -> None:
            advance()
            for line in () if as_json else _lines(outcome):
                say(line)

        outcomes = asyncio.run(_import(settings, files, note if publish else None, author or user(), done))
    if as_json:
        say_json({"files": [outcome.as_json() for outcome in outcomes]})
    if any(outcome.refusal for outcome in outcomes):
        raise typer.Exit(1)


def list_(
    limit: Annotated[int, typer.Option(min=1, max=200, help="How many to list, newest first.")] = 20,
    as_json: Json = False,
) -> None:
    """List the published bulletins."""
    with migrated_database(Settings.load()) as settings:
        items, more = asyncio.run(_list(settings, limit))
    if as_json:
        say_json({"items": [item.model_dump(mode="json") for item in items], "more": more})
        return
    for item in items:
        say(f"{item.slug}  第 {item.version} 版  {item.title}")
    if more:
        say(f"（只列出最新的 {limit} 期，用 --limit 可列出更多）")
    elif not items:
        say("还没有已发布的每日动态。")


def show(
    slug: Annotated[str, typer.Argument(help="A date such as 2026-06-25.")], as_json: Json = False
) -> None:
    """Show a published bulletin."""
    with migrated_database(Settings.load()) as settings:
        bulletin = asyncio.run(_show(settings, slug))
    if bulletin is None:
        raise Failure(f"bulletin.missing：没有已发布的 {slug} 期每日动态，用 nqpf list 查看已发布的各期。")
    if as_json:
        say_json(bulletin.model_dump(mode="json"))
        return
    for line in _text(bulletin):
        say(line)


def withdraw(
    slug: Annotated[str, typer.Argument(help="A date such as 2026-06-25.")],
    note: Annotated[str, typer.Option(help="What readers are told instead of it.")],
    as_json: Json = False,
) -> None:
    """Take a published bulletin, with all its versions, from the public."""
    with migrated_database(Settings.load()) as settings:
        withdrawn = asyncio.run(_withdraw(settings, slug, note))
    if as_json:
        say_json({"slug": withdrawn.slug, "version": withdrawn.version})
        return
    say(f"{withdrawn.slug}：已撤下（第 {withdrawn.version} 版）")


async def _import(
    settings: Settings,
    files: list[Path],
    note: str | None,
    author: str,
    done: Callable[["FileOutcome"], None],
) -> list["FileOutcome"]:
    from app.cli.importing import FileOutcome, import_path
    from app.kit.db import connect
    from app.kit.image_store import image_store

    outcomes = []
    images = image_store(settings)
    async with connect(settings) as database:
        for file, first in zip(files, _named_first(files), strict=True):
            if first is file:
                outcome = await import_path(database, images, file, note=note, author=author)
            else:
                outcome = FileOutcome(str(file), same_as=str(first))
            outcomes.append(outcome)
            done(outcome)
    return outcomes


def _named_first(files: list[Path]) -> list[Path]:
    """For each file how it is named where it stands first, for links lead to one file too."""
    named: dict[str, Path] = {}
    return [named.setdefault(os.path.realpath(file), file) for file in files]


async def _list(settings: Settings, limit: int) -> tuple[list["BulletinItem"], bool]:
    from app.bulletins import queries
    from app.bulletins.filters import TagFilters
    from app.bulletins.schemas import BulletinItem
    from app.kit.db import connect

    async with connect(settings) as database, database.snapshot() as session:
        page = await queries.bulletins(session, TagFilters(limit=limit), "-date", "item")
        return [BulletinItem.model_validate_json(item) for item in page.items], page.next is not None


async def _show(settings: Settings, slug: str) -> "Bulletin | None":
    from app.bulletins import finished
    from app.bulletins.schemas import Bulletin
    from app.kit.db import connect

    async with connect(settings) as database:
        found = await finished.find(database, slug, "bulletin")
    return Bulletin.model_validate_json(found.body) if found else None


async def _withdraw(settings: Settings, slug: str, note: str) -> "Withdrawn":
    from app.editorial.commands import withdraw
    from app.editorial.refused import Refused
    from app.kit.db import connect
    from app.wiring import changes

    try:
        async with connect(settings) as database, database.session() as session:
            return await withdraw(session, changes, slug, note)
    except Refused as error:
        raise Failure(f"{error.code}：{error.message}") from None


def _lines(outcome: "FileOutcome") -> Iterator[str]:
    """The report of one file: what became of it, then its findings."""
    if outcome.same_as:
        yield f"{outcome.file}：与前面的 {outcome.same_as} 是同一个文件，只读一次"
    if imported := outcome.imported:
        moved = f"（日期原为 {imported.formerly}）" if imported.formerly else ""
        what = f"{imported.slug or '日期不明'}{moved} {_OUTCOMES[imported.outcome]}，修订 {imported.revision}"
        if outcome.published:
            unchanged = "（原已发布）" if outcome.published.outcome == "unchanged" else ""
            what += f"，已发布第 {outcome.published.version} 版{unchanged}"
        yield f"{outcome.file}：{what}"
    if outcome.refusal:
        yield f"{outcome.file}：{outcome.refusal.code} {outcome.refusal.message}"
    for finding in outcome.report.findings if outcome.report else ():
        place = _place(finding.position)
        yield f"  {_SEVERITIES[finding.severity]} {finding.code}{place}：{finding.message}"


def _place(position: "Position") -> str:
    parts = [
        f"第 {value} {unit}"
        for value, unit in (
            (position.page, "页"),
            (position.line, "行"),
            (position.section, "条"),
            (position.citation, "条参考文献"),
        )
        if value is not None
    ]
    return f"（{'，'.join(parts)}）" if parts else ""


def _text(bulletin: "Bulletin") -> Iterator[str]:
    from app.bulletins.document import block_text

    yield f"{bulletin.title}（{bulletin.date}，第 {bulletin.version} 版）"
    yield from (
        line for line in (bulletin.organisation, "、".join(bulletin.producers), bulletin.abstract) if line
    )
    for section in bulletin.sections:
        yield f"\n{section.number}. {section.heading}"
        if section.tags:
            yield "标签：" + "、".join(tag.name for tag in section.tags)
        yield from (block_text(block) for block in section.body)
    if bulletin.citations:
        yield "\n参考文献"
    for citation in bulletin.citations:
        cited = citation.reference
        yield f"{citation.number}. {cited.source} | {cited.title} | {cited.date} | {citation.purpose}"
