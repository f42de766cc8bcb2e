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
DELIVERY: Example = {
    "id": 1_204,
    "message_id": "msg_5f2b1c0d9e8f7a6b5c4d3e2f1a0b9c8d",
    "event": "bulletin.corrected",
    "body": {
        "type": "bulletin.corrected",
        "timestamp": "2026-06-25T03:10:00Z",
        "data": {
            "action": "put",
            "object": "bulletin",
            "id": "2026-06-25",
            "version": 2,
            "seq": 1_204,
            "note": "更正了案例的发布机构。",
            "etag": '"5f2b1c0d9e8f7a6b5c4d3e2f1a0b9c8d"',
            "url": "/v1/bulletins/2026-06-25",
        },
    },
    "state": "delivered",
    "due_at": None,
    "created_at": "2026-06-25T03:10:01Z",
    "finished_at": "2026-06-25T03:10:05Z",
    "attempts": [
        {"at": "2026-06-25T03:10:04Z", "status": 204, "error": "", "answer": "", "milliseconds": 38}
    ],
}
