"""What is answered, by example; a test holds every example against its schema."""

from app.bulletins.examples import REFERENCE, SOURCE, TAG_NAME, Example

_ENERGY: Example = {"slug": "energy", "name": "能源", "name_en": "Energy", "kind": "topic"}
_WINDOW: Example = {"first_day": "2025-06-25", "last_day": "2026-06-25"}

TIMELINE: Example = {
    "items": [{"start": "2026-06-01", "end": "2026-06-30", "bulletins": 12, "sections": 19}],
    "next": "WyI0YjA2N2IxMmNhYzUiLCIyMDI2LTA1LTAxIl0",
    "tag": TAG_NAME,
    "interval": "month",
    "first_seen": "2025-01-02",
    "last_seen": "2026-06-25",
}
RELATED_TAGS: Example = {
    **_WINDOW,
    "tag": TAG_NAME,
    "sections": 210,
    "all_sections": 1816,
    "total": 57,
    "items": [{"tag": _ENERGY, "sections": 31, "lift": 1.38}],
}
TRENDING: Example = {
    "first_day": "2026-06-19",
    "last_day": "2026-06-25",
    "baseline_first_day": "2026-03-21",
    "total": 14,
    "items": [{"tag": TAG_NAME, "sections": 9, "expected": 2.5, "score": 3.4744}],
}
SOURCE_DETAIL: Example = {
    **_WINDOW,
    **SOURCE,
    "first_cited": "2025-01-02",
    "last_cited": "2026-06-25",
    "bulletins": 43,
    "sections": 51,
    "tags": [{"tag": TAG_NAME, "sections": 40, "lift": 6.78}],
    "sources": [
        {
            "source": {"slug": "reuters", "name": "Reuters", "reference_count": 80},
            "bulletins": 12,
            "lift": 0.9,
        }
    ],
    "references": [REFERENCE],
}
RELATED_REFERENCES: Example = {
    "bulletins": 1,
    "tags": [{"tag": TAG_NAME, "sections": 1}],
    "items": [{"reference": REFERENCE, "bulletins": 1}],
}
STATS: Example = {
    "totals": {
        "bulletins": 540,
        "sections": 2680,
        "citations": 2610,
        "references": 2102,
        "sources": 61,
        "tags": 174,
    },
    "growth": [{"start": "2026-06-01", "bulletins": 25, "sections": 124}],
    "first_day": "2025-01-02",
    "last_day": "2026-06-25",
    "updated_at": "2026-06-25T00:30:00Z",
}
