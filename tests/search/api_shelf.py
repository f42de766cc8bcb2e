"""Twelve bulletins of two months behind the API, and what tests ask of it."""

from datetime import date, timedelta
from typing import Any

import httpx2

from app.bulletins.document import BulletinDocument
from tests.search.shelf import bulletin

FIRST = date(2026, 3, 30)
SIZE = 12


def slug(index: int) -> str:
    """The slug of the bulletin so many days after the first."""
    return (FIRST + timedelta(days=index)).isoformat()


def rice(index: int) -> BulletinDocument:
    """All have 水稻 in section 1 alone, every second 软银 in section 2, every third 量子 in its abstract."""
    return bulletin(
        slug(index),
        (f"水稻网络第{index}期", "水稻产量持续增长。", ["compute"]),
        ("产业动态", "软银投资数据中心。" if index % 2 else "产量随机器人增长。", ["robotics", "energy"]),
        sources=["新华社" if index % 4 else "国家数据局"],
        abstract="量子计算取得突破。" if index % 3 == 0 else "本期摘要。",
    )


def found(api: httpx2.Client, q: str, **parameters: Any) -> dict[str, Any]:
    """The answer to a search that has one."""
    answer = api.get("/v1/search", params={"q": q, **parameters})
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def places(page: dict[str, Any]) -> list[tuple[str, int]]:
    """Where the hits of a page stand: slug and number."""
    return [(hit["bulletin"]["slug"], hit["section"]["number"]) for hit in page["items"]]


def refused(answer: httpx2.Response, *parameters: str) -> None:
    """The answer refuses exactly these parameters."""
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert [error["parameter"] for error in answer.json()["errors"]] == list(parameters)
