import asyncio
from datetime import UTC, date, datetime
from typing import Any

import httpx2
import psycopg
import pytest

from app.bulletins import live
from app.bulletins.document import BulletinDocument, Citation, Paragraph, ReferenceItem, Section, SectionTag
from app.bulletins.events import BulletinPublished
from app.bulletins.live import UnknownTagError
from app.kit.db import connect
from app.kit.settings import Settings
from tests.conftest import Publish

URL = "https://example.org/article"


def bulletin(
    day: int, *, tags: tuple[tuple[str, ...], ...] = (), cites: tuple[ReferenceItem, ...] = ()
) -> BulletinDocument:
    sections = tuple(
        Section(
            number=number,
            heading=f"条目{number}",
            body=(Paragraph(text=f"正文 {day}"),),
            tags=tuple(SectionTag(slug=slug) for slug in slugs),
        )
        for number, slugs in enumerate(tags, start=1)
    )
    citations = tuple(
        Citation(number=number, purpose="用于分析", reference=item)
        for number, item in enumerate(cites, start=1)
    )
    return BulletinDocument(
        title=f"标题 {day}", date=date(2026, 6, day), sections=sections, citations=citations
    )


def item(source: str = "国家数据局", title: str = "文章", url: str | None = None) -> ReferenceItem:
    return ReferenceItem(source=source, title=title, date=date(2026, 6, 1), url=url)


def tag_counts(api: httpx2.Client, slug: str) -> tuple[int, int]:
    tag = api.get(f"/v1/tags/{slug}").json()
    return tag["bulletin_count"], tag["section_count"]


def listed(api: httpx2.Client, path: str, name: str, count: str) -> dict[str, int]:
    return {each[name]: each[count] for each in api.get(f"/v1/{path}").json()["items"]}


def test_tags_count_bulletins_and_sections_through_publishing_and_correcting(
    api: httpx2.Client, publish: Publish
) -> None:
    publish(bulletin(1, tags=(("compute", "energy"), ("compute",))), bulletin(2, tags=(("compute",),)))
    assert tag_counts(api, "compute") == (2, 3)
    assert tag_counts(api, "energy") == (1, 1)
    publish(bulletin(1, tags=(("energy",), ("energy", "hubei"))))
    assert tag_counts(api, "compute") == (1, 1)
    assert tag_counts(api, "energy") == (1, 2)
    assert tag_counts(api, "hubei") == (1, 1)
    publish(bulletin(1), bulletin(2))
    assert [tag_counts(api, slug) for slug in ("compute", "energy", "hubei")] == [(0, 0)] * 3
    assert api.get("/v1/bulletins?tag=compute").json()["items"] == []
    assert api.get("/v1/sections?tag.any=compute").json()["items"] == []


def test_references_and_sources_are_counted_through_publishing_and_correcting(
    api: httpx2.Client, publish: Publish
) -> None:
    one, two, three = item(title="一"), item(title="二"), item("Reuters", "三")
    publish(bulletin(1, cites=(one, two, three)), bulletin(2, cites=(one,)))
    assert listed(api, "references", "title", "citation_count") == {"一": 2, "二": 1, "三": 1}
    assert listed(api, "sources", "name", "reference_count") == {"国家数据局": 2, "Reuters": 1}
    publish(bulletin(1, cites=(one,)))
    assert listed(api, "references", "title", "citation_count") == {"一": 2}
    assert listed(api, "sources", "name", "reference_count") == {"国家数据局": 1}
    assert api.get("/v1/bulletins?source=国家数据局&order=date").json()["items"][0]["slug"] == "2026-06-01"
    assert api.get("/v1/bulletins?source=Reuters").json()["items"] == []


def test_a_reference_that_nobody_cites_any_more_vanishes_and_returns_as_itself(
    api: httpx2.Client, publish: Publish
) -> None:
    publish(bulletin(1, cites=(item(),)))
    (reference,) = api.get("/v1/references").json()["items"]
    publish(bulletin(1))
    assert api.get(f"/v1/references/{reference['id']}").status_code == 404
    assert api.get("/v1/references").json()["items"] == []
    publish(bulletin(2, cites=(item(),)))
    assert api.get("/v1/references").json()["items"] == [reference]
    cited_by = api.get(f"/v1/references/{reference['id']}").json()["cited_by"]
    assert [use["bulletin"]["slug"] for use in cited_by] == ["2026-06-02"]


def test_a_reference_cited_twice_by_one_bulletin_has_one_bulletin(
    api: httpx2.Client, publish: Publish
) -> None:
    publish(bulletin(1, cites=(item(), item())))
    (reference,) = api.get("/v1/references").json()["items"]
    assert reference["citation_count"] == 1
    uses = api.get(f"/v1/references/{reference['id']}").json()["cited_by"]
    assert [use["number"] for use in uses] == [1, 2]


def test_one_item_in_other_width_or_case_or_with_a_url_is_the_same_reference(
    api: httpx2.Client, publish: Publish
) -> None:
    plain, wide = item("Reuters", "AI capex"), item("ＲＥＵＴＥＲＳ", "ＡＩ  capex", URL)
    publish(bulletin(1, cites=(plain,)))
    before = api.get("/v1/bulletins/2026-06-01").json()
    publish(bulletin(2, cites=(wide,)))
    (reference,) = api.get("/v1/references").json()["items"]
    assert (reference["source"], reference["title"], reference["url"]) == ("Reuters", "AI capex", URL)
    assert reference["citation_count"] == 2
    (second,) = api.get("/v1/bulletins/2026-06-02").json()["citations"]
    assert second["reference"] == {"id": reference["id"], **wide.model_dump(mode="json")}
    after = api.get("/v1/bulletins/2026-06-01").json()
    assert {**after, "next": None} == before, "another bulletin's words are not this one's"
    assert [source["name"] for source in api.get("/v1/sources").json()["items"]] == ["Reuters"]


def test_items_that_differ_in_title_date_or_source_are_different_references(
    api: httpx2.Client, publish: Publish
) -> None:
    other_day = ReferenceItem(source="国家数据局", title="文章", date=date(2026, 6, 2))
    undated = ReferenceItem(source="国家数据局", title="文章", date=None)
    publish(bulletin(1, cites=(item(), item(title="文章2"), item("Reuters"), other_day, undated)))
    assert len(api.get("/v1/references").json()["items"]) == 5


def test_sources_get_readable_slugs_that_are_never_shared(api: httpx2.Client, publish: Publish) -> None:
    names = ["国家数据局", "国家数据聚", "国家数据局 ", "Financial Times (中文)", "!!!", "？", "长" * 100]
    publish(bulletin(1, cites=tuple(item(name.strip(), title=str(i)) for i, name in enumerate(names))))
    slugs = {source["name"]: source["slug"] for source in api.get("/v1/sources").json()["items"]}
    assert {slugs["国家数据局"], slugs["国家数据聚"]} == {"guo-jia-shu-ju-ju", "guo-jia-shu-ju-ju-2"}
    assert slugs["Financial Times (中文)"] == "financial-times-zhong-wen"
    assert {slugs["!!!"], slugs["？"]} == {"source", "source-2"}
    assert len(slugs["长" * 100]) <= 80
    for name, slug in slugs.items():
        by_name = api.get("/v1/references", params={"source": name}).json()["items"]
        assert by_name == api.get("/v1/references", params={"source": slug}).json()["items"]
        assert [each["source"] for each in by_name] == [name] * (2 if name == "国家数据局" else 1)


def test_a_correction_replaces_the_content_and_keeps_the_first_publication(
    api: httpx2.Client, publish: Publish
) -> None:
    publish(bulletin(1, tags=(("compute",), ("energy",)), cites=(item(),)))
    first = api.get("/v1/bulletins/2026-06-01").json()
    publish(bulletin(1, tags=(("hubei",),)))
    second = api.get("/v1/bulletins/2026-06-01").json()
    assert (first["version"], second["version"]) == (1, 2)
    assert second["published_at"] == first["published_at"] == first["updated_at"]
    assert datetime.fromisoformat(second["updated_at"]) > datetime.fromisoformat(first["updated_at"])
    assert second["content_hash"] != first["content_hash"]
    assert [section["number"] for section in second["sections"]] == [1]
    assert [tag["slug"] for tag in second["tags"]] == ["hubei"]
    assert second["citations"] == []
    assert api.get("/v1/bulletins/2026-06-01/sections/2").status_code == 404
    assert len(api.get("/v1/sections").json()["items"]) == 1


def test_tags_stand_in_the_order_of_the_document(api: httpx2.Client, publish: Publish) -> None:
    publish(bulletin(1, tags=(("transport", "compute"), ("energy", "transport"), ("hubei",))))
    public = api.get("/v1/bulletins/2026-06-01").json()
    assert [tag["slug"] for tag in public["tags"]] == ["transport", "compute", "energy", "hubei"]
    assert [tag["slug"] for tag in public["sections"][1]["tags"]] == ["energy", "transport"]


def store(settings: Settings, document: BulletinDocument) -> None:
    async def run() -> None:
        event = BulletinPublished(document=document, version=1, at=datetime(2026, 6, 1, tzinfo=UTC))
        async with connect(settings) as database, database.session() as session:
            await live.store(session, [event])

    asyncio.run(run())


STORED = [
    "SELECT slug, bulletin_count, section_count FROM tag ORDER BY slug",
    "SELECT title, citation_count FROM reference ORDER BY title, citation_count",
    "SELECT slug, text, content_hash FROM bulletin",
    "SELECT number, text FROM section ORDER BY number",
    "SELECT number, reference_id, item FROM citation ORDER BY number",
    "SELECT tag_id, date, position FROM bulletin_tag ORDER BY position",
    "SELECT tag_id, date, number, position FROM section_tag ORDER BY number, position",
    "SELECT source_id, date FROM bulletin_source ORDER BY source_id",
]


def rows(settings: Settings) -> list[list[tuple[Any, ...]]]:
    with psycopg.connect(settings.conninfo) as connection:
        return [connection.execute(query.encode()).fetchall() for query in STORED]


def test_storing_the_same_document_twice_makes_the_same_rows(settings: Settings) -> None:
    document = bulletin(1, tags=(("compute",), ("energy",)), cites=(item(), item("Reuters")))
    store(settings, document)
    once = rows(settings)
    store(settings, document)
    assert rows(settings) == once


def test_unknown_tags_are_named_and_nothing_is_stored(settings: Settings) -> None:
    before = rows(settings)
    with pytest.raises(UnknownTagError) as error:
        store(settings, bulletin(1, tags=(("zz", "compute"), ("aa",)), cites=(item(),)))
    assert error.value.slugs == ["aa", "zz"]
    assert rows(settings) == before
