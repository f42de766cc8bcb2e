import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx2
import psycopg
import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app import wiring
from app.bulletins import finished
from app.bulletins.document import BulletinDocument
from app.bulletins.models import Finished, Tag
from app.bulletins.published import Standing, published
from app.bulletins.taxonomy import curated
from app.editorial.commands import curate_tags
from app.kit.conditional import SMALL, compress
from app.kit.db import Database, connect
from app.kit.settings import Settings
from tests.conftest import Publish, Server, heard

COLUMNS = ("slug", "kind", "number", "form", "version", "etag", "body", "gzip", "zstd")


def on_database(settings: Settings, test: Callable[[Database], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        async with connect(settings) as database:
            return await test(database)

    return asyncio.run(run())


def contents(rows: list[Finished]) -> set[tuple[Any, ...]]:
    return {tuple(getattr(row, column) for column in COLUMNS) for row in rows}


async def stored(session: AsyncSession) -> list[Finished]:
    return list(await session.scalars(select(Finished)))


async def rebuilt(database: Database, batch: int = 2) -> list[int]:
    async with database.snapshot() as session:
        slugs = await finished.lacking(session)
    return [done async for done in finished.rebuild(database, wiring.changes, slugs, batch)]


def test_what_is_stored_is_what_would_be_made_now(
    settings: Settings, publish: Publish, shelf: list[BulletinDocument], everything: BulletinDocument
) -> None:
    *early, late = shelf[:5]
    publish(*early, everything)
    publish(
        late,
        early[2].model_copy(update={"title": "更正"}),
        early[0].model_copy(update={"sections": (), "citations": ()}),
    )

    async def test(database: Database) -> None:
        async with database.snapshot() as session:
            slugs = [document.slug for document in (*shelf[:5], everything)]
            fresh = await finished.fresh(session, slugs)
            kept = await stored(session)
        assert len(kept) == sum(2 + len(d.sections) for d in (*shelf[1:5], everything)) + 2
        assert contents(kept) == contents(fresh)

    on_database(settings, test)


def test_the_bytes_are_the_same_for_a_document_that_is_in_no_live_table(
    settings: Settings, publish: Publish, everything: BulletinDocument
) -> None:
    publish(everything)

    async def test(database: Database) -> None:
        async with database.snapshot() as session:
            ((_, standing),) = await published(session, [everything.slug])
            kept = await stored(session)
        assert isinstance(standing, Standing)
        assert contents(kept) == contents(list(finished.finish(everything, standing)))

    on_database(settings, test)


def test_other_bytes_of_the_same_content_have_another_form(everything: BulletinDocument) -> None:
    tags = {
        slug: Tag(slug=slug, kind="topic", name=f"名 {slug}", name_en=f"Name {slug}")
        for slug in everything.tag_slugs
    }
    moment = datetime(2026, 6, 25, 8, 30, 15, 250_000, tzinfo=UTC)
    references = [UUID(int=number) for number, _ in enumerate(everything.citations, 1)]
    standing = Standing(2, moment, moment, "2026-06-24", None, tags, references)
    digest = hashlib.sha256(b"\n".join(row.body for row in finished.finish(everything, standing)))
    # When the bytes are meant to change: raise FORM and write both here.
    assert (finished.FORM, digest.hexdigest()) == (
        1,
        "36bdb668e0d8a762ff0b9ced3a49a2c912fdb0af9f5b4549fe1659e25d1c820a",
    )


def test_every_coding_is_ready_where_it_is_worth_it(
    settings: Settings, publish: Publish, shelf: list[BulletinDocument]
) -> None:
    publish(shelf[0])

    async def test(database: Database) -> None:
        async with database.snapshot() as session:
            for row in await stored(session):
                worth = len(row.body) >= SMALL and row.kind != "item"
                assert row.gzip == (compress(row.body, "gzip") if worth else None)
                assert row.zstd == (compress(row.body, "zstd") if worth else None)

    on_database(settings, test)


def test_a_bulletin_between_two_others_becomes_their_neighbour_at_once(
    publish: Publish, api: httpx2.Client, shelf: list[BulletinDocument]
) -> None:
    first, between, last = shelf[:3]

    def neighbours(document: BulletinDocument) -> tuple[str | None, str | None]:
        whole = api.get(f"/v1/bulletins/{document.slug}").json()
        items = {item["slug"]: item for item in api.get("/v1/bulletins").json()["items"]}
        assert whole["previous"] == items[document.slug]["previous"]
        assert whole["next"] == items[document.slug]["next"]
        return whole["previous"], whole["next"]

    publish(first, last)
    assert neighbours(first) == (None, last.slug)
    assert neighbours(last) == (first.slug, None)
    publish(between)
    assert neighbours(first) == (None, between.slug)
    assert neighbours(between) == (first.slug, last.slug)
    assert neighbours(last) == (between.slug, None)


def test_a_tag_that_is_renamed_is_renamed_in_every_answer(
    settings: Settings, publish: Publish, server: Server, shelf: list[BulletinDocument]
) -> None:
    publish(*shelf[:3])
    paths = [
        f"/v1/bulletins/{shelf[0].slug}",
        f"/v1/bulletins/{shelf[0].slug}/sections/1",
        "/v1/bulletins",
        "/v1/sections",
        "/v1/bulletins?include=sections",
    ]
    slug = shelf[0].tag_slugs[0]
    for path in paths:
        assert "新的名称" not in server.client.get(path).text
    tags = {tag.slug: tag for tag in curated().tags}
    tags[slug] = tags[slug].model_copy(update={"name": "新的名称"})
    renamed = curated().model_copy(update={"tags": tuple(tags.values())})

    async def rename(database: Database) -> None:
        async with database.session() as session:
            await curate_tags(session, wiring.changes, renamed)
        await heard(settings, database)

    on_database(settings, rename)
    for path in paths:
        answer = server.client.get(path)
        assert answer.text.count("新的名称"), path
    etags = [server.client.get(path).headers["etag"] for path in paths]

    async def again(database: Database) -> None:
        assert await rebuilt(database)
        assert await rebuilt(database) == []

    on_database(settings, again)
    server.forget()
    assert [server.client.get(path).headers["etag"] for path in paths] == etags


def test_answers_of_another_form_are_not_given_and_rebuilding_goes_on_where_it_stopped(
    settings: Settings, publish: Publish, server: Server, shelf: list[BulletinDocument]
) -> None:
    publish(*shelf[:5])
    paths = ["/v1/bulletins", "/v1/sections", *(f"/v1/bulletins/{each.slug}" for each in shelf[:5])]
    before = [server.client.get(path).content for path in paths]
    with psycopg.connect(settings.conninfo) as connection:
        connection.execute("UPDATE finished SET form = form - 1, body = 'of another time'")

    def answers() -> list[bytes]:
        server.forget()
        return [server.client.get(path).content for path in paths]

    assert answers() == before

    async def interrupted(database: Database) -> None:
        async with database.snapshot() as session:
            slugs = await finished.lacking(session)
            assert slugs == [each.slug for each in reversed(shelf[:5])]
        rebuilding = finished.rebuild(database, wiring.changes, slugs, 2)
        assert await anext(rebuilding) == 2
        await rebuilding.aclose()

    on_database(settings, interrupted)
    assert answers() == before

    async def go_on(database: Database) -> None:
        assert await rebuilt(database) == [2, 3]
        async with database.snapshot() as session:
            assert {row.form for row in await stored(session)} == {finished.FORM}

    on_database(settings, go_on)
    assert answers() == before


def test_a_publication_drops_what_it_changes_and_spares_the_rest(
    publish: Publish, server: Server, shelf: list[BulletinDocument]
) -> None:
    old, before, new = shelf[0], shelf[8], shelf[9]
    far = old.model_copy(update={"sections": (), "citations": ()})
    touched = {*new.tag_slugs}
    publish(far, before)
    spared_tag = next(slug for slug in ("ai-capex", "quantum") if slug not in touched)
    dropped = {
        "/v1/bulletins",
        "/v1/bulletins/latest",
        f"/v1/bulletins/{before.slug}",
        f"/v1/bulletins/{before.slug}/sections/1",
        f"/v1/bulletins/{new.slug}",
        f"/v1/bulletins?tag={new.tag_slugs[0]}",
        f"/v1/tags/{new.tag_slugs[0]}",
        "/v1/tags",
        "/v1/sections",
        "/v1/references",
        "/v1/sources",
    }
    spared = {
        f"/v1/bulletins/{far.slug}",
        f"/v1/bulletins/{far.slug}?fields=slug",
        f"/v1/bulletins?tag={spared_tag}",
        f"/v1/sections?tag={spared_tag}",
        f"/v1/tags/{spared_tag}",
    }

    def hot() -> set[str]:
        return {f"{path}?{query.decode()}".removesuffix("?") for path, query in server.store.hot}

    for path in dropped | spared:
        server.client.get(path)
        server.client.get(path)
    assert hot() >= (dropped | spared) - {f"/v1/bulletins/{new.slug}"}
    publish(new)
    assert hot() & (dropped | spared) == spared
    assert server.client.get(f"/v1/bulletins/{before.slug}").json()["next"] == new.slug
    assert server.client.get(f"/v1/bulletins/{new.slug}").status_code == 200


@pytest.mark.parametrize("slug", ["2026-03-99", "a\x00b", "x" * 80, "%", "2026-06-25'--"])
def test_what_is_no_public_bulletin_is_not_found(settings: Settings, slug: str) -> None:
    async def test(database: Database) -> None:
        assert await finished.find(database, slug, "bulletin") is None

    on_database(settings, test)
