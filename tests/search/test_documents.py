import asyncio
from datetime import UTC, datetime

from app.bulletins.document import SERIES, BulletinDocument
from app.bulletins.taxonomy import curated
from app.kit.db import connect
from app.kit.settings import Settings
from app.search import documents
from app.search.contract import SectionDocument
from tests.conftest import Publish
from tests.search.shelf import bulletin

KINDS = {tag.slug: tag.kind.value for tag in curated().tags}
AT = datetime(2026, 7, 1, tzinfo=UTC)

TWO_PARTS = bulletin(
    "2026-05-01",
    ("甲", "第一段。", ["softbank", "compute"]),
    ("乙", "第二段。", ["compute"]),
    sources=["新华社", "Reuters"],
    abstract="摘要在此。",
)


def live(settings: Settings, slug: str) -> list[SectionDocument]:
    async def run() -> list[SectionDocument]:
        async with connect(settings) as database, database.snapshot() as session:
            return await documents.live(session, slug)

    return asyncio.run(run())


def test_the_abstract_is_section_zero_with_the_tags_and_sources_of_the_bulletin() -> None:
    abstract, first, second = documents.of(TWO_PARTS, 3, AT, KINDS)

    assert (abstract.number, abstract.body, abstract.heading) == (0, "摘要在此。", "2026-05-01")
    assert abstract.tags == ("softbank", "compute")
    assert abstract.kinds == ("organisation", "topic")
    assert abstract.sources == ("新华社", "Reuters")
    assert (first.heading, first.body, second.tags) == ("甲", "第一段。", ("compute",))
    assert {each.version for each in (abstract, first, second)} == {3}


def test_a_title_of_its_own_is_the_heading_of_the_abstract() -> None:
    titled = TWO_PARTS.model_copy(update={"title": f"{SERIES} 特刊"})

    assert documents.of(titled, 1, AT, KINDS)[0].heading == "特刊"


def test_a_bulletin_without_an_abstract_has_no_section_zero() -> None:
    plain = TWO_PARTS.model_copy(update={"abstract": ""})

    assert [each.number for each in documents.of(plain, 1, AT, KINDS)] == [1, 2]


def test_live_rows_give_the_same_documents_as_what_was_published(
    settings: Settings, publish: Publish
) -> None:
    publish(TWO_PARTS)

    found = live(settings, "2026-05-01")

    assert found == documents.of(TWO_PARTS, 1, found[0].published_at, KINDS)


def test_what_is_not_public_has_no_documents(settings: Settings) -> None:
    assert live(settings, "2026-05-01") == []


def test_lists_and_tables_are_part_of_the_text() -> None:
    block = {"type": "table", "rows": [["算力", "电力"], ["一", "二"]]}
    data = TWO_PARTS.model_dump(mode="json")
    data["sections"][0]["body"] = [block, {"type": "list", "items": ["甲项", "乙项"]}]

    body = documents.of(BulletinDocument.model_validate(data), 1, AT, KINDS)[1].body

    assert body == "算力\t电力\n一\t二\n甲项\n乙项"
