import re
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx2
import pytest
from pydantic import SecretStr

from app.bulletins.document import Image, Section
from app.editorial.preview import Link, Links
from app.kit.sealing import new_key
from app.kit.settings import Settings
from tests.bulletins.conftest import problem
from tests.conftest import Publish, Server, serving
from tests.editorial.conftest import Draft, approved, begin, bulletin, codes
from tests.kit.pictures import drawing, encoded

SLUG = "/v1/bulletins/2026-06-25"


def link(draft: Draft, **body: Any) -> dict[str, Any]:
    answer = draft.client.post(f"{draft.path}/preview", json=body)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def token(settings: Settings, draft: Draft, left: timedelta) -> str:
    """A token made by the desk's own key."""
    made = Link(UUID(draft.seen["id"]), None, datetime.now(UTC) + left)
    return Links.of(settings).write(made)


def without_times(answer: httpx2.Response) -> dict[str, Any]:
    """The bulletin without the moments of its publication, and the id of a reference that is new."""
    shown: dict[str, Any] = answer.json()
    del shown["published_at"], shown["updated_at"]
    return shown


def test_a_preview_is_what_publishing_makes_public(
    editor: httpx2.Client, reviewer: httpx2.Client, api: httpx2.Client, publish: Publish
) -> None:
    """Byte for byte, the moment of publication apart; the neighbours are those that are public."""
    publish(bulletin(day=date(2026, 6, 24)), bulletin(day=date(2026, 6, 26)))
    draft = approved(editor, reviewer)
    made = link(draft)
    shown, page = api.get(made["json_url"]), api.get(made["url"])
    draft.step("publish")
    public = api.get(SLUG)
    assert without_times(shown) == without_times(public)
    assert (shown.json()["previous"], shown.json()["next"]) == ("2026-06-24", "2026-06-26")
    assert shown.headers["content-type"] == public.headers["content-type"]
    moment = re.compile(r"\d{4}-\d\d-\d\dT\d\d:[\d:.]+(Z|\+00:00)")
    assert moment.sub("", page.text) == moment.sub("", api.get(f"{SLUG}.html").text)
    again = api.get(made["json_url"])
    assert (again.json()["version"], again.json()["published_at"]) == (1, public.json()["published_at"])


def test_a_preview_of_a_correction_is_the_next_version_and_the_public_one_stays(
    editor: httpx2.Client, reviewer: httpx2.Client, api: httpx2.Client
) -> None:
    draft = approved(editor, reviewer)
    draft.step("publish")
    draft.client = editor
    made = link(draft)
    draft.patch(title="改正的标题")
    shown = api.get(made["json_url"]).json()
    assert (shown["title"], shown["version"]) == ("改正的标题", 2)
    assert (api.get(SLUG).json()["title"], api.get(SLUG).json()["version"]) == ("标题", 1)


def test_a_link_shows_the_latest_revision_or_the_one_it_names(
    editor: httpx2.Client, api: httpx2.Client
) -> None:
    draft = begin(editor)
    latest, first = link(draft), link(draft, revision=1)
    draft.patch(title="第二稿")
    assert api.get(latest["json_url"]).json()["title"] == "第二稿"
    assert (api.get(first["json_url"]).json()["title"], first["revision"]) == ("标题", 1)
    missing = editor.post(f"{draft.path}/preview", json={"revision": 9})
    problem(missing, 404, "not-found")


def test_nothing_keeps_or_indexes_a_preview(
    editor: httpx2.Client, api: httpx2.Client, server: Server
) -> None:
    made = link(begin(editor))
    server.forget()
    for address in (made["url"], made["json_url"]):
        answer = api.get(address)
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-robots-tag"] == "noindex, nofollow"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert "etag" not in answer.headers
    assert not server.store.hot


def test_a_link_that_was_tampered_with_shows_nothing(
    editor: httpx2.Client, api: httpx2.Client, settings: Settings
) -> None:
    draft = begin(editor)
    good = token(settings, draft, timedelta(hours=1))
    other = Links([new_key()]).write(Link(UUID(draft.seen["id"]), None, datetime.now(UTC)))
    middle = len(good) // 2
    flipped = good[:middle] + ("A" if good[middle] != "A" else "B") + good[middle + 1 :]
    for bad in (flipped, good[:-5], good + "x", other, "x", "%00", "é", "a" * 900):
        for address in (f"/v1/previews/{bad}", f"/v1/previews/{bad}.html"):
            problem(api.get(address), 403, "link-invalid")
    assert api.get(f"/v1/previews/{good}").status_code == 200


def test_a_link_shows_nothing_after_its_time_or_when_the_draft_is_gone(
    editor: httpx2.Client, api: httpx2.Client, settings: Settings
) -> None:
    draft = begin(editor)
    problem(api.get(f"/v1/previews/{token(settings, draft, timedelta(seconds=-1))}"), 410, "link-expired")
    made = link(draft)
    assert draft.send("DELETE", "", None).status_code == 204
    problem(api.get(made["json_url"]), 410, "link-expired")
    problem(api.get(made["url"]), 410, "link-expired")


def test_a_withdrawal_ends_the_links_made_before_it(
    editor: httpx2.Client, reviewer: httpx2.Client, api: httpx2.Client
) -> None:
    data = encoded(drawing(), "PNG")
    picture = editor.post("/v1/editorial/images", content=data).json()
    section = Section(number=1, heading="图", body=(Image(src=picture["src"], alt="图"),))
    document = bulletin().model_copy(update={"sections": (section,), "citations": ()})
    draft = begin(editor, document)
    made = [link(draft)]
    for action, client in (("submit", editor), ("approve", reviewer), ("publish", reviewer)):
        assert draft.step(action, client).status_code == 200
    made += [link(draft), link(draft, revision=1)]
    assert [api.get(each["json_url"]).status_code for each in made] == [200] * 3
    assert draft.step("withdraw", note="有误").status_code == 200
    later = link(draft)
    draft.step("reopen", editor)
    for each in made:
        for address in (each["url"], each["json_url"], f"{each['json_url']}/images/{picture['sha256']}"):
            problem(api.get(address), 410, "link-expired")
    assert api.get(later["json_url"]).status_code == 200


def test_a_key_taken_away_ends_its_links(settings: Settings) -> None:
    old, new = new_key(), new_key()
    with_both = settings.model_copy(update={"preview_keys": _keys(new, old)})
    with_new = settings.model_copy(update={"preview_keys": _keys(new)})
    before = Links([old]).write(Link(UUID(int=1), None, datetime.now(UTC) + timedelta(hours=1)))
    now = datetime.now(UTC)
    assert Links.of(with_both).read(before, now).draft == UUID(int=1)
    with pytest.raises(Exception, match="不是由编辑台发出"):
        Links.of(with_new).read(before, now)


def _keys(*keys: str) -> tuple[SecretStr, ...]:
    return tuple(map(SecretStr, keys))


def test_a_draft_without_a_date_cannot_be_previewed(editor: httpx2.Client) -> None:
    draft = begin(editor, bulletin(day=None))
    assert codes(editor.post(f"{draft.path}/preview", json={})) == ["date.missing"]


def test_a_draft_with_errors_and_an_unknown_tag_can_be_previewed(
    editor: httpx2.Client, api: httpx2.Client
) -> None:
    draft = begin(editor, bulletin(tag="no-such-tag"))
    assert [finding["code"] for finding in draft.seen["findings"]][:1] == ["tag.unknown"]
    shown = api.get(link(draft)["json_url"]).json()
    assert [tag["slug"] for tag in shown["tags"]] == ["no-such-tag"]


def test_the_page_of_a_preview_shows_pictures_that_are_not_public_yet(
    editor: httpx2.Client, api: httpx2.Client
) -> None:
    data = encoded(drawing(), "PNG")
    shown, hidden = (
        editor.post("/v1/editorial/images", content=each).json()
        for each in (data, encoded(drawing(31, 32), "PNG"))
    )
    section = Section(number=1, heading="图", body=(Image(src=shown["src"], alt="二维码"),))
    document = bulletin().model_copy(update={"sections": (section,), "citations": ()})
    made = link(begin(editor, document))
    (address,) = re.findall(r'<img src="([^"]+)"', api.get(made["url"]).text)
    picture = api.get(address)
    assert (picture.status_code, picture.headers["content-type"]) == (200, "image/png")
    assert picture.headers["cache-control"] == "no-store"
    problem(api.get(f"/v1/images/{shown['sha256']}"), 404, "not-found")
    problem(api.get(address.replace(shown["sha256"], hidden["sha256"])), 404, "not-found")


def test_whoever_asks_twice_under_one_key_gets_the_same_link(editor: httpx2.Client) -> None:
    draft = begin(editor)
    key = {"Idempotency-Key": "p"}
    first, again = (editor.post(f"{draft.path}/preview", json={}, headers=key) for _ in range(2))
    assert (again.json(), again.headers["idempotency-replayed"]) == (first.json(), "true")


def test_links_made_by_one_process_are_read_by_another(editor: httpx2.Client, settings: Settings) -> None:
    made = link(begin(editor))
    with serving(settings) as other:
        path = made["json_url"].partition("/v1/")[2]
        assert other.client.get(f"/v1/{path}").status_code == 200


def test_who_made_a_link_is_in_the_audit_log(editor: httpx2.Client, administrator: httpx2.Client) -> None:
    made = link(begin(editor), hours=2)
    (entry,) = administrator.get("/v1/editorial/audit", params={"action": "draft.preview"}).json()["items"]
    assert (entry["actor"], entry["object"]) == ("eva", "draft:2026-06-25")
    assert datetime.fromisoformat(entry["after"]["expires_at"]) == datetime.fromisoformat(made["expires_at"])
