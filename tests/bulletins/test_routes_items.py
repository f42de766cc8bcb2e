import hashlib
import json
from datetime import datetime
from typing import Any
from uuid import UUID

import httpx2
import pytest

from app.bulletins.document import BulletinDocument
from tests.conftest import Publish, Server

HASHED = (
    *("series", "title", "date", "language", "organisation", "producers", "abstract"),
    *("sections", "citations", "contacts"),
)


def verified(bulletin: dict[str, Any]) -> str:
    """The content hash made from the public JSON alone, as `document.canonical_content` tells readers to."""
    content = {name: bulletin[name] for name in HASHED}
    content["sections"] = [
        {
            **{name: value for name, value in section.items() if name not in ("anchor", "citations")},
            "tags": [tag["slug"] for tag in section["tags"]],
        }
        for section in bulletin["sections"]
    ]
    content["citations"] = [
        {
            **citation,
            "reference": {name: value for name, value in citation["reference"].items() if name != "id"},
        }
        for citation in bulletin["citations"]
    ]
    canonical = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return f"sha256:{hashlib.sha256(canonical.encode()).hexdigest()}"


def test_a_bulletin_has_the_promised_names_and_values(
    api: httpx2.Client, publish: Publish, everything: BulletinDocument
) -> None:
    publish(everything)
    bulletin = api.get("/v1/bulletins/2026-06-25").json()
    ids = [citation["reference"].pop("id") for citation in bulletin["citations"]]
    assert [UUID(each).version for each in ids] == [7, 7]
    moments = [bulletin.pop("published_at"), bulletin.pop("updated_at")]
    assert all(datetime.fromisoformat(moment).tzinfo for moment in moments)
    energy = {"slug": "energy", "name": "能源", "name_en": "Energy", "kind": "topic"}
    compute = {"slug": "compute", "name": "算力", "name_en": "Compute", "kind": "topic"}
    hubei = {"slug": "hubei", "name": "湖北", "name_en": "Hubei", "kind": "region"}
    content = everything.model_dump(mode="json")
    assert bulletin == {
        "slug": "2026-06-25",
        "series": "系列",
        "title": "标题",
        "date": "2026-06-25",
        "language": "en",
        "organisation": "组织",
        "producers": ["甲", "乙"],
        "abstract": "第一段\n第二段",
        "sections": [
            {
                "number": 1,
                "numeral": "一",
                "heading": "上",
                "anchor": "section-1",
                "page": 2,
                "body": content["sections"][0]["body"],
                "tags": [energy, compute],
                "citations": [1],
            },
            {
                "number": 2,
                "numeral": "",
                "heading": "下",
                "anchor": "section-2",
                "page": None,
                "body": [],
                "tags": [compute, hubei],
                "citations": [1],
            },
        ],
        "citations": content["citations"],
        "contacts": content["contacts"],
        "tags": [energy, compute, hubei],
        "version": 1,
        "content_hash": verified(api.get("/v1/bulletins/2026-06-25").json()),
        "previous": None,
        "next": None,
    }
    assert "没有公开" not in api.get("/v1/bulletins/2026-06-25").text


def test_a_list_item_is_the_bulletin_without_sections_citations_and_contacts(
    reading: httpx2.Client, shelf: list[BulletinDocument]
) -> None:
    items = reading.get("/v1/bulletins?limit=200&order=date").json()["items"]
    for item, bulletin in zip(items, shelf, strict=True):
        whole = reading.get(f"/v1/bulletins/{bulletin.slug}").json()
        assert set(whole) - set(item) == {"sections", "citations", "contacts"}
        assert item == {name: whole[name] for name in item}


def test_anyone_can_verify_the_content_hash_from_the_public_json(
    reading: httpx2.Client, shelf: list[BulletinDocument]
) -> None:
    for bulletin in shelf:
        public = reading.get(f"/v1/bulletins/{bulletin.slug}").json()
        assert public["content_hash"] == verified(public)


def test_the_latest_bulletin_is_the_newest_and_names_its_address(
    reading: httpx2.Client, shelf: list[BulletinDocument]
) -> None:
    latest = reading.get("/v1/bulletins/latest")
    assert latest.headers["content-location"] == f"/v1/bulletins/{shelf[-1].slug}"
    own = reading.get(latest.headers["content-location"])
    assert latest.content == own.content
    assert latest.headers["etag"] == own.headers["etag"]


def test_an_earlier_date_published_later_is_not_the_latest(
    api: httpx2.Client, publish: Publish, shelf: list[BulletinDocument]
) -> None:
    publish(shelf[3], shelf[1])
    latest = api.get("/v1/bulletins/latest").json()
    assert (latest["slug"], latest["previous"], latest["next"]) == (shelf[3].slug, shelf[1].slug, None)
    publish(shelf[2])
    assert api.get("/v1/bulletins/latest").json()["previous"] == shelf[2].slug
    assert api.get(f"/v1/bulletins/{shelf[1].slug}").json()["next"] == shelf[2].slug


def test_a_section_alone_is_the_bulletins_section_with_the_bulletins_name(reading: httpx2.Client) -> None:
    bulletin = reading.get("/v1/bulletins/2026-03-05").json()
    for number in (1, 2):
        section = reading.get(f"/v1/bulletins/2026-03-05/sections/{number}").json()
        named = {name: bulletin[name] for name in ("slug", "title", "date")}
        assert section == {**bulletin["sections"][number - 1], "bulletin": named}
        assert section in reading.get("/v1/sections?from=2026-03-05&to=2026-03-05").json()["items"]


def test_a_tag_shows_its_counts_parent_and_children(
    reading: httpx2.Client, shelf: list[BulletinDocument]
) -> None:
    tag = reading.get("/v1/tags/compute").json()
    assert tag["name"] == "算力"
    assert tag["bulletin_count"] == sum("compute" in bulletin.tag_slugs for bulletin in shelf)
    carrying = [s for bulletin in shelf for s in bulletin.sections if "compute" in [t.slug for t in s.tags]]
    assert tag["section_count"] == len(carrying)
    below = reading.get("/v1/tags?parent=compute&limit=200").json()["items"]
    assert below
    assert tag["children"] == [{n: each[n] for n in ("slug", "name", "name_en", "kind")} for each in below]
    assert {each["parent"] for each in below} == {"compute"}
    listed = {each["slug"]: each for each in reading.get("/v1/tags?q=算力&limit=200").json()["items"]}
    assert listed["compute"] == {name: value for name, value in tag.items() if name != "children"}


def test_a_reference_shows_every_bulletin_and_section_that_cites_it_newest_first(
    reading: httpx2.Client, shelf: list[BulletinDocument]
) -> None:
    (listed,) = reading.get("/v1/references?q=共享 2").json()["items"]
    reference = reading.get(f"/v1/references/{listed['id']}").json()
    citing = [bulletin for index, bulletin in enumerate(shelf) if index % 4 == 2]
    assert {name: reference[name] for name in listed} == listed
    assert listed["citation_count"] == len(citing)
    assert (listed["source"], listed["source_slug"]) == ("新华社", "xin-hua-she")
    assert reference["cited_by"] == [
        {
            "bulletin": {"slug": b.slug, "title": b.title, "date": b.slug},
            "number": 1,
            "purpose": "用于共享 2。",
            "inferred": False,
            "sections": [{"number": 1, "heading": "条目1", "anchor": "section-1"}],
        }
        for b in reversed(citing)
    ]


def test_bulletins_that_cite_one_item_share_its_reference(
    reading: httpx2.Client, shelf: list[BulletinDocument]
) -> None:
    first, second = (reading.get(f"/v1/bulletins/{shelf[i].slug}").json()["citations"][0] for i in (1, 5))
    assert first["reference"] == second["reference"]


def test_a_source_counts_the_references_that_are_cited(
    reading: httpx2.Client, shelf: list[BulletinDocument]
) -> None:
    items = {c.reference for bulletin in shelf for c in bulletin.citations}
    expected = {name: len([i for i in items if i.source == name]) for name in {i.source for i in items}}
    found = reading.get("/v1/sources").json()["items"]
    assert {source["name"]: source["reference_count"] for source in found} == expected
    assert [source["slug"] for source in found] == sorted(source["slug"] for source in found)


ITEMS = ["/v1/bulletins/latest", "/v1/bulletins/2026-03-04", "/v1/bulletins/2026-03-04/sections/1"]


@pytest.mark.parametrize("address", [*ITEMS, "/v1/tags/compute", "/v1/references/{id}"])
def test_a_sparse_object_holds_the_named_fields_and_says_so(reading: httpx2.Client, address: str) -> None:
    address = address.format(id=reading.get("/v1/references?limit=1").json()["items"][0]["id"])
    whole = reading.get(address).json()
    fields = list(whole)[1::2]
    sparse = reading.get(f"{address}?fields={','.join(fields)}")
    assert sparse.headers["content-type"] == "application/vnd.nqpf.sparse+json"
    assert sparse.json() == {name: whole[name] for name in fields}


def test_reading_a_bulletin_takes_the_same_queries_whatever_it_holds(
    server: Server, publish: Publish, everything: BulletinDocument
) -> None:
    empty = BulletinDocument(title="空", date=everything.date and everything.date.replace(day=1))
    publish(empty, everything)
    counts = []
    for bulletin in (empty, everything):
        with server.counting() as statements:
            assert server.client.get(f"/v1/bulletins/{bulletin.slug}").status_code == 200
        counts.append(len(statements))
    assert counts[0] <= counts[1] <= 7
