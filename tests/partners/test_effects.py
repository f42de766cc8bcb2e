"""What merges do to copies: kept by the feed alone, they are what readers see and what a fresh copy is."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from random import Random
from typing import Any

import httpx2
import pytest
from standardwebhooks import Webhook

from app.bulletins.document import BulletinDocument, Citation, ReferenceItem
from app.kit.settings import Settings
from app.partners import effects, messages
from app.partners.schemas import SyncItem
from tests.conftest import Publish, Withdraw, publish_into
from tests.partners.conftest import MakeKey, Partner, bearer
from tests.partners.follower import Copy, Item, live
from tests.partners.hooks import body, deliver, fan_out, finished, merge_references, merge_tags
from tests.partners.receiver import Receiver
from tests.partners.test_sync import FIRST, bulletin, slug

TAGS = ["compute", "energy", "robotics", "hubei", "softbank"]
FILTERS: list[dict[str, Any]] = [
    {},
    {"tag": ["compute"]},
    {"tag": ["energy"]},
    {"tag": ["energy", "robotics"]},
    {"tag.any": ["robotics", "hubei"]},
    {"tag.not": ["compute"]},
    {"tag.not": ["energy", "softbank"]},
    {"tag": ["hubei"], "tag.not": ["robotics"], "q": "一"},
    {"source": "新华社"},
]


def citing(day: int, *titles: str, tags: tuple[str, ...] = ()) -> BulletinDocument:
    cited = [ReferenceItem(source="新华社", title=title, date=FIRST) for title in titles]
    citations = tuple(
        Citation(number=number, purpose="用于核验。", sections=(1,), reference=item)
        for number, item in enumerate(cited, 1)
    )
    return bulletin(day, *tags).model_copy(update={"citations": citations})


def tags_of(api: httpx2.Client) -> dict[str, Item]:
    """The tags that the reading API shows, as the feed gives them."""
    found: dict[str, Item] = {}
    cursor: dict[str, str] | None = {}
    while cursor is not None:
        page = api.get("/v1/tags", params={"limit": 200, **cursor}).json()
        for tag in page["items"]:
            found[tag["slug"]] = {name: tag[name] for name in tag if not name.endswith("_count")}
        cursor = {"cursor": page["next"]} if page["next"] else None
    return found


def references(api: httpx2.Client) -> dict[str, str]:
    """The ids of what is cited, by title."""
    return {item["title"]: item["id"] for item in api.get("/v1/references?limit=200").json()["items"]}


@dataclass
class Desk:
    """Editors who do whatever comes to their minds."""

    api: httpx2.Client
    settings: Settings
    chance: Random
    tags: list[str] = field(default_factory=TAGS.copy)

    def write(self, day: int) -> None:
        tags = self.chance.sample(self.tags, self.chance.randint(0, 2))
        document = citing(day, *self.chance.sample("甲乙丙丁", 2), tags=tuple(tags))
        publish_into(self.settings, [document])

    def merge_tags(self) -> None:
        gone, into = self.chance.sample(self.tags, 2)
        self.tags.remove(gone)
        merge_tags(self.settings, gone, into)

    def merge_references(self) -> None:
        if len(cited := sorted(references(self.api).values())) > 1:
            merge_references(self.settings, *self.chance.sample(cited, 2))

    def acts(self) -> Iterator[Callable[[], object]]:
        """All of them, in any order."""
        some = [self.merge_tags, self.merge_references] * 2 + [self.merge_tags]
        written = [partial(self.write, self.chance.randrange(8)) for _ in range(8)]
        acts: list[Callable[[], object]] = [*some, *written]
        yield from self.chance.sample(acts, len(acts))


@pytest.mark.parametrize("seed", range(2))
def test_copies_that_follow_merges_are_what_readers_see_and_what_a_fresh_one_is(
    api: httpx2.Client, withdraw: Withdraw, settings: Settings, make_key: MakeKey, seed: int
) -> None:
    key, chance = make_key(plan="internal"), Random(seed)  # noqa: S311 - not cryptography
    desk = Desk(api, settings, chance)
    for day in range(8):
        desk.write(day)
    early = [Copy(api, key, 200, filters).catch_up() for filters in FILTERS]
    for copy in early:
        copy.limit = 1
    copies = [*early, *(Copy(api, key, 100, filters) for filters in FILTERS)]
    for act in desk.acts():
        act()
        if chance.random() < 0.2:
            withdraw(chance.choice(sorted(live(api))))
        for copy in copies:
            for _ in range(chance.choice([0, 0, 0, 1, 3])):
                copy.page()
    tags = tags_of(api)
    for one, other in zip(early, copies[len(early) :], strict=True):
        shown = live(api, **one.filters)
        for copy in (one, other, Copy(api, key, 200, one.filters)):
            copy.catch_up()
            assert copy.bulletins == shown, one.filters
            assert copy.tags == tags


def test_a_merge_tells_what_gives_way_what_stands_for_it_and_the_bulletins_it_changes(
    api: httpx2.Client, publish: Publish, settings: Settings, make_key: MakeKey
) -> None:
    publish(citing(1, "甲", tags=("energy",)), citing(2, "乙", tags=("compute",)), bulletin(3, "robotics"))
    key = make_key()
    everything = Copy(api, key).catch_up()
    former = {name: Copy(api, key, filters={"tag": name}).catch_up() for name in ("energy", "compute")}
    ids = references(api)
    below = {name for name, tag in everything.tags.items() if tag["parent"] == "energy"}
    for copy in (everything, *former.values()):
        copy.heard.clear()
    merge_tags(settings, "energy", "compute")
    merge_references(settings, ids["甲"], ids["乙"])
    for copy in (everything, *former.values()):
        copy.catch_up()

    def told(copy: Copy, event: str) -> list[tuple[str, ...]]:
        items = [item for item in copy.heard if item["event"] == event]
        return [(item["action"], item["id"], item.get("reason", "")) for item in items]

    gone, stays, *moved = told(everything, "tag.merged")
    assert (gone, stays) == (("remove", "energy", "merged"), ("put", "compute", ""))
    assert moved[-1] == ("put", slug(1), "")
    assert below <= {id_ for _, id_, _ in moved}
    assert {"能源", "Energy"} & set(everything.tags["compute"]["aliases"])
    cited = [("remove", ids["甲"], "merged"), ("put", slug(1), "")]
    assert told(everything, "reference.merged") == cited
    # Who follows the one is told of what enters by it, who followed the other of what was the one's.
    assert told(former["compute"], "tag.merged")[-1] == ("put", slug(1), "")
    assert told(former["energy"], "tag.merged")[-2:] == [("put", slug(1), ""), ("put", slug(2), "")]
    for item in everything.heard:
        SyncItem.model_validate_json(httpx2.Response(200, json=item).content)
    into = [item["into"] for item in everything.heard if item["action"] == "remove"]
    assert into == ["compute", ids["乙"]]


def test_a_correction_that_comes_after_a_merge_takes_away_what_the_filter_had_before_it(
    api: httpx2.Client, publish: Publish, settings: Settings, make_key: MakeKey
) -> None:
    publish(bulletin(1, "energy"))
    copy = Copy(api, make_key(), filters={"tag.not": ["compute"]}).catch_up()
    assert sorted(copy.bulletins) == [slug(1)]
    merge_tags(settings, "energy", "compute")
    publish(bulletin(1, "compute"))
    assert copy.catch_up().bulletins == {}


def test_an_event_stream_that_breaks_amid_a_merge_goes_on_where_it_was(
    api: httpx2.Client, publish: Publish, settings: Settings, make_key: MakeKey
) -> None:
    publish(*(bulletin(day, "energy") for day in range(4)))
    key = make_key()
    copy = Copy(api, key).catch_up()
    assert copy.token
    merge_tags(settings, "energy", "compute")
    head = bearer(key) | {"Accept": "text/event-stream"}
    heard: list[str] = []
    last = copy.token
    for _ in range(4):
        resumed = {**head, "Last-Event-ID": last}
        with api.stream("GET", "/v1/sync", params={"limit": 3}, headers=resumed) as answer:
            lines = (line for line in answer.iter_lines() if line.startswith(("id: ", "data: ")))
            for line in lines:
                if line.startswith("id: "):
                    last = line.removeprefix("id: ")
                    heard.append(SyncItem.model_validate_json(next(lines).removeprefix("data: ")).id)
                    break
    assert heard == [slug(day) for day in range(4)]


@pytest.fixture
def _settled_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(messages, "SETTLING", timedelta(0))
    monkeypatch.setattr(effects, "PAGE", 2)


Told = tuple[str, str, str, str]


def heard_by(receiver: Receiver, path: str) -> set[Told]:
    told = [body(received) for received in receiver.received if received.path == path]
    return {(t["type"], t["data"]["action"], t["data"]["id"], t["data"].get("reason", "")) for t in told}


@pytest.mark.usefixtures("_settled_at_once")
def test_webhooks_tell_of_merges_what_the_feed_tells_with_the_etag_that_readers_get(
    partner: Partner, receiver: Receiver, hooks: Settings, publish: Publish
) -> None:
    publish(*(citing(day, "甲", tags=("energy",)) for day in range(3)), citing(4, "乙", tags=("compute",)))
    fan_out(hooks)
    ids = references(partner.client)
    secret = partner.add(receiver.url("/new"), filters={"tag": ["compute"]})["secret"]
    partner.add(receiver.url("/old"), filters={"tag": ["energy"]})
    partner.add(receiver.url("/not"), filters={"tag.not": ["compute"]}, events=["tag.merged"])
    partner.add(receiver.url("/other"), events=["bulletin.published"])
    copy = Copy(partner.client, partner.key, filters={"tag": ["compute"]}).catch_up()
    copy.heard.clear()
    merge_tags(hooks, "energy", "compute")
    merge_references(hooks, ids["甲"], ids["乙"])
    copy.catch_up()
    others = {
        ("tag.merged", item["action"], item["id"], item.get("reason", ""))
        for item in copy.heard
        if (item["event"], item["object"]) == ("tag.merged", "tag")
    }
    entered = {("tag.merged", "put", slug(day), "") for day in range(3)}
    count = len(copy.heard) + len(copy.heard) + 1 + len(others) + 3
    deliver(hooks, finished(hooks, count))
    feed = {(i["event"], i["action"], i["id"], i.get("reason", "")) for i in copy.heard}
    assert heard_by(receiver, "/new") == feed >= others | entered
    assert heard_by(receiver, "/old") == feed | {("tag.merged", "put", slug(4), "")}
    left = {("tag.merged", "remove", slug(day), "filtered") for day in range(3)}
    assert heard_by(receiver, "/not") == others | left
    assert heard_by(receiver, "/other") == set()
    assert len({r.headers["webhook-id"] for r in receiver.received}) == len(receiver.received) == count
    for received in receiver.received:
        data = body(received)["data"]
        if received.path == "/new" and data["object"] == "bulletin":
            Webhook(secret).verify(received.body, received.headers)
            read = partner.client.get(data["url"], headers={"Accept-Encoding": "identity"})
            assert data["etag"] == read.headers["etag"]
            assert copy.bulletins[data["id"]].items() <= read.json().items()


@pytest.mark.usefixtures("_settled_at_once")
def test_saved_topics_follow_merges(
    partner: Partner, receiver: Receiver, hooks: Settings, publish: Publish
) -> None:
    publish(bulletin(1, "energy"), bulletin(2, "compute"), bulletin(3, "robotics"))

    def ask(method: str, path: str, **more: Any) -> Any:
        answer = partner.client.request(
            method, f"/v1/partners/topics{path}", headers=bearer(partner.key), **more
        )
        assert answer.is_success, answer.text
        return answer.json()

    queries = {
        "new": {"tag": ["compute"]},
        "old": {"tag": ["energy"]},
        "not": {"tag.not": ["compute"]},
        "words": {"tag": ["energy"], "q": "动态"},
    }
    saved = {
        name: ask("POST", "", json={"name": name, "query": query})["id"] for name, query in queries.items()
    }

    def found(name: str) -> list[str]:
        return sorted(item["slug"] for item in ask("GET", f"/{saved[name]}")["items"])

    fan_out(hooks)
    partner.add(receiver.url("/new"), topic=saved["new"])
    partner.add(receiver.url("/not"), topic=saved["not"])
    assert found("not") == [slug(1), slug(3)]
    merge_tags(hooks, "energy", "compute")
    deliver(hooks, finished(hooks, 2))
    assert found("new") == found("old") == [slug(1), slug(2)]
    assert found("not") == [slug(3)]
    assert heard_by(receiver, "/new") == {("tag.merged", "put", slug(1), "")}
    assert heard_by(receiver, "/not") == {("tag.merged", "remove", slug(1), "filtered")}
    again = ask("POST", "", json={"name": "anew", "query": {"tag.any": ["energy"]}})
    assert sorted(item["slug"] for item in ask("GET", f"/{again['id']}")["items"]) == found("old")
    publish(bulletin(2, "robotics"))
    fan_out(hooks)
    assert found("new") == found("old") == [slug(1)]
