import base64
import json
from typing import Any

import httpx2
import pytest

from app.kit.pagination import encode
from tests.bulletins.conftest import problem

LISTS = ["/v1/bulletins", "/v1/sections", "/v1/tags", "/v1/references", "/v1/sources"]


def cursor_of(client: httpx2.Client, address: str) -> str:
    cursor = client.get(address, params={"limit": 1}).json()["next"]
    assert isinstance(cursor, str)
    return cursor


def forged(cursor: str, *key: Any) -> str:
    owner, *_ = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    return encode(key, owner)


@pytest.mark.parametrize("address", LISTS)
def test_a_damaged_cursor_is_refused(reading: httpx2.Client, address: str) -> None:
    cursor = cursor_of(reading, address)
    damaged = [cursor[:-2], cursor[2:], "a", "abcd", "W10", "bnVsbA", "NQ", "e30", "_" * 500]
    for value in [*damaged, forged(cursor), forged(cursor, "2026-03-04", 1, 1), forged(cursor, {}, [])]:
        answer = reading.get(address, params={"limit": 1, "cursor": value})
        body = problem(answer, 422, "invalid-cursor")
        assert body["detail"] == "cursor: it is damaged"
        assert body["errors"] == [{"parameter": "cursor", "detail": "it is damaged"}]


@pytest.mark.parametrize(
    "key", [("2026-03-04", 10**30), ("2026-03-04", "1' --"), ("a\x00",), ("\ud800",), (None, None)]
)
@pytest.mark.parametrize("address", LISTS)
def test_a_forged_key_in_a_cursor_is_refused(
    reading: httpx2.Client, address: str, key: tuple[Any, ...]
) -> None:
    cursor = forged(cursor_of(reading, address), *key)
    problem(reading.get(address, params={"limit": 1, "cursor": cursor}), 422, "invalid-cursor")


@pytest.mark.parametrize(
    ("made_for", "used_for"),
    [
        ("/v1/bulletins", "/v1/sections"),
        ("/v1/tags", "/v1/sources"),
        ("/v1/bulletins", "/v1/bulletins?order=date"),
        ("/v1/bulletins?tag=energy", "/v1/bulletins"),
        ("/v1/bulletins?tag=energy", "/v1/bulletins?tag.any=energy"),
        ("/v1/references?q=报道", "/v1/references?q=共享"),
        ("/v1/sections?to=2026-03-20", "/v1/sections?to=2026-03-21"),
        ("/v1/tags?kind=topic", "/v1/tags?kind=region"),
    ],
)
def test_a_cursor_of_another_list_or_of_other_filters_is_refused(
    reading: httpx2.Client, made_for: str, used_for: str
) -> None:
    first = httpx2.URL(made_for).copy_merge_params({"limit": 1})
    cursor = reading.get(first).json()["next"]
    same = reading.get(httpx2.URL(made_for).copy_merge_params({"cursor": cursor, "limit": 7}))
    assert same.status_code == 200
    other = reading.get(httpx2.URL(used_for).copy_merge_params({"cursor": cursor}))
    assert "another list" in problem(other, 422, "invalid-cursor")["detail"]
