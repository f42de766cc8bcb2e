"""``nqpf search``: how the engines do, building and mending their indexes, and searching."""

import asyncio
import re
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from enum import StrEnum
from html import unescape
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from app.cli.terminal import Failure, migrated_database, say, say_json
from app.kit.settings import Settings

if TYPE_CHECKING:
    from app.kit.db import Database
    from app.search.meilisearch_index import Index
    from app.search.schemas import Hit, SearchPage
    from app.search.status import EngineStatus

T = TypeVar("T")

app = typer.Typer(help="Look after the search engines, and search.", no_args_is_help=True)


class Engine(StrEnum):
    meilisearch = "meilisearch"
    postgres = "postgres"


Json = Annotated[bool, typer.Option("--json", help="Write JSON for a script.")]
Only = Annotated[Engine | None, typer.Option("--engine", help="This engine alone.")]


@app.command()
def status(as_json: Json = False) -> None:
    """Show each engine's documents, the last change it has handled, its lag and drift."""
    from app.search.status import status as find

    found = _run(find)
    if as_json:
        say_json({"engines": [asdict(each) for each in found]})
        return
    for each in found:
        say(_line(each))


@app.command()
def reindex(engine: Only = None) -> None:
    """Build indexes anew; searches see the old ones until then. Interrupted, the next call goes on."""
    from app.search import indexing, postgres

    async def build(database: "Database", index: "Index | None") -> None:
        if index and engine is not Engine.postgres:
            with _progress("meilisearch") as progress:
                await indexing.reindex(database, index, progress)
            say("meilisearch: built anew")
        if engine is not Engine.meilisearch:
            with _progress("postgres") as progress:
                sections = await postgres.reindex(database, progress)
            say(f"postgres: built anew, {sections} sections")

    _run(build, needs_meilisearch=engine is Engine.meilisearch)


@app.command()
def reconcile(as_json: Json = False) -> None:
    """Compare what the engines hold with what is live, and mend what differs."""
    from app.search import indexing, postgres

    async def run(database: "Database", index: "Index | None") -> dict[str, dict[str, Any]]:
        rows = {"slugs": await postgres.mend(database)}
        mended = asdict(await indexing.reconcile(database, index)) if index else None
        return ({"meilisearch": mended} if mended else {}) | {"postgres": rows}

    mended = _run(run)
    if as_json:
        say_json(mended)
        return
    for engine, found in mended.items():
        say(f"{engine}: {_repaired(found)}")
        for slug in found["slugs"]:
            say(f"  {slug}")


def _repaired(found: dict[str, Any]) -> str:
    if found.get("rebuilt"):
        return "there was no index, it has been built"
    settings = "settings mended, " if found.get("settings") else ""
    return f"{settings}{len(found['slugs'])} bulletins mended"


@app.command()
def query(
    q: Annotated[str, typer.Argument(help='Words, "a phrase", -without.')],
    limit: Annotated[int, typer.Option(min=1, max=200)] = 10,
    engine: Only = None,
    as_json: Json = False,
) -> None:
    """Search, and show what is found."""
    page = _run(
        lambda database, _: _search(database, q, limit, engine),
        needs_meilisearch=engine is Engine.meilisearch,
    )
    if as_json:
        say_json(page.model_dump(mode="json"))
        return
    kind = "，放宽了条件" if page.relaxed else ""
    about = "" if page.total_is == "exact" else "约 "
    say(f"{about}{page.total} 条（{page.engine}，{page.took_ms} 毫秒{kind}）")
    for hit in page.items:
        _show(hit)


async def _search(database: "Database", q: str, limit: int, engine: Engine | None) -> "SearchPage":
    from pydantic import ValidationError

    from app.kit.problems import Problem
    from app.kit.reasons import reason
    from app.search import engines
    from app.search.ask import SearchQuery, ask

    names = engines.ENGINES if engine is None else [engine]
    async with engines.connect(Settings.load(), database, names) as searched:
        try:
            return await ask(database, searched, SearchQuery(q=q, limit=limit))
        except Problem as problem:
            raise Failure(problem.detail) from None
        except ValidationError as error:
            raise Failure(f"q: {reason(error.errors()[0])}") from None


def _show(hit: "Hit") -> None:
    say(f"\n{hit.bulletin.slug} §{hit.section.number}  {_marked(hit.highlight.heading)}  {hit.score:.2f}")
    if hit.highlight.body:
        say(f"  {_marked(hit.highlight.body)}")


def _marked(html: str) -> str:
    """Highlighted HTML as the terminal shows it; colours are left out where there is none."""
    return unescape(re.sub("<mark>(.*?)</mark>", lambda m: typer.style(m[1], bold=True, fg="yellow"), html))


def _line(found: "EngineStatus") -> str:
    if found.trouble:
        state = f"ERROR {found.trouble}"
    else:
        shown = ", ".join(found.drift[:5]) + (" …" if len(found.drift) > 5 else "")
        state = f"{found.documents} documents, drift {len(found.drift)}" + (f" ({shown})" if shown else "")
    return f"{found.engine}: {state}, last change {found.last_change}, lag {found.lag}"


def _run(
    work: Callable[["Database", "Index | None"], Coroutine[Any, Any, T]], *, needs_meilisearch: bool = False
) -> T:
    """Run with the database, and the index of Meilisearch where MEILI_URL is set."""
    import structlog
    from meilisearch.errors import MeilisearchError

    from app.kit.db import connect
    from app.search.contract import EngineUnavailableError
    from app.search.indexing import BusyError, configured
    from app.search.meilisearch_index import IndexingError

    structlog.configure(logger_factory=lambda *_: structlog.PrintLogger(sys.stderr))
    settings = Settings.load()
    index = configured(settings)
    if needs_meilisearch and index is None:
        raise Failure("MEILI_URL is not set: set it to the address of Meilisearch")

    async def inside(connected: Settings) -> T:
        async with connect(connected) as database:
            return await work(database, index)

    with migrated_database(settings) as connected:
        try:
            return asyncio.run(inside(connected))
        except MeilisearchError as error:
            raise Failure(f"Meilisearch: {error.message}") from None
        except (EngineUnavailableError, IndexingError, BusyError) as error:
            raise Failure(f"Meilisearch: {error}") from None


@contextmanager
def _progress(engine: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on a terminal, a line for each tenth elsewhere, both on standard error."""
    if not sys.stderr.isatty():
        said = -1

        def line(done: int, total: int) -> None:
            nonlocal said
            if total and done * 10 // total > said:
                said = done * 10 // total
                typer.echo(f"{engine}: {done} of {total} bulletins", err=True)

        yield line
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(engine, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
