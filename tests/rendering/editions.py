"""An edition that uses everything, with markup in every text; and a reader of JSON-LD without a network."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from pyld import jsonld  # type: ignore[import-untyped]

from app.bulletins.document import (
    BulletinDocument,
    Citation,
    Contact,
    Image,
    ListBlock,
    Paragraph,
    ReferenceItem,
    Section,
    SectionTag,
    Subheading,
    Table,
    content_hash,
)
from app.bulletins.taxonomy import TagKind
from app.rendering.edition import Edition, Site, TagName

MEAN = "</script><script>alert(1)</script>&amp;'\"]]>"
SITE = Site("https://example.org/base")
PUBLISHED = datetime(2026, 6, 25, 0, 30, tzinfo=UTC)
TAGS = {
    "energy": TagName("energy", "能源", "Energy", TagKind.topic),
    "hubei": TagName("hubei", "湖北", "Hubei", TagKind.region),
    "softbank": TagName("softbank", "软银", "SoftBank", TagKind.organisation),
}

_BODY = (
    Paragraph(text=f"第一段 {MEAN}"),
    Subheading(text=f"小标题 {MEAN}"),
    ListBlock(ordered=True, items=("甲", MEAN)),
    ListBlock(items=("乙",)),
    Table(header=True, rows=(("年", MEAN), ("2026", ""))),
    Table(header=False, rows=(("无", "表头"),)),
    Image(src="https://example.org/a.png?x=1&y=2", alt=MEAN),
    Image(src="sha256:00ff", alt="二维码"),
    Image(src="javascript:alert(1)"),
)


def edition(day: date = date(2026, 6, 25), version: int = 2, **changed: Any) -> Edition:
    """An edition that was corrected an hour after it was published."""
    item = ReferenceItem(source=MEAN, title=MEAN, date=day, url="https://example.org/?a=1&b=2")
    bad = ReferenceItem(source="", title="坏地址", date=None, url="javascript:alert(1)")
    document = BulletinDocument(
        title=f"标题 {MEAN}",
        date=day,
        organisation=f"组织 {MEAN}",
        producers=(f"甲 {MEAN}", "乙"),
        abstract=f"第一段 {MEAN}\n第二段",
        sections=(
            Section(
                number=1,
                numeral="一",
                heading=f"上 {MEAN}",
                body=_BODY,
                tags=tuple(SectionTag(slug=slug) for slug in TAGS),
            ),
            Section(number=2, heading="下"),
        ),
        citations=(
            Citation(number=1, purpose=f"用于 {MEAN}", sections=(1,), reference=item),
            Citation(number=2, purpose="", reference=bad),
        ),
        contacts=(
            Contact(name=MEAN, description="说明", url="https://gyznsw.cn"),
            Contact(name="号", url="javascript:alert(1)"),
        ),
    ).model_copy(update=changed)
    return Edition(
        document=document,
        version=version,
        content_hash=content_hash(document),
        published_at=PUBLISHED,
        updated_at=PUBLISHED + timedelta(hours=version - 1),
        tags=TAGS if document.sections else {},
    )


def bare() -> Edition:
    """An edition with only what must be there."""
    day = date(2026, 6, 24)
    return edition(
        day, 1, title="空", organisation="", producers=(), abstract="", sections=(), citations=(), contacts=()
    )


def expanded(document: dict[str, Any]) -> dict[str, Any]:
    """A JSON-LD document as a processor understands it, every name a full address of schema.org."""

    def load(url: str, _options: Any) -> Any:
        assert url.rstrip("/") == "https://schema.org"
        context = {"@vocab": "https://schema.org/", "url": {"@type": "@id"}, "contentUrl": {"@type": "@id"}}
        return {"contextUrl": None, "documentUrl": url, "document": {"@context": context}}

    (node,) = jsonld.expand(document, {"documentLoader": load})
    return dict(node)
