"""What the search answers, by example; a test holds every example against its schema."""

from app.bulletins.examples import BULLETIN_NAME, SECTION_IN_BULLETIN, TAG_NAME, Example

HIT: Example = {
    "bulletin": BULLETIN_NAME,
    "section": {
        "number": SECTION_IN_BULLETIN["number"],
        "heading": SECTION_IN_BULLETIN["heading"],
        "anchor": SECTION_IN_BULLETIN["anchor"],
    },
    "highlight": {
        "heading": "国家数据局发布湖北交通运输案例，<mark>数据要素</mark>改革向行业场景下沉",
        "body": "国家数据局6月24日发布湖北省交通运输领域<mark>数据要素</mark>市场化配置改革实践。",
    },
    "tags": [TAG_NAME],
    "score": 0.93,
}
SEARCH: Example = {
    "engine": "postgres",
    "total": 1,
    "total_is": "exact",
    "relaxed": False,
    "took_ms": 4,
    "facets": {"tag": {"data-elements": 1}, "month": {"2026-06": 1}},
    "items": [HIT],
    "next": None,
}
SUGGESTIONS: Example = {
    "items": [
        {"kind": "tag", "text": "数据要素", "slug": "data-elements", "section": None},
        {"kind": "source", "text": "国家数据局", "slug": "guo-jia-shu-ju-ju", "section": None},
        {
            "kind": "heading",
            "text": SECTION_IN_BULLETIN["heading"],
            "slug": BULLETIN_NAME["slug"],
            "section": SECTION_IN_BULLETIN["number"],
        },
    ]
}
