"""A small archive whose every section is there for a reason."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta

from app.bulletins.document import BulletinDocument, Citation, Paragraph, ReferenceItem, Section, SectionTag
from app.bulletins.taxonomy import Tag, TagKind, Taxonomy
from app.search import documents
from app.search.contract import Phrase, Query, SectionDocument, Term
from app.search.text import fold, query_words

TAXONOMY = Taxonomy(
    tags=(
        Tag(slug="compute", kind=TagKind.topic, name="算力", name_en="Compute", aliases=("computing power",)),
        Tag(slug="data-elements", kind=TagKind.topic, name="数据要素", name_en="Data elements"),
        Tag(
            slug="new-quality-productive-forces",
            kind=TagKind.topic,
            name="新质生产力",
            name_en="New quality productive forces",
        ),
        Tag(slug="openai", kind=TagKind.organisation, name="OpenAI", name_en="OpenAI"),
        Tag(slug="semiconductors", kind=TagKind.topic, name="半导体", name_en="Semiconductors"),
        Tag(slug="softbank", kind=TagKind.organisation, name="软银", name_en="SoftBank"),
    )
)
"""Its tags, as the curated taxonomy has them: what is recorded with them stays good when that grows."""

PUBLISHED = datetime(2026, 7, 1, 8, tzinfo=UTC)

Part = tuple[str, str, Sequence[str]]
"""Heading, text, tags."""


def bulletin(day: str, *parts: Part, sources: Sequence[str] = (), abstract: str = "") -> BulletinDocument:
    """A bulletin; every section uses every source."""
    numbers = range(1, len(parts) + 1)
    return BulletinDocument(
        title=f"新质生产力每日动态 {day}",
        date=date.fromisoformat(day),
        abstract=abstract,
        sections=tuple(
            Section(
                number=number,
                heading=heading,
                body=(Paragraph(text=text),),
                tags=tuple(SectionTag(slug=tag) for tag in tags),
            )
            for number, (heading, text, tags) in zip(numbers, parts, strict=True)
        ),
        citations=tuple(
            Citation(
                number=number,
                purpose="核验",
                sections=tuple(numbers),
                reference=ReferenceItem(source=source, title=f"报道 {day}", date=date.fromisoformat(day)),
            )
            for number, source in enumerate(sources, 1)
        ),
    )


SHELF = (
    bulletin(
        "2026-05-04",
        ("高通发布新芯片", "高通公司推出面向手机的处理器。", ["semiconductors"]),
        ("海关提高通关效率", "口岸提高通关速度，便利企业。", []),
        sources=["新华社"],
    ),
    bulletin(
        "2026-05-05",
        ("银行支持乡村", "中国农业发展银行发放贷款。", []),
        ("数据要素改革", "国家数据局推进数据要素市场化配置。", ["data-elements"]),
        sources=["国家数据局"],
    ),
    bulletin(
        "2026-05-06",
        ("数据市场", "数据市场的各项要素逐步齐备。", []),
        ("招商动态", "招商局集团成立投资有限公司。", []),
        sources=["国家数据局", "新华社"],
    ),
    bulletin(
        "2026-06-01",
        ("招商会议", "招商引资会议召开。", []),
        ("软银投资日本", "软银计划在日本建设AI数据中心，满足算力需求。", ["softbank", "compute"]),
        sources=["Reuters"],
        abstract="软银、算力与大模型是本期的重点。",
    ),
    bulletin(
        "2026-06-02",
        ("OpenAI 更新模型", "OpenAI 发布 GPT-5.2，推理成本下降。", ["openai"]),
        ("新质生产力培育", "各地培育新质生产力，推动产业升级。", ["new-quality-productive-forces"]),
        sources=["Reuters"],
    ),
    bulletin(
        "2026-06-03",
        ("數據要素流通", "資料中心與數據要素流通試點啟動。", ["data-elements"]),
        sources=["国家数据局"],
    ),
)


def sections() -> list[SectionDocument]:
    """The shelf as engines index it."""
    kinds = {tag.slug: tag.kind for tag in TAXONOMY.tags}
    return [section for each in SHELF for section in documents.of(each, 1, PUBLISHED, kinds)]


def phrase(text: str) -> Phrase:
    """What was typed, as a phrase."""
    return Phrase(fold(text), tuple(query_words(fold(text))))


def query(
    *terms: str | tuple[str, ...],
    without: Iterable[str] = (),
    rare: tuple[str, ...] = (),
    prefix: bool = False,
) -> Query:
    """A query for all terms, each one text or several that will do; ``prefix`` is for the last one."""
    each = [(term,) if isinstance(term, str) else term for term in terms]
    return Query(
        typed=fold(" ".join(texts[0] for texts in each)) or "-",
        terms=tuple(Term(tuple(map(phrase, texts)), prefix=prefix and texts is each[-1]) for texts in each),
        excluded=tuple(map(phrase, without)),
        rare=rare,
    )


def section(number: int, body: str, *sources: str, published: datetime = PUBLISHED) -> SectionDocument:
    """A section by itself, of a bulletin so many days after the first of 2020."""
    return SectionDocument(
        slug=str(date(2020, 1, 1) + timedelta(days=number)),
        number=1,
        version=1,
        title="",
        date=date(2020, 1, 1) + timedelta(days=number),
        published_at=published,
        heading="",
        body=body,
        tags=(),
        kinds=(),
        sources=sources,
    )


def slug(number: int) -> str:
    """The bulletin of :func:`section`."""
    return section(number, "").slug
