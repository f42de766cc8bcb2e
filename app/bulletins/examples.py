"""What the public API answers, by example; a test holds every example against its schema."""

from typing import Any

Example = dict[str, Any]

TAG_NAME: Example = {
    "slug": "data-elements",
    "name": "数据要素",
    "name_en": "Data elements",
    "kind": "topic",
}
TAG: Example = {
    **TAG_NAME,
    "aliases": ["数据要素市场化"],
    "parent": None,
    "bulletin_count": 31,
    "section_count": 44,
}
TAG_DETAIL: Example = {
    **TAG,
    "children": [
        {"slug": "data-trading", "name": "数据交易", "name_en": "Data trading", "kind": "topic"},
    ],
}
BULLETIN_NAME: Example = {
    "slug": "2026-06-25",
    "title": "新质生产力每日动态 2026-06-25",
    "date": "2026-06-25",
}
SECTION_IN_BULLETIN: Example = {
    "number": 1,
    "numeral": "一",
    "heading": "国家数据局发布湖北交通运输案例，数据要素改革向行业场景下沉",
    "anchor": "section-1",
    "page": 2,
    "body": [
        {"type": "paragraph", "text": "国家数据局6月24日发布湖北省交通运输领域数据要素市场化配置改革实践。"}
    ],
    "tags": [TAG_NAME],
    "citations": [1],
}
SECTION: Example = {**SECTION_IN_BULLETIN, "bulletin": BULLETIN_NAME}
REFERENCE_IN_CITATION: Example = {
    "id": "0197a2b4-5c00-7d3e-8f10-2a4b6c8d0e12",
    "source": "国家数据局",
    "title": "湖北省交通运输领域数据要素市场化配置改革实践与探索",
    "date": "2026-06-24",
    "url": None,
}
CITATION: Example = {
    "number": 1,
    "purpose": "用于地方数据要素案例分析。",
    "sections": [1],
    "inferred": True,
    "reference": REFERENCE_IN_CITATION,
}
BULLETIN_ITEM: Example = {
    "slug": "2026-06-25",
    "series": "新质生产力每日动态",
    "title": "新质生产力每日动态 2026-06-25",
    "date": "2026-06-25",
    "language": "zh-CN",
    "organisation": "中国高技术产业发展促进会新质生产力工作委员会",
    "producers": ["博雅云创", "中科创新驱动"],
    "abstract": "国家数据局发布湖北交通运输领域数据要素市场化配置改革案例。",
    "tags": [TAG_NAME],
    "version": 1,
    "content_hash": "sha256:b5bb9d8014a0f9b1d61e21e796d78dccdf1352f23cd32812f4850b878ae4944c",
    "published_at": "2026-06-25T00:30:00Z",
    "updated_at": "2026-06-25T00:30:00Z",
    "previous": "2026-06-24",
    "next": None,
}
BULLETIN: Example = {
    **BULLETIN_ITEM,
    "sections": [SECTION_IN_BULLETIN],
    "citations": [CITATION],
    "contacts": [
        {"name": "工业智能算网", "description": "提供每日动态分析。", "url": "https://gyznsw.cn"},
    ],
}
REFERENCE: Example = {**REFERENCE_IN_CITATION, "source_slug": "guo-jia-shu-ju-ju", "citation_count": 1}
REFERENCE_DETAIL: Example = {
    **REFERENCE,
    "cited_by": [
        {
            "bulletin": BULLETIN_NAME,
            "number": 1,
            "purpose": CITATION["purpose"],
            "inferred": True,
            "sections": [
                {"number": 1, "heading": SECTION_IN_BULLETIN["heading"], "anchor": "section-1"},
            ],
        }
    ],
}
SOURCE: Example = {"slug": "guo-jia-shu-ju-ju", "name": "国家数据局", "reference_count": 12}
REVISION: Example = {
    "version": 2,
    "kind": "corrected",
    "at": "2026-06-25T03:10:00Z",
    "note": "更正了案例的发布机构。",
    "content_hash": BULLETIN_ITEM["content_hash"],
    "withdrawn": False,
}
DIFF: Example = {
    "slug": "2026-06-25",
    "old": {**REVISION, "version": 1, "kind": "published", "at": "2026-06-25T00:30:00Z", "note": ""},
    "new": REVISION,
    "changes": {
        "fields": [
            {
                "field": "abstract",
                "words": [
                    {"op": "removed", "text": "湖北省数据局"},
                    {"op": "added", "text": "国家数据局"},
                    {"op": "same", "text": "发布湖北交通运输领域数据要素市场化配置改革案例。"},
                ],
            }
        ],
        "day": None,
        "producers": None,
        "sections": [],
        "citations": [],
        "contacts": [],
    },
}


def page(item: Example) -> Example:
    """The last page of a list, with one item."""
    return {"items": [item], "next": None}
