"""People at the desk: accounts with a login each, on the test's own database."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from typing import Any

import httpx2
import pytest

from app.bulletins.document import (
    BulletinDocument,
    Citation,
    Contact,
    Paragraph,
    ReferenceItem,
    Section,
    SectionTag,
)
from app.editorial.models import Staff, StaffToken
from app.editorial.workflow import Role
from app.kit.auth import hash_password, new_token, token_digest
from app.kit.db import connect, new_id
from app.kit.settings import Settings
from tests.conftest import Server
from tests.kit.wire import client_of

FAR = datetime(2100, 1, 1, tzinfo=UTC)
PASSWORD = "一个很长的好密码 2026"  # noqa: S105 - it opens tests alone

Login = Callable[..., httpx2.Client]


@cache
def password_hash() -> str:
    return asyncio.run(hash_password(PASSWORD))


def join(settings: Settings, name: str, role: Role) -> str:
    """Make an account with one login; its token."""
    token, hashed = new_token("nqpf"), password_hash()

    async def run() -> None:
        async with connect(settings) as database, database.session() as session:
            staff = Staff(id=new_id(), name=name, display_name=name, role=role, password_hash=hashed)
            session.add(staff)
            await session.flush()
            session.add(
                StaffToken(
                    staff_id=staff.id, digest=token_digest(token), ip="", user_agent="", expires_at=FAR
                )
            )

    asyncio.run(run())
    return token


@pytest.fixture
def login(server: Server, settings: Settings) -> Iterator[Login]:
    """Gives a client of the API for a new member of staff: ``login("ann", Role.reviewer)``."""
    with ExitStack() as clients:

        def client(name: str, role: Role = Role.editor) -> httpx2.Client:
            headers = {"Authorization": f"Bearer {join(settings, name, role)}"}
            return clients.enter_context(client_of(server.port, headers))

        yield client


@pytest.fixture
def editor(login: Login) -> httpx2.Client:
    return login("eva")


@pytest.fixture
def reviewer(login: Login) -> httpx2.Client:
    return login("rui", Role.reviewer)


@pytest.fixture
def administrator(login: Login) -> httpx2.Client:
    return login("ada", Role.administrator)


def bulletin(
    text: str = "正文", day: date | None = date(2026, 6, 25), sections: int = 2, tag: str = "compute"
) -> BulletinDocument:
    """A document that the checks find no error in."""
    reference = ReferenceItem(source="新华社", title="一条消息", date=date(2026, 6, 24))
    return BulletinDocument(
        title="标题",
        date=day,
        organisation="委员会",
        abstract="摘要",
        sections=tuple(
            Section(
                number=number,
                heading=f"条目{number}",
                body=(Paragraph(text=f"{text}{number}"),),
                tags=(SectionTag(slug=tag),),
            )
            for number in range(1, sections + 1)
        ),
        citations=(
            Citation(number=1, purpose="核对", sections=(2,) if sections > 1 else (), reference=reference),
        ),
        contacts=(Contact(name="联系人"),),
    )


def body(document: BulletinDocument) -> dict[str, Any]:
    return document.model_dump(mode="json")


@dataclass
class Draft:
    """A draft at the desk as somebody last read it."""

    client: httpx2.Client
    path: str
    etag: str
    seen: dict[str, Any]

    def read(self, client: httpx2.Client | None = None) -> "Draft":
        """The draft as it is now, perhaps in other hands."""
        client = client or self.client
        return _draft(client, client.get(self.path))

    def send(self, method: str, path: str, content: Any, **headers: str) -> httpx2.Response:
        """Write with the ETag that was read; what has changed by it is read."""
        headers = {"If-Match": self.etag, **headers}
        answer = self.client.request(method, f"{self.path}{path}", json=content, headers=headers)
        if answer.is_success and "etag" in answer.headers:
            self.etag, self.seen = answer.headers["etag"], answer.json()
        return answer

    def patch(self, **content: Any) -> httpx2.Response:
        return self.send("PATCH", "/document", content)

    def step(self, action: str, client: httpx2.Client | None = None, **content: Any) -> httpx2.Response:
        if client is not None:
            self.client = client
        return self.send("POST", f"/{action}", content)


def _draft(client: httpx2.Client, answer: httpx2.Response) -> Draft:
    assert answer.is_success, answer.text
    seen = answer.json()
    return Draft(client, f"/v1/editorial/drafts/{seen['id']}", answer.headers["etag"], seen)


def begin(client: httpx2.Client, document: BulletinDocument | None = None) -> Draft:
    """A new draft."""
    content = {"document": body(document or bulletin())}
    return _draft(client, client.post("/v1/editorial/drafts", json=content))


def approved(
    author: httpx2.Client, reviewer: httpx2.Client, document: BulletinDocument | None = None
) -> Draft:
    """A draft that the reviewer may publish."""
    draft = begin(author, document)
    for action, client in (("submit", author), ("approve", reviewer)):
        answer = draft.step(action, client)
        assert answer.status_code == 200, answer.text
    return draft


def codes(answer: httpx2.Response) -> list[str]:
    """The codes of a refusal."""
    assert answer.status_code == 409, answer.text
    assert answer.json()["type"] == "/problems/refused"
    return [reason["code"] for reason in answer.json()["reasons"]]
