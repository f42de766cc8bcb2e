"""How quick the editors' desk is, on an embedded PostgreSQL of its own: ``scripts/bench_desk``."""

import asyncio
import statistics
import tempfile
import time
from contextlib import AsyncExitStack
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import httpx2
import psycopg
import typer

from app import wiring
from app.bulletins.curate import curate
from app.bulletins.document import BulletinDocument
from app.bulletins.taxonomy import curated
from app.editorial import clock
from app.editorial.models import Staff, StaffToken
from app.editorial.workflow import Role
from app.kit import migrate
from app.kit.auth import new_token, token_digest
from app.kit.db import connect, new_id
from app.kit.embedded_postgres import running
from app.kit.settings import Settings
from scripts.archive import generate
from scripts.serving import serving

DRAFTS = "/v1/editorial/drafts"
WORKERS = 2


def main(
    bulletins: Annotated[int, typer.Option(min=20, help="Published one by one.")] = 60,
    editors: Annotated[int, typer.Option(min=1)] = 20,
    saves: Annotated[int, typer.Option(min=1, help="Of each editor.")] = 100,
) -> None:
    with tempfile.TemporaryDirectory(prefix="nqpf-") as folder, running(Path(folder)) as uri:
        settings = Settings(data=Path(folder), pool_size=20).with_database(uri)
        migrate.upgrade(settings)
        token = asyncio.run(_prepare(settings))
        environment = {
            "DATABASE_URL": settings.conninfo,
            "NQPF_DATA": folder,
            "NQPF_POOL_SIZE": str(settings.pool_size),
        }
        with serving(environment) as server:
            asyncio.run(_measure(settings, server.address, token, bulletins, editors, saves))


async def _prepare(settings: Settings) -> str:
    token = new_token("nqpf")
    async with connect(settings) as database, database.session() as session:
        await curate(session, curated())
        staff = Staff(id=new_id(), name="bench", display_name="bench", role=Role.reviewer, password_hash="")
        session.add(staff)
        await session.flush()
        expires = datetime.now(UTC) + timedelta(days=1)
        session.add(
            StaffToken(
                staff_id=staff.id, digest=token_digest(token), ip="", user_agent="", expires_at=expires
            )
        )
    return token


async def _measure(
    settings: Settings, address: str, token: str, bulletins: int, editors: int, saves: int
) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    documents = list(generate(bulletins + 10 + editors // 4, seed=1, until=date(2026, 6, 25)))
    async with httpx2.AsyncClient(base_url=address, headers=headers, timeout=60) as client:
        await _publish_to_visible(settings, client, documents[:bulletins])
        await _punctuality(settings, client, documents[bulletins : bulletins + 10])
        await _saves(settings, client, documents[bulletins + 10 :], editors, saves)


async def _approved(client: httpx2.AsyncClient, document: BulletinDocument) -> tuple[str, dict[str, str]]:
    made = await client.post(DRAFTS, json={"document": document.model_dump(mode="json")})
    path = made.headers["location"]
    for action in ("submit", "approve"):
        made = await client.post(f"{path}/{action}", json={}, headers={"If-Match": made.headers["etag"]})
        made.raise_for_status()
    return path, {"If-Match": made.headers["etag"]}


async def _publish_to_visible(
    settings: Settings, client: httpx2.AsyncClient, documents: list[BulletinDocument]
) -> None:
    times: dict[str, list[float]] = {"API": [], "search": [], "change log": []}
    listening = await psycopg.AsyncConnection.connect(settings.conninfo, autocommit=True)
    async with listening:
        for document in documents:
            path, match = await _approved(client, document)
            start = time.perf_counter()
            publishing = asyncio.create_task(client.post(f"{path}/publish", json={}, headers=match))

            async def visible(name: str, published: BulletinDocument, begun: float) -> None:
                while not await _is_there(client, listening, name, published):  # noqa: ASYNC110
                    await asyncio.sleep(0.002)
                times[name].append(time.perf_counter() - begun)

            await asyncio.gather(*(visible(name, document, start) for name in times))
            (await publishing).raise_for_status()
    for name, found in times.items():
        p95 = statistics.quantiles(found, n=20)[-1]
        print(f"publish to visible, {name}: p50 {statistics.median(found):.3f} s, p95 {p95:.3f} s")


async def _is_there(
    client: httpx2.AsyncClient,
    database: psycopg.AsyncConnection[Any],
    name: str,
    document: BulletinDocument,
) -> bool:
    slug = document.slug
    if name == "API":
        return (await client.get(f"/v1/bulletins/{slug}")).status_code == 200
    if name == "search":
        answer = await client.get(
            "/v1/search", params={"q": document.sections[0].heading[:6], "from": slug, "to": slug}
        )
        answer.raise_for_status()
        return slug in answer.text
    found = await database.execute("SELECT 1 FROM change WHERE subject = %s", [slug])
    return await found.fetchone() is not None


async def _punctuality(
    settings: Settings, client: httpx2.AsyncClient, documents: list[BulletinDocument]
) -> None:
    async with AsyncExitStack() as stack:
        for _ in range(WORKERS):
            database = await stack.enter_async_context(connect(settings))
            await stack.enter_async_context(clock.watching(database, wiring.changes))
        wanted = {}
        for number, document in enumerate(documents):
            path, match = await _approved(client, document)
            wanted[document.slug] = datetime.now(UTC) + timedelta(seconds=1.5 + number * 0.37)
            body = {"publish_at": wanted[document.slug].isoformat()}
            (await client.post(f"{path}/schedule", json=body, headers=match)).raise_for_status()
        await asyncio.sleep((max(wanted.values()) - datetime.now(UTC)).total_seconds() + 3)
    with psycopg.connect(settings.conninfo) as connection:
        rows = connection.execute("SELECT subject, at FROM change WHERE subject = ANY(%s)", [list(wanted)])
        late = sorted((at - wanted[subject]).total_seconds() for subject, at in rows)
    assert len(late) == len(wanted)  # noqa: S101 - each once
    print(
        f"schedule to publication, {WORKERS} workers: "
        f"median {late[len(late) // 2]:.2f} s, worst {late[-1]:.2f} s"
    )


async def _saves(
    settings: Settings,
    client: httpx2.AsyncClient,
    documents: list[BulletinDocument],
    editors: int,
    saves: int,
) -> None:
    """Four editors on each draft; who comes too late reads again and saves again."""
    made = [await client.post(DRAFTS, json={"document": d.model_dump(mode="json")}) for d in documents]
    paths = [answer.headers["location"] for answer in made]
    conflicts = 0

    async def edit(editor: int) -> None:
        nonlocal conflicts
        path = paths[editor % len(paths)]
        for number in range(saves):
            while True:
                etag = (await client.get(f"{path}/document")).headers["etag"]
                body = {"abstract": f"{editor}-{number}"}
                answer = await client.patch(f"{path}/document", json=body, headers={"If-Match": etag})
                if answer.status_code != 412:
                    answer.raise_for_status()
                    break
                conflicts += 1

    start = time.perf_counter()
    await asyncio.gather(*(edit(editor) for editor in range(editors)))
    took = time.perf_counter() - start
    with psycopg.connect(settings.conninfo) as connection:
        kept = connection.execute(
            "SELECT count(DISTINCT document ->> 'abstract') FROM revision WHERE number > 1"
        )
        (found,) = kept.fetchone() or (0,)
        deadlocks = connection.execute("SELECT sum(deadlocks) FROM pg_stat_database").fetchone() or (0,)
    print(
        f"{editors} editors, {len(paths)} drafts: {found} of {editors * saves} saves kept in {took:.0f} s "
        f"({found / took:.0f}/s), {conflicts} answered 412 and saved again, deadlocks: {deadlocks[0]}"
    )


if __name__ == "__main__":
    typer.run(main)
