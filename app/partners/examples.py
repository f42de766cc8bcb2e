"""Examples of the partners' operations, for the description."""

from app.bulletins.examples import BULLETIN, Example

SYNC_PAGE: Example = {
    "items": [
        {
            "action": "put",
            "object": "bulletin",
            "id": "2026-06-25",
            "version": 2,
            "seq": 1_204,
            "event": "bulletin.corrected",
            "at": "2026-06-25T03:10:00Z",
            "note": "更正了案例的发布机构。",
            "bulletin": {name: value for name, value in BULLETIN.items() if name not in {"previous", "next"}},
        },
        {
            "action": "remove",
            "object": "bulletin",
            "id": "2026-06-24",
            "version": 3,
            "seq": 1_205,
            "event": "bulletin.withdrawn",
            "at": "2026-06-25T03:15:00Z",
            "note": "来源不实，已撤回。",
            "reason": "withdrawn",
        },
    ],
    "token": "AbC4…",
    "more": False,
}
