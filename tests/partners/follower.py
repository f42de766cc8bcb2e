"""A partner's program: keeps a copy through the sync feed."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx2

from tests.partners.conftest import bearer

Item = dict[str, Any]


@dataclass
class Copy:
    """What a partner holds: bulletins and tags by id, and every item it was ever sent."""

    client: httpx2.Client
    key: str
    limit: int = 100
    filters: dict[str, Any] = field(default_factory=dict)
    token: str | None = None
    bulletins: dict[str, Item] = field(default_factory=dict)
    tags: dict[str, Item] = field(default_factory=dict)
    heard: list[Item] = field(default_factory=list)

    def ask(self, **parameters: Any) -> httpx2.Response:
        given = {"token": self.token} if self.token else self.filters
        return self.client.get(
            "/v1/sync", params={"limit": self.limit, **given, **parameters}, headers=bearer(self.key)
        )

    def page(self, **parameters: Any) -> bool:
        """Take one page in; whether there is more."""
        answer = self.ask(**parameters)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        self.token = page["token"]
        for item in page["items"]:
            self.take(item)
        return bool(page["more"])

    def take(self, item: Item) -> None:
        """Do what an item says."""
        self.heard.append(item)
        kept = {"bulletin": self.bulletins, "tag": self.tags}.get(item["object"], {})
        if item["action"] == "put":
            kept[item["id"]] = item[item["object"]]
        else:
            kept.pop(item["id"], None)

    def catch_up(self, between: Callable[[], object] = lambda: None) -> "Copy":
        """Take in all there is."""
        while self.page():
            between()
        return self


def live(client: httpx2.Client, **filters: Any) -> dict[str, Item]:
    """The bulletins that the reading API shows, as the feed gives them."""
    found: dict[str, Item] = {}
    cursor: dict[str, str] = {}
    while True:
        query = {"include": "sections,citations,contacts", "limit": 200, **filters, **cursor}
        page = client.get("/v1/bulletins", params=query).json()
        for item in page["items"]:
            del item["previous"], item["next"]
            found[item["slug"]] = item
        if page["next"] is None:
            return found
        cursor = {"cursor": page["next"]}
