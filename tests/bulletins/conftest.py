"""A shelf of bulletins whose every fact the tests know, and ways to read it."""

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any

import httpx2
import psycopg
import pytest

from app.bulletins.document import (
    BulletinDocument,
    Citation,
    Contact,
    Image,
    ListBlock,
    Paragraph,
    ReferenceItem,
    Section,
    SectionTag,
    Subheading,
    Table,
)
from tests.conftest import Cluster, Server, publish_into, serving

FIRST = date(2026, 3, 1)
SIZE = 31
TAGS = ["data-elements", "compute", "energy", "robotics", "hubei", "softbank", "transport"]
SOURCES = ["国家数据局", "Reuters", "新华社", "100%_网", "Ｃ５０ 论坛"]


def tagged(*slugs: str) -> tuple[SectionTag, ...]:
    return tuple(SectionTag(slug=slug) for slug in dict.fromkeys(slugs))


def section(index: int, number: int) -> Section:
    words = [f"第 {index} 期增长 {index}%"]
    words += ["路径 C:\\a_b"] if index % 4 == 0 else []
    words += ["ＡＩ 芯片"] if index % 3 == number else []
    extra = [TAGS[index % 3]] if index % 2 else []
    return Section(
        number=number,
        numeral="一二三"[number - 1],
        heading=f"条目{number}",
        page=number + 1,
        body=tuple(Paragraph(text=text) for text in words),
        tags=tagged(TAGS[(index + number) % len(TAGS)], *extra),
    )


def citation(number: int, source: str, title: str, day: date | None, *sections: int) -> Citation:
    item = ReferenceItem(source=source, title=title, date=day)
    return Citation(number=number, purpose=f"用于{title}。", sections=sections, reference=item)


def on_the_shelf(index: int) -> BulletinDocument:
    day = FIRST + timedelta(days=index)
    shared = citation(1, SOURCES[index % 4], f"共享 {index % 4}", FIRST - timedelta(days=index % 4), 1)
    undated = citation(3, SOURCES[4], f"无日期 {index}", None)
    own = citation(2, SOURCES[(index + 1) % 3], f"报道 {index}", day - timedelta(days=1), 1, 2)
    return BulletinDocument(
        title=f"动态 {index}",
        date=day,
        organisation="委员会",
        producers=("甲", "乙"),
        abstract=f"摘要 {index}",
        sections=(section(index, 1), section(index, 2)),
        citations=(shared, own, undated) if index % 5 == 0 else (shared, own),
        contacts=(Contact(name="联系人", description="说明"),),
    )


@pytest.fixture(scope="session")
def shelf() -> list[BulletinDocument]:
    """Bulletins of 31 days, the oldest first, each with two sections and two or three citations."""
    return [on_the_shelf(index) for index in range(SIZE)]


@pytest.fixture(scope="session")
def shelf_server(cluster: Cluster, template: str, shelf: list[BulletinDocument]) -> Iterator[Server]:
    """The API on the shelf; read only."""
    with cluster.database(template) as settings:
        publish_into(settings, shelf)
        with psycopg.connect(settings.conninfo) as connection:
            # Content younger than two seconds has no Last-Modified.
            connection.execute("UPDATE change SET at = at - interval '1 hour'")
        with serving(settings) as server:
            yield server


@pytest.fixture(scope="session")
def reading(shelf_server: Server) -> httpx2.Client:
    """A client of the API on the shelf."""
    return shelf_server.client


@pytest.fixture
def walk() -> Callable[[httpx2.Client, str], list[Any]]:
    """All items of a list, page by page, along the Link headers."""

    def all_pages(client: httpx2.Client, address: str) -> list[Any]:
        items: list[Any] = []
        visited: set[str] = set()
        following: str | None = address
        while following:
            assert following not in visited, "the pages go round in a circle"
            visited.add(following)
            answer = client.get(following)
            assert answer.status_code == 200, answer.text
            page = answer.json()
            items += page["items"]
            following = answer.links["next"]["url"] if "next" in answer.links else None
            assert (following is None) == (page["next"] is None)
            assert page["items"] or not items
        return items

    return all_pages


@pytest.fixture
def everything() -> BulletinDocument:
    """A document that uses every kind of block and every field."""
    body = (
        Paragraph(text="含有 “引号”、\\ 和 <标记> 的一段"),
        Subheading(text="（一）小标题"),
        ListBlock(ordered=True, items=("甲", "乙")),
        Table(header=True, rows=(("年", "亿元"), ("2026", ""))),
        Image(src="https://example.org/a.png", alt="图"),
    )
    url = "https://example.org/?a=1&b=2"
    item = ReferenceItem(source="Reuters", title="Talk of a bubble", date=date(2026, 6, 24), url=url)
    return BulletinDocument(
        series="系列",
        title="标题",
        date=date(2026, 6, 25),
        language="en",
        organisation="组织",
        producers=("甲", "乙"),
        abstract="第一段\n第二段",
        sections=(
            Section(
                number=1, numeral="一", heading="上", page=2, body=body, tags=tagged("energy", "compute")
            ),
            Section(number=2, heading="下", tags=tagged("compute", "hubei")),
        ),
        citations=(
            Citation(number=1, purpose="用于甲", sections=(1, 2), inferred=True, reference=item),
            citation(2, "国家数据局", "无日期的文章", None),
        ),
        contacts=(Contact(name="网", description="说明", url="https://gyznsw.cn"), Contact(name="号")),
        unplaced=("没有公开的一行",),
    )


def problem(answer: httpx2.Response, status: int, kind: str) -> Any:
    """The problem's body, after everything that is the same for all problems has been checked."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    assert "etag" not in answer.headers
    body = answer.json()
    assert (body["type"], body["status"]) == (f"/problems/{kind}", status)
    assert body["instance"] == answer.request.url.raw_path.partition(b"?")[0].decode()
    assert body["title"]
    assert body["detail"]
    assert ("errors" in body) == (kind in {"invalid-parameter", "invalid-cursor"})
    return body


def refused(answer: httpx2.Response, *parameters: str) -> None:
    """The answer refuses exactly the parameters and names each."""
    body = problem(answer, 422, "invalid-parameter")
    assert [error["parameter"] for error in body["errors"]] == list(parameters)
    assert all(error["detail"] and error["parameter"] in body["detail"] for error in body["errors"])
