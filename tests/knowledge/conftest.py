"""The whole archive as its lists give it, to count again what was counted."""

from collections.abc import Callable
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

import httpx2
import pytest

from tests.conftest import Server

Section = dict[str, Any]
Bulletin = dict[str, Any]
Get = Callable[[str], Any]

UNKNOWN = UUID(int=7)


class Archive(NamedTuple):
    """Everything that is published, through the public lists."""

    bulletins: list[Bulletin]
    sections: list[Section]

    def tagged(self, slug: str) -> list[Section]:
        return [section for section in self.sections if slug in tags(section)]

    def days(self) -> list[date]:
        return sorted(date.fromisoformat(bulletin["date"]) for bulletin in self.bulletins)


def tags(section: Section) -> set[str]:
    return {tag["slug"] for tag in section["tags"]}


def day(section: Section) -> date:
    return date.fromisoformat(section["bulletin"]["date"])


@pytest.fixture(scope="session")
def archive(library_server: Server) -> Archive:
    library = library_server.client
    sections: list[Section] = []
    cursor: dict[str, Any] = {}
    while True:
        page = library.get("/v1/sections", params={"limit": 200, **cursor}).json()
        sections += page["items"]
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    bulletins = library.get("/v1/bulletins?limit=200&include=sections,citations").json()["items"]
    return Archive(bulletins, sections)


@pytest.fixture
def get(library: httpx2.Client) -> Get:
    """The JSON at an address that must be found."""

    def found(address: str) -> Any:
        answer = library.get(address)
        assert answer.status_code == 200, answer.text
        return answer.json()

    return found
