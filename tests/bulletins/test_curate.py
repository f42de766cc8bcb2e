import asyncio
from typing import Any

import psycopg

from app.bulletins.curate import curate, taxonomy
from app.bulletins.taxonomy import Tag, TagKind, Taxonomy, curated
from app.kit.db import connect
from app.kit.settings import Settings


def tag(slug: str, name: str, *, parent: str | None = None, aliases: tuple[str, ...] = ()) -> Tag:
    return Tag(slug=slug, kind=TagKind.event, name=name, name_en=slug, parent=parent, aliases=aliases)


def bring(settings: Settings, *tags: Tag) -> set[str]:
    async def run() -> set[str]:
        async with connect(settings) as database, database.session() as session:
            return await curate(session, Taxonomy(tags=tags))

    return asyncio.run(run())


def rows(settings: Settings, *slugs: str) -> list[tuple[Any, ...]]:
    query = """
        SELECT tag.slug, tag.kind, tag.name, tag.name_en, tag.aliases, tag.lookalikes, parent.slug
        FROM tag LEFT JOIN tag parent ON parent.id = tag.parent_id WHERE tag.slug = ANY(%s) ORDER BY tag.slug
    """
    with psycopg.connect(settings.conninfo) as connection:
        return connection.execute(query, [list(slugs)]).fetchall()


def ids(settings: Settings) -> dict[str, Any]:
    with psycopg.connect(settings.conninfo) as connection:
        return dict(connection.execute("SELECT slug, id FROM tag").fetchall())


def test_the_database_has_the_whole_taxonomy_with_its_parents(settings: Settings) -> None:
    expected = [
        (t.slug, t.kind, t.name, t.name_en, list(t.aliases), list(t.lookalikes), t.parent)
        for t in sorted(curated().tags, key=lambda t: t.slug)
    ]
    assert rows(settings, *(t.slug for t in curated().tags)) == expected


def test_new_tags_are_made_with_parents_named_later(settings: Settings) -> None:
    bring(settings, tag("x-child", "子", parent="x-parent"), tag("x-parent", "父", aliases=("爹",)))
    assert rows(settings, "x-child", "x-parent") == [
        ("x-child", "event", "子", "x-child", [], [], "x-parent"),
        ("x-parent", "event", "父", "x-parent", ["爹"], [], None),
    ]


def test_renamed_tags_stay_the_same_and_lose_what_is_gone(settings: Settings) -> None:
    bring(settings, tag("x-a", "旧", parent="x-b", aliases=("别名",)), tag("x-b", "父"))
    before = ids(settings)
    bring(settings, tag("x-a", "新"), tag("x-b", "父"))
    assert rows(settings, "x-a") == [("x-a", "event", "新", "x-a", [], [], None)]
    assert ids(settings) == before


def test_tags_that_the_taxonomy_does_not_name_are_left_alone(settings: Settings) -> None:
    bring(settings, tag("x-a", "甲", parent="x-b"), tag("x-b", "乙"))
    before = rows(settings, "x-a", "compute")
    bring(settings, tag("x-b", "丙"))
    assert rows(settings, "x-a", "compute") == before


def test_curating_again_keeps_the_counts(settings: Settings) -> None:
    with psycopg.connect(settings.conninfo) as connection:
        connection.execute("UPDATE tag SET bulletin_count = 5 WHERE slug = 'compute'")
    bring(settings, *curated().tags)
    with psycopg.connect(settings.conninfo) as connection:
        count = connection.execute("SELECT bulletin_count FROM tag WHERE slug = 'compute'").fetchone()
    assert count == (5,)


def test_only_the_tags_that_it_changed_are_named(settings: Settings) -> None:
    assert bring(settings, tag("x-a", "甲"), tag("x-b", "乙"), *curated().tags) == {"x-a", "x-b"}
    assert bring(settings, tag("x-a", "甲", aliases=("别名",)), tag("x-b", "乙")) == {"x-a"}
    assert bring(settings, tag("x-a", "甲", aliases=("别名",)), tag("x-b", "乙", parent="x-a")) == {"x-b"}
    assert bring(settings, *curated().tags) == set()


def test_tags_of_the_editors_stay_as_they_are_and_their_names_are_theirs(settings: Settings) -> None:
    bring(settings, tag("x-a", "甲", aliases=("别名",)), tag("x-b", "乙", parent="x-a"))
    with psycopg.connect(settings.conninfo) as connection:
        connection.execute(
            "UPDATE tag SET name = '编辑的名字', aliases = '[\"另名\", \"又名\"]', edited = true "
            "WHERE slug = 'x-a'"
        )
    before = rows(settings, "x-a")
    clashing = (tag("x-c", "另名"), tag("x-d", "丁", aliases=("又名", "丁丁")))
    assert bring(settings, tag("x-a", "文件的名字"), tag("x-b", "乙二", parent="x-a"), *clashing) == {
        "x-b",
        "x-d",
    }
    assert rows(settings, "x-a") == before
    assert rows(settings, "x-b", "x-c", "x-d") == [
        ("x-b", "event", "乙二", "x-b", [], [], "x-a"),
        ("x-d", "event", "丁", "x-d", ["丁丁"], [], None),
    ]


def test_merged_tags_do_not_come_back_and_those_below_them_follow(settings: Settings) -> None:
    bring(settings, tag("x-a", "甲"), tag("x-b", "乙"))
    with psycopg.connect(settings.conninfo) as connection:
        connection.execute("DELETE FROM tag WHERE slug = 'x-a'")
        connection.execute("INSERT INTO merged_tag VALUES ('x-a', 'x-b', 'event', '甲', 'x-a', now())")
    assert bring(settings, tag("x-a", "甲"), tag("x-c", "丙", parent="x-a")) == {"x-c"}
    assert [(row[0], row[-1]) for row in rows(settings, "x-a", "x-c")] == [("x-c", "x-b")]


def test_a_parent_that_editors_have_put_below_the_tag_makes_no_ring(settings: Settings) -> None:
    bring(settings, tag("x-a", "甲"), tag("x-b", "乙", parent="x-a"))
    with psycopg.connect(settings.conninfo) as connection:
        connection.execute(
            "UPDATE tag SET edited = true, parent_id = above.id "
            "FROM tag AS above WHERE above.slug = 'x-a' AND tag.slug = 'x-b'"
        )
    assert bring(settings, tag("x-a", "甲", parent="x-b"), tag("x-b", "乙")) == set()
    assert [(row[0], row[-1]) for row in rows(settings, "x-a", "x-b")] == [("x-a", None), ("x-b", "x-a")]


def test_the_tags_of_the_database_are_a_taxonomy(settings: Settings) -> None:
    async def run() -> Taxonomy:
        async with connect(settings) as database, database.snapshot() as session:
            return await taxonomy(session)

    assert asyncio.run(run()).by_slug == curated().by_slug
