import json
from datetime import date, datetime
from typing import Any

import httpx2
import psycopg
import pytest

from app.bulletins.document import BulletinDocument
from app.kit.settings import Settings
from tests.bulletins.conftest import on_the_shelf, problem
from tests.conftest import Publish, Withdraw

NOTE = "数据有误，\n详见更正。"
HIDDEN = "不可再见"

ONE = on_the_shelf(1)
MIDDLE = on_the_shelf(2).model_copy(update={"abstract": f"{HIDDEN}的摘要", "title": f"{HIDDEN}的标题"})
THREE = on_the_shelf(3)
SLUG = MIDDLE.slug

SHARED = ["/v1/references?limit=200", "/v1/sources?limit=200", "/v1/tags?limit=200"]
PUBLIC = [
    "/v1/bulletins?limit=200&include=sections,citations,contacts",
    "/v1/bulletins/latest",
    f"/v1/bulletins/{ONE.slug}",
    "/v1/sections?limit=200",
    *SHARED,
    f"/v1/search?q={HIDDEN}",
    "/v1/search/suggest?q=条目",
]


@pytest.fixture
def withdrawn(publish: Publish, withdraw: Withdraw) -> str:
    """Three days, the middle one withdrawn."""
    publish(ONE, MIDDLE, THREE)
    withdraw(SLUG, NOTE)
    return SLUG


@pytest.mark.parametrize("path", ["", "/sections/1", "/sections/99"])
def test_a_withdrawn_bulletin_and_its_sections_answer_410_with_its_note(
    withdrawn: str, api: httpx2.Client, path: str
) -> None:
    body = problem(api.get(f"/v1/bulletins/{withdrawn}{path}"), 410, "withdrawn")
    assert body["note"] == NOTE
    assert datetime.fromisoformat(body["withdrawn_at"]).tzinfo is not None
    assert api.head(f"/v1/bulletins/{withdrawn}{path}").status_code == 410


def shown(api: httpx2.Client, address: str) -> bool:
    """Whether an answer names the middle day, or says what only its bulletin says."""
    answer = api.get(address)
    assert answer.status_code == 200, address
    content = answer.json()
    content.pop("query", None)
    text = json.dumps(content, ensure_ascii=False)
    return any(f'"{name}": "{SLUG}"' in text for name in ("slug", "previous", "next")) or HIDDEN in text


def test_nothing_of_it_is_left_in_any_answer(
    publish: Publish, withdraw: Withdraw, api: httpx2.Client
) -> None:
    publish(ONE, MIDDLE)
    everywhere = [shown(api, address) for address in PUBLIC]
    assert everywhere == [address not in SHARED for address in PUBLIC]
    publish(THREE)
    withdraw(SLUG)
    assert not any(shown(api, address) for address in PUBLIC)


def test_its_neighbours_close_ranks(publish: Publish, withdraw: Withdraw, api: httpx2.Client) -> None:
    publish(ONE, MIDDLE, THREE)
    withdraw(SLUG)
    assert api.get(f"/v1/bulletins/{ONE.slug}").json()["next"] == THREE.slug
    assert api.get(f"/v1/bulletins/{THREE.slug}").json()["previous"] == ONE.slug


def test_the_newest_bulletin_is_the_one_before_when_the_newest_is_withdrawn(
    publish: Publish, withdraw: Withdraw, api: httpx2.Client
) -> None:
    publish(ONE, THREE)
    withdraw(THREE.slug)
    assert api.get("/v1/bulletins/latest").json()["slug"] == ONE.slug
    withdraw(ONE.slug)
    problem(api.get("/v1/bulletins/latest"), 404, "not-found")


def counts(api: httpx2.Client) -> Any:
    names = {"tags": "slug", "references": "title", "sources": "name"}
    return {
        kind: {
            item[name]: [value for field, value in item.items() if field.endswith("_count")]
            for item in api.get(f"/v1/{kind}?limit=200").json()["items"]
        }
        for kind, name in names.items()
    }


def test_counts_are_as_if_it_had_never_been(publish: Publish, withdraw: Withdraw, api: httpx2.Client) -> None:
    publish(ONE, THREE)
    before = counts(api)
    publish(MIDDLE)
    assert counts(api) != before
    withdraw(SLUG)
    assert counts(api) == before


def test_a_list_says_at_once_that_it_has_changed(
    publish: Publish, withdraw: Withdraw, api: httpx2.Client
) -> None:
    publish(ONE, MIDDLE)
    etag = api.get("/v1/bulletins").headers["etag"]
    assert api.get("/v1/bulletins", headers={"If-None-Match": etag}).status_code == 304
    withdraw(SLUG)
    assert api.get("/v1/bulletins", headers={"If-None-Match": etag}).status_code == 200


def test_published_again_it_has_a_newer_version_and_its_first_date(
    withdrawn: str, publish: Publish, api: httpx2.Client, settings: Settings
) -> None:
    with psycopg.connect(settings.conninfo) as connection:
        statement = "SELECT at FROM change WHERE subject = %s ORDER BY seq"
        (first,) = connection.execute(statement, [withdrawn]).fetchall()[0]
    (again,) = publish(MIDDLE)
    assert (again.version, again.outcome) == (3, "published")
    bulletin = api.get(f"/v1/bulletins/{withdrawn}").json()
    assert bulletin["version"] == 3
    assert datetime.fromisoformat(bulletin["published_at"]) == first
    assert datetime.fromisoformat(bulletin["updated_at"]) > first
    hits = api.get(f"/v1/search?q={HIDDEN}").json()["items"]
    assert {hit["bulletin"]["slug"] for hit in hits} == {withdrawn}


def test_versions_never_go_back(publish: Publish, withdraw: Withdraw) -> None:
    for version in (1, 3, 5):
        (published,) = publish(MIDDLE)
        assert published.version == version
        assert withdraw(SLUG).version == version + 1


def test_a_date_that_was_never_published_is_still_404(withdrawn: str, api: httpx2.Client) -> None:
    other = date.fromisoformat(withdrawn).replace(year=2020)
    problem(api.get(f"/v1/bulletins/{other}"), 404, "not-found")


def test_other_bulletins_are_untouched(
    publish: Publish, withdraw: Withdraw, api: httpx2.Client, everything: BulletinDocument
) -> None:
    publish(MIDDLE, everything)
    before = {**api.get(f"/v1/bulletins/{everything.slug}").json(), "previous": None}
    withdraw(SLUG)
    assert api.get(f"/v1/bulletins/{everything.slug}").json() == before
